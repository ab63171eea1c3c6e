// A chat without a screen: a line is a question or a command, an answer is a line. Answers go to stdout;
// notes and failures to stderr.
import {createInterface, type Interface} from 'node:readline';
import {type CommandContext, enterLine} from './commands.js';
import type {ChatSession} from './session.js';
import type {Entry} from './state.js';

export interface LineOutput {
  /** One JSON object an answer, which is not streamed. */
  readonly json: boolean;
  /** Line ends in an answer become blanks, so that answers and lines are the same in number. */
  readonly foldsLines: boolean;
  /** Prints to stdout. */
  readonly write: (text: string) => void;
  readonly note: (text: string) => void;
  /** Tells a failure and remembers its exit code; throws one that the chat cannot go on after. */
  readonly fail: (error: unknown) => void;
}

const fold = (text: string) => text.replace(/\s*\n\s*/g, ' ');

/** Prints what a session comes to say from now on. */
export class LinePrinter {
  private numSeen: number;
  /** How much of the answer that streams is printed. */
  private printed = 0;
  private isLineOpen = false;
  private readonly release: () => void;

  constructor(
    private readonly session: ChatSession,
    private readonly out: LineOutput,
  ) {
    this.numSeen = session.state.entries.length;
    this.release = session.subscribe(() => this.follow());
  }

  close(): void {
    this.follow();
    this.endLine();
    this.release();
  }

  private follow(): void {
    const {entries, live} = this.session.state;
    const added = entries.slice(this.numSeen);
    this.numSeen = entries.length;
    for (const entry of added) this.show(entry);
    if (live?.type === 'answer') this.stream(live.text);
  }

  private stream(text: string): void {
    if (this.out.json) return;
    const {foldsLines, write} = this.out;
    // A line end waits for what follows, so that a last one is no blank.
    const sure = foldsLines ? text.trimEnd() : text;
    if (sure.length <= this.printed) return;
    const delta = sure.slice(this.printed);
    write(foldsLines ? fold(delta) : delta);
    this.printed = sure.length;
    this.isLineOpen = true;
  }

  private endLine(): void {
    if (this.isLineOpen) this.out.write('\n');
    this.isLineOpen = false;
    this.printed = 0;
  }

  private show(entry: Entry): void {
    const {out, session} = this;
    const {info} = session.state.model;
    const about = {model: info?.name, backend: info?.backend, session: session.state.id};
    switch (entry.type) {
      case 'answer': {
        const {text, isStopped, facts} = entry;
        // An earlier sitting's.
        if (!facts) return;
        if (!out.json) {
          if (!this.isLineOpen) out.write(out.foldsLines ? fold(text) : text);
          this.isLineOpen = true;
          this.endLine();
          return;
        }
        const {tokens, newPromptTokens, tokensPerSecond, firstTokenSeconds, status} = facts;
        const {contextTokens, contextLength, droppedTurns} = status;
        out.write(
          `${JSON.stringify({
            text,
            tokens,
            isStopped,
            ...about,
            timings: {firstToken: firstTokenSeconds},
            tokensPerSecond,
            newPromptTokens,
            context: {tokens: contextTokens, length: contextLength, droppedTurns},
          })}\n`,
        );
        return;
      }
      case 'drawing': {
        const {file, seed, isFlagged, isPast} = entry;
        if (isPast) return;
        const path = isFlagged ? null : file;
        if (out.json)
          out.write(`${JSON.stringify({images: [{path, seed, nsfw: isFlagged}], ...about})}\n`);
        else if (path) out.write(`${path}\n`);
        return;
      }
      case 'note':
        this.endLine();
        out.note(entry.text);
        return;
      case 'error':
        this.endLine();
        out.fail(entry.error);
        return;
      case 'question':
        return;
    }
  }
}

/** Asks one question and prints its answer; throws what goes wrong. */
export async function askOnce(
  context: CommandContext,
  question: string,
  out: LineOutput,
): Promise<void> {
  const printer = new LinePrinter(context.session, out);
  try {
    await enterLine(context, question);
  } finally {
    printer.close();
  }
}

/** Answers the lines of `input` until it ends or one says /quit. A line that ends with \ goes on in the next. */
export async function answerLines(
  context: Omit<CommandContext, 'leave'>,
  input: {
    readonly stream: NodeJS.ReadableStream;
    /** Where a person at a terminal is asked for the next line. */
    readonly prompt?: NodeJS.WriteStream;
  },
  out: LineOutput,
): Promise<void> {
  const {session} = context;
  const {stream, prompt} = input;
  const lines = createInterface({
    input: stream,
    ...(prompt ? {output: prompt, prompt: '> '} : {}),
    crlfDelay: Number.POSITIVE_INFINITY,
  });
  let isLeaving = false;
  const leave = () => {
    isLeaving = true;
  };
  const enter = async (line: string) => {
    try {
      await enterLine({...context, leave}, line);
    } catch (error) {
      // Its pictures are not the next question's.
      session.detach();
      out.fail(error);
    }
  };
  if (prompt) handleInterrupt(lines, session, out);
  const printer = new LinePrinter(session, out);
  try {
    let begun = '';
    if (prompt) lines.prompt();
    for await (const line of lines) {
      begun += line;
      if (begun.endsWith('\\')) {
        begun = `${begun.slice(0, -1)}\n`;
      } else {
        await enter(begun);
        begun = '';
      }
      if (isLeaving) break;
      if (prompt) lines.prompt();
    }
    // Ctrl+D leaves the cursor behind the prompt; a last line may lack its end.
    if (!isLeaving) prompt?.write('\n');
    await enter(begun);
  } finally {
    lines.close();
    printer.close();
  }
}

/** Ctrl+C stops the answer, else leaves when it comes twice. */
function handleInterrupt(lines: Interface, session: ChatSession, out: LineOutput): void {
  let isSecond = false;
  lines.on('SIGINT', () => {
    if (session.stop()) return;
    if (isSecond) {
      lines.close();
      return;
    }
    isSecond = true;
    out.note('Ctrl+C again leaves');
    lines.prompt();
  });
  lines.on('line', () => {
    isSecond = false;
  });
}
