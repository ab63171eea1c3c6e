// What can be written after a slash.
import {closest} from '../text/closest.js';
import {argumentPath} from './attachments.js';
import type {ChatDrawOptions} from './chatModel.js';
import {type ChatSession, usage} from './session.js';

/** What a command needs beside the session. */
export interface CommandContext {
  readonly session: ChatSession;
  /** Models that can be named, with a mark for those that draw. */
  readonly models: () => readonly {readonly name: string; readonly draws: boolean}[];
  /** Throws where there is no such model. */
  readonly checkModel: (name: string) => void;
  readonly leave: () => void;
}

export interface SlashCommand {
  readonly name: string;
  /** As help shows it, `[...]` where it may be left out. */
  readonly argument?: string;
  readonly help: string;
  /** What Tab completes after it. */
  readonly completes?: 'path' | 'model';
  readonly run: (context: CommandContext, argument: string) => Promise<void> | void;
}

function required(argument: string, name: string, what: string): string {
  if (argument === '') throw usage(`/${name}: expected ${what}`);
  return argument;
}

/** `--seed 7 --steps 20 --guidance 5 a red apple` */
export function drawArgument(argument: string): {prompt: string; options: ChatDrawOptions} {
  const options: {seed?: number; steps?: number; guidance?: number} = {};
  let rest = argument;
  for (;;) {
    const match = /^--(seed|steps|guidance)[ =](\S+)\s*/.exec(rest);
    if (!match) break;
    const value = Number(match[2]);
    const name = match[1] as keyof typeof options;
    const isWhole = name === 'guidance' || Number.isInteger(value);
    if (!Number.isFinite(value) || value < (name === 'steps' ? 1 : 0) || !isWhole)
      throw usage(`/draw --${name}: expected a number, got ${match[2]}`);
    options[name] = value;
    rest = rest.slice(match[0].length);
  }
  return {prompt: rest, options};
}

function help(): string {
  const width = Math.max(...commands.map((command) => synopsis(command).length));
  const lines = commands.map((command) => `${synopsis(command).padEnd(width)}   ${command.help}`);
  return [
    ...lines,
    'Pictures and videos also come by their path or https:// address in the text,',
    'by dropping them here, or by Ctrl+V. Enter sends; Alt+Enter, Shift+Enter or',
    '\\ Enter begins a line; Tab completes; the arrows bring back what was written.',
    'Esc stops an answer; Ctrl+C twice leaves.',
  ].join('\n');
}

const synopsis = ({name, argument}: SlashCommand) =>
  argument ? `/${name} ${argument}` : `/${name}`;

export const commands: readonly SlashCommand[] = [
  {
    name: 'image',
    argument: 'PATH',
    help: 'show a picture with the next question',
    completes: 'path',
    run: ({session}, argument) =>
      session.attach(argumentPath(required(argument, 'image', 'a path or https:// address'))),
  },
  {
    name: 'video',
    argument: 'PATH',
    help: 'show a video’s frames with the next question',
    completes: 'path',
    run: ({session}, argument) =>
      session.attach(
        argumentPath(required(argument, 'video', 'a path or https:// address')),
        'video',
      ),
  },
  {
    name: 'detach',
    help: 'show nothing with the next question after all',
    run: ({session}) => {
      session.detach();
      session.note('nothing is attached');
    },
  },
  {
    name: 'draw',
    argument: 'PROMPT',
    help: 'draw; before it --seed N, --steps N, --guidance G',
    completes: 'path',
    run: ({session}, argument) => {
      const {prompt, options} = drawArgument(argument);
      // After attached pictures no words are needed.
      if (session.state.pending.length === 0) required(prompt, 'draw', 'what to draw');
      return session.ask(prompt, 'drawing', options);
    },
  },
  {
    name: 'retry',
    help: 'answer again, sampled; or draw with the next seed',
    run: ({session}) => session.retry(),
  },
  {
    name: 'edit',
    argument: '[TEXT]',
    help: 'take the last question back and change it',
    run: ({session}, argument) => session.edit(argument || undefined),
  },
  {
    name: 'undo',
    help: 'take the last question and its answer back',
    run: ({session}) => session.undo(),
  },
  {name: 'clear', help: 'begin a new conversation', run: ({session}) => session.clear()},
  {
    name: 'system',
    argument: '[TEXT|default]',
    help: 'say or change the text before all questions',
    run: ({session}, argument) => {
      if (argument !== '') return session.setSystem(argument === 'default' ? undefined : argument);
      session.note(`system text: ${session.conversation.system ?? 'the model’s own'}`);
      return undefined;
    },
  },
  {
    name: 'model',
    argument: '[NAME|PATH]',
    help: 'say or change the model',
    completes: 'model',
    run: ({session, models, checkModel}, argument) => {
      if (argument !== '') {
        checkModel(argument);
        return session.switchModel(argument);
      }
      const others = models().map(({name, draws}) => (draws ? `${name} (draws)` : name));
      session.note(`the model is ${session.state.model.name}; there are: ${others.join(', ')}`);
      return undefined;
    },
  },
  {
    name: 'save',
    argument: '[TITLE|FILE.png]',
    help: 'keep the chat, titled; or write the last drawing',
    completes: 'path',
    run: ({session}, argument) => {
      if (!/\.png$/i.test(argument)) return session.save(argument || undefined);
      return session.later(async () => {
        const {copyDrawing} = await import('./exportMarkdown.js');
        const file = argumentPath(argument);
        copyDrawing(session.lastDrawing(), file);
        session.note(`the drawing is in ${file}`);
      });
    },
  },
  {
    name: 'export',
    argument: '[FILE.md]',
    help: 'write the chat as Markdown, its pictures beside it',
    completes: 'path',
    run: ({session}, argument) =>
      session.later(async () => {
        const {exportMarkdown} = await import('./exportMarkdown.js');
        const file = argumentPath(argument || `emu-chat-${session.state.id}.md`);
        const {numPictures} = exportMarkdown(session.conversation, file);
        const pictures = numPictures === 1 ? '1 picture' : `${numPictures} pictures`;
        session.note(`exported to ${file}, with ${pictures}`);
      }),
  },
  {name: 'help', help: 'this', run: ({session}) => session.note(help())},
  {name: 'quit', help: 'leave', run: ({leave}) => leave()},
];

/** The command that a line begins with; undefined for a question. Throws EmuError (usage) for an unknown one. */
export function parseCommand(line: string): {command: SlashCommand; argument: string} | undefined {
  const match = /^\/([a-z]*)(?:\s+([\s\S]*))?$/i.exec(line.trim());
  // A path begins so, too.
  if (!match) return undefined;
  const name = match[1]!.toLowerCase();
  const command = commands.find((known) => known.name === (name === 'exit' ? 'quit' : name));
  if (command) return {command, argument: (match[2] ?? '').trim()};
  const similar = closest(
    name,
    commands.map((known) => known.name),
  );
  throw usage(
    `unknown command /${name}; ${similar ? `did you mean /${similar}?` : '/help lists them'}`,
  );
}

/** Does what a line says: a command, or a question. */
export async function enterLine(context: CommandContext, line: string): Promise<void> {
  if (line.trim() === '') return;
  const parsed = parseCommand(line);
  if (parsed) await parsed.command.run(context, parsed.argument);
  else await context.session.ask(line);
}
