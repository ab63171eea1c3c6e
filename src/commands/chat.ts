import {Flags} from '@oclif/core';
import type {CommandContext} from '../chat/commands.js';
import type {LineOutput} from '../chat/lineMode.js';
import type {ChatSession} from '../chat/session.js';
import {reportError, toEmuError} from '../cli/errors.js';
import {
  drawFlags,
  frameFlags,
  loadOptions,
  pictureFlags,
  present,
  textFlags,
} from '../cli/flags.js';
import {ModelCommand} from '../cli/modelCommand.js';
import {readOptions} from '../cli/pictures.js';
import {clearProgress, type Progress} from '../cli/progress.js';
import {defaultModel} from '../cli/settings.js';
import {exitCodes} from '../errors.js';

const loadStore = () => import('../chat/store.js');

export default class Chat extends ModelCommand {
  static override summary = 'Talk about pictures and videos, and have pictures drawn.';
  static override description =
    'On a terminal a screen opens; /help in it lists its commands. Otherwise each line of standard input is a question or a command, and each answer a line. Conversations are kept: --list shows them, --continue and --resume go on.';
  static override examples = [
    '<%= config.bin %> chat',
    '<%= config.bin %> chat -p "what is in the picture?" --image dog.jpg',
    '<%= config.bin %> chat --continue',
    '<%= config.bin %> chat < questions.txt',
  ];
  static override flags = {
    prompt: Flags.string({
      char: 'p',
      description: 'ask this once, print the answer, end',
      helpValue: 'TEXT',
    }),
    image: Flags.string({
      description: 'pictures and videos for the first question',
      multiple: true,
      helpValue: 'FILE',
    }),
    continue: Flags.boolean({
      char: 'c',
      description: 'go on with the last chat',
      exclusive: ['resume', 'list'],
    }),
    resume: Flags.string({
      char: 'r',
      description: 'go on with this chat: its id, or how that begins',
      helpValue: 'ID',
      exclusive: ['list'],
    }),
    list: Flags.boolean({description: 'list the chats that are kept, last changed first'}),
    'screen-reader': Flags.boolean({
      description: 'plain lines one after the other, nothing drawn over',
    }),
    beams: Flags.integer({
      description: 'answers followed at once (default: 1)',
      min: 1,
      max: 64,
      helpGroup: 'ANSWER',
    }),
    greedy: textFlags.greedy,
    sample: textFlags.sample,
    temperature: textFlags.temperature,
    'top-p': textFlags['top-p'],
    'top-k': textFlags['top-k'],
    seed: textFlags.seed,
    'max-tokens': textFlags['max-tokens'],
    system: textFlags.system,
    steps: drawFlags.steps,
    guidance: drawFlags.guidance,
    ...pictureFlags,
    ...frameFlags,
  };

  async run(): Promise<void> {
    const {flags} = await this.parse(Chat);
    const {chatsFolder, ChatStore, findChat} = await loadStore();
    const root = chatsFolder();
    if (flags.list) return this.list(root);
    const isResumed = flags.continue || flags.resume !== undefined;
    const resumed = isResumed ? ChatStore.open(root, findChat(root, flags.resume)) : undefined;
    const model = flags.model ?? resumed?.past.model ?? defaultModel(this.config.configDir);

    const isTerminal = Boolean(process.stdin.isTTY && process.stdout.isTTY);
    const isPlain = flags['screen-reader'] || this.jsonEnabled() || process.env.TERM === 'dumb';
    const hasScreen = flags.prompt === undefined && isTerminal && !isPlain;
    // chalk, which Ink colours with, knows this variable only.
    if (process.env.NO_COLOR) process.env.FORCE_COLOR = '0';
    // What is typed from now on waits for the screen, and the terminal does not echo it.
    if (hasScreen) process.stdin.setRawMode(true);
    const screen = hasScreen ? import('../chat/screen.js') : undefined;

    const [{ChatSession}, {ChatModels}, {listModels}, {findModel, modelsThatDraw}] =
      await Promise.all([
        import('../chat/session.js'),
        import('../chat/openChatModel.js'),
        import('../cli/models.js'),
        import('../weights/locate.js'),
      ]);
    const numBeams = flags.greedy || flags.sample ? 1 : flags.beams;
    const models = new ChatModels(loadOptions(flags), (text) => session.note(text));
    const session: ChatSession = new ChatSession({
      open: (name) => models.open(name),
      model,
      root,
      ...(resumed ? {resumed} : {}),
      ...present({system: flags.system}),
      media: {...readOptions(flags), frames: flags.frames},
      answer: present({
        maxTokens: flags['max-tokens'],
        numBeams,
        sample: flags.sample || undefined,
        temperature: flags.temperature,
        topP: flags['top-p'],
        topK: flags['top-k'],
        seed: flags.seed,
      }),
      drawing: present({
        seed: flags.seed,
        steps: flags.steps,
        guidance: flags.guidance,
        preview: hasScreen,
      }),
    });
    const context = {
      session,
      models: () => {
        const able = modelsThatDraw();
        const names = listModels(this.config.configDir).filter(({available}) => available);
        return names.map(({name}) => ({name, draws: able.includes(name)}));
      },
      checkModel: (name: string) => {
        findModel(name);
      },
    };
    const images = (async () => {
      for (const image of flags.image ?? []) await session.attach(image);
    })();
    // One that can't be read is told where it is waited for.
    images.catch(() => {});
    try {
      if (!screen) {
        await this.lines(context, images, flags);
        return;
      }
      images.catch((error) => session.fail(error));
      await (await screen).runScreen({context});
    } finally {
      await models.close();
    }
    if (session.isKept)
      this.note(`\`emu chat --resume ${session.state.id}\` goes on with this chat`);
  }

  private async list(root: string): Promise<void> {
    const {listChats} = await loadStore();
    const chats = listChats(root, (error) => this.fileFailure(error));
    for (const chat of chats) {
      const {id, changed, turns, model, title} = chat;
      const day = changed.slice(0, 16).replace('T', ' ');
      const count = turns === 1 ? '1 turn' : `${turns} turns`;
      this.result(chat, `${id}  ${day}  ${count.padEnd(8)}  ${model}  ${title}`);
    }
    if (chats.length === 0) this.note('no chats are kept yet; `emu chat` starts one');
  }

  /** Without a screen: the one question of -p, else line by line. */
  private async lines(
    context: Omit<CommandContext, 'leave'>,
    images: Promise<void>,
    flags: {prompt?: string | undefined},
  ): Promise<void> {
    const {answerLines, askOnce} = await import('../chat/lineMode.js');
    const {session} = context;
    const isOnce = flags.prompt !== undefined;
    const isPerson = Boolean(process.stdin.isTTY) && !isOnce;
    const progress = await this.progress();
    const release = isPerson ? () => {} : session.subscribe(() => showProgress(session, progress));
    const out: LineOutput = {
      json: this.jsonEnabled(),
      foldsLines: !isOnce && !isPerson,
      write: (text) => {
        clearProgress();
        process.stdout.write(text);
      },
      note: (text) => this.note(text),
      fail: (thrown) => {
        const error = toEmuError(thrown);
        // The same would be said to every question.
        if (isOnce || session.state.model.phase === 'failed') throw error;
        const code = reportError(error, this.jsonEnabled());
        process.exitCode ??= code;
      },
    };
    try {
      await images;
      if (isOnce) {
        await askOnce({...context, leave: () => {}}, flags.prompt!, out);
      } else {
        const prompt = process.stdout.isTTY ? process.stdout : process.stderr;
        const input = {stream: process.stdin, ...(isPerson ? {prompt} : {})};
        await answerLines(context, input, out);
      }
      const {entries} = session.state;
      if (entries.some((entry) => entry.type === 'drawing' && entry.isFlagged && !entry.isPast))
        process.exitCode ??= exitCodes.withheld;
    } finally {
      release();
      progress.stop();
      await session.leave();
    }
  }
}

/** On stderr, until there is something of the answer to print. */
function showProgress({state: {live}}: ChatSession, progress: Progress): void {
  if (live?.type === 'busy') progress.update(live.what);
  else if (live?.type === 'answer' && live.text === '') progress.update('answering');
  else if (live?.type === 'drawing')
    progress.update(`drawing, step ${live.step} of ${live.steps}`, live.step / live.steps);
  else progress.stop();
}
