// A chat as plain state: what was said, what is going on, and what can be done next. Whoever shows it
// subscribes; it knows no screen.
import {EmuError} from '../errors.js';
import {answerTurn, drawTurn} from './answerTurn.js';
import {describeMedia, findMentions} from './attachments.js';
import {ChatLog} from './chatLog.js';
import type {AnswerOptions, ChatDrawOptions, ChatModel} from './chatModel.js';
import {keepMedia, type MediaOptions, type ReadMedia} from './media.js';
import {takeUpPast} from './past.js';
import {giveBack, mediaOf, showPast, showQuestion} from './showTurn.js';
import type {ChatState} from './state.js';
import {ChatStore} from './store.js';
import {
  type Conversation,
  type Question,
  questionText,
  type TranscriptRecord,
  type Turn,
  type UserPart,
} from './transcript.js';

export interface SessionOptions {
  /** Loads a model by its name or path, in the place of the one before. */
  readonly open: (model: string) => Promise<ChatModel>;
  readonly model: string;
  /** Holds the sessions. */
  readonly root: string;
  /** A conversation to go on with. */
  readonly resumed?: {readonly store: ChatStore; readonly past: Conversation};
  /** Instead of the model's own text before the first turn. */
  readonly system?: string;
  readonly media: MediaOptions;
  readonly answer?: AnswerOptions;
  readonly drawing?: ChatDrawOptions;
}

/**
 * Up to here the cache is written after each answer. Of a larger one, what it is computed from; the
 * cache itself when the chat is left.
 */
const QUICK_SAVE_BYTES = 64e6;
/** A larger cache is never written. */
const MAX_SAVE_BYTES = 4e9;

export class ChatSession {
  private readonly log: ChatLog;
  private store: ChatStore;
  private turns: Turn[];
  private system: string | undefined;
  private isBegun: boolean;
  private model: Promise<ChatModel>;
  private jobs: Promise<unknown> = Promise.resolve();
  private preparations: Promise<unknown> = Promise.resolve();
  private stopping = new AbortController();
  private attempts = 0;
  /** What of the model's memory is on the disk. */
  private saved: 'all' | 'history' | 'nothing' = 'all';
  private numJobs = 0;
  /** Ends when the earlier sitting's turns are on the list. */
  private readonly shown: Promise<void>;

  constructor(private readonly options: SessionOptions) {
    const {resumed, root} = options;
    this.store = resumed?.store ?? ChatStore.create(root);
    this.turns = [...(resumed?.past.turns ?? [])];
    this.system = options.system ?? resumed?.past.system;
    this.isBegun = resumed !== undefined;
    this.log = new ChatLog(this.store.id, options.model);
    const hasNewSystem = resumed && this.system !== resumed.past.system;
    if (hasNewSystem) this.store.dropCache();
    this.shown = resumed ? showPast(this.log, this.store, resumed.past) : Promise.resolve();
    this.model = this.load(options.model);
    if (hasNewSystem) this.append({type: 'system', text: this.system!});
    if (resumed && options.model !== resumed.past.model)
      this.append({type: 'model', name: options.model});
  }

  get state(): ChatState {
    return this.log.state;
  }

  subscribe(listener: () => void): () => void {
    return this.log.subscribe(listener);
  }

  /** Ends when the model is there; rejects where it cannot be. */
  get ready(): Promise<unknown> {
    return this.model;
  }

  /** Whether the conversation can be gone on with later. */
  get isKept(): boolean {
    return this.turns.length > 0;
  }

  get conversation(): {store: ChatStore; turns: readonly Turn[]; system: string | undefined} {
    const {store, turns, system} = this;
    return {store, turns, system};
  }

  note(text: string): void {
    this.log.note(text);
  }

  /** Shows a failure, once where it comes several ways. */
  fail(thrown: unknown): void {
    this.log.fail(thrown);
  }

  /** Stops what is being answered or drawn; false when nothing is. */
  stop(): boolean {
    if (!this.state.live || this.stopping.signal.aborted) return false;
    this.stopping.abort();
    return true;
  }

  /** Adds a picture or video to the next question. */
  attach(source: string | Uint8Array, wanted?: 'video', name?: string): Promise<void> {
    return this.prepare(async () => {
      const {media} = await this.read(source, wanted, name);
      this.log.update({pending: [...this.state.pending, media]});
      this.note(`attached: ${describeMedia(media)}`);
    });
  }

  /** Forgets what would go with the next question. */
  detach(): void {
    this.log.update({pending: []});
  }

  /**
   * One turn: an answer to `text`, or a drawing after it. Pictures that the text names are taken out of
   * it; a text of pictures alone attaches them.
   */
  async ask(
    text: string,
    wants: Question['wants'] = 'text',
    drawing?: ChatDrawOptions,
  ): Promise<void> {
    const question = await this.prepare(async () => {
      const mentions = findMentions(text);
      const hasWords = mentions.some(({type}) => type === 'text');
      const said: UserPart[] = [];
      for (const mention of mentions)
        said.push(mention.type === 'text' ? mention : (await this.read(mention.source)).media);
      // Pictures alone can be drawn after; as a question they wait for words.
      const isComplete =
        hasWords || (wants === 'drawing' && said.length + this.state.pending.length > 0);
      if (!isComplete) {
        for (const part of said)
          if (part.type !== 'text') this.note(`attached: ${describeMedia(part)}`);
        this.log.update({pending: [...this.state.pending, ...mediaOf(said)]});
        return undefined;
      }
      const parts = [...this.state.pending, ...said];
      this.log.update({pending: []});
      return {wants, parts};
    });
    if (!question) return;
    await this.job(() => this.turn(question, 0, drawing), questionText(question.parts));
  }

  /** Answers the last question again, another way. */
  retry(): Promise<void> {
    return this.job(async () => {
      const last = this.lastTurn();
      await this.rewindTo(this.turns.length - 1);
      this.attempts++;
      await this.turn(last, this.attempts);
    });
  }

  /** Takes the last question back; its words come to the input, or `text` is asked in their place. */
  edit(text?: string): Promise<void> {
    return this.job(async () => {
      const {wants, parts} = this.lastTurn();
      await this.rewindTo(this.turns.length - 1);
      if (text !== undefined) {
        await this.turn({wants, parts: [...mediaOf(parts), {type: 'text', text}]}, 0);
        return;
      }
      this.note('the last question is taken back, to be changed');
      giveBack(this.log, {wants, parts});
    });
  }

  undo(): Promise<void> {
    return this.job(async () => {
      const words = questionText(this.lastTurn().parts);
      await this.rewindTo(this.turns.length - 1);
      this.note(`taken back: ${words}`);
    });
  }

  /** A new conversation; the old one stays on the disk. */
  clear(): Promise<void> {
    const begin = async () => {
      const model = await this.whenLoaded();
      await this.saveCache(true);
      this.store.close(this.isKept);
      this.store = ChatStore.create(this.options.root);
      this.turns = [];
      this.isBegun = false;
      this.saved = 'all';
      this.log.update({id: this.store.id, pending: [], status: undefined});
      this.log.know(await model.begin(this.system));
      this.note('a new conversation');
    };
    // What is read after it belongs to the new one.
    return this.prepare(() => this.job(begin));
  }

  /** Another text before the first turn; undefined: the model's own. What was said stays. */
  setSystem(text: string | undefined): Promise<void> {
    return this.job(async () => {
      this.system = text;
      this.store.dropCache();
      if (this.isBegun) this.append({type: 'system', ...(text === undefined ? {} : {text})});
      await this.computePast(await this.whenLoaded());
      this.note(text === undefined ? 'the system text is the model’s own' : `system text: ${text}`);
    });
  }

  /** Goes on with another model. */
  switchModel(name: string): Promise<void> {
    return this.job(async () => {
      this.store.dropCache();
      this.log.update({status: undefined, tokensPerSecond: undefined});
      this.model = this.load(name);
      await this.whenLoaded();
      if (this.isBegun) this.append({type: 'model', name});
      this.note(`the model is ${name}`);
    });
  }

  /** Has the conversation wholly on the disk; `title` is what --list calls it. */
  save(title?: string): Promise<void> {
    return this.job(async () => {
      if (!this.isBegun) throw usage('there is nothing to save yet');
      if (title) this.append({type: 'title', title});
      await this.saveCache(true);
      this.note(`saved; \`emu chat --resume ${this.store.id}\` goes on`);
    });
  }

  /** The last drawing's file. */
  lastDrawing(): string {
    const turn = this.turns.findLast(({answer}) => answer.type === 'drawing');
    if (turn?.answer.type !== 'drawing') throw usage('nothing was drawn yet; /draw PROMPT draws');
    return this.store.pictureFile(turn.answer.file);
  }

  /** Runs `task` after what was asked before it. */
  later(task: () => Promise<void>): Promise<void> {
    return this.job(task);
  }

  /** Stops, keeps what is to be kept, and gives the model up. */
  async leave(): Promise<void> {
    this.log.update({isLeaving: true, queued: []});
    this.stop();
    await this.jobs;
    if (this.state.model.phase === 'ready') await this.saveCache(true);
    this.store.close(this.isKept);
    // One that still loads ends with the program.
    if (this.state.model.phase === 'ready') await (await this.model).close();
  }

  private async load(name: string): Promise<ChatModel> {
    this.log.update({model: {name, phase: 'loading', info: undefined}});
    const loading = (async () => {
      const model = await this.options.open(name);
      await this.shown;
      await this.computePast(model);
      this.log.update({model: {name, phase: 'ready', info: model.info}});
      return model;
    })();
    // Whoever needs the model is told; nobody may need it.
    loading.catch(() => this.log.update({model: {name, phase: 'failed', info: undefined}}));
    return loading;
  }

  private async computePast(model: ChatModel): Promise<void> {
    const {store, turns, system} = this;
    this.log.know(await takeUpPast(model, {store, turns, system}, (text) => this.note(text)));
  }

  /** Asks and answers; the question is on the disk before, its answer after. */
  private async turn(
    question: Question,
    attempt: number,
    drawing?: ChatDrawOptions,
  ): Promise<void> {
    if (attempt === 0) this.attempts = 0;
    const parts = await showQuestion(this.log, this.store, question);
    this.append({type: 'question', wants: question.wants, parts: [...question.parts]});
    try {
      const model = await this.whenLoaded();
      const turning = {log: this.log, model, signal: this.stopping.signal};
      const options = {preview: true, ...this.options.drawing, ...drawing};
      const answer =
        question.wants === 'text'
          ? await answerTurn(turning, parts, this.options.answer ?? {}, attempt)
          : await drawTurn(turning, this.store, question, parts, options, attempt);
      if (!answer) throw stopped();
      this.append({type: 'answer', answer});
      this.turns.push({...question, answer});
    } catch (error) {
      this.append({type: 'rewind', turns: this.turns.length});
      await this.forgetBeyond(this.turns.length);
      this.log.update({live: undefined});
      giveBack(this.log, question);
      if (!isStop(error)) throw error;
      this.note('stopped; the question is back in the input');
      return;
    }
    this.log.update({live: undefined});
    this.saved = 'nothing';
    await this.saveCache(false);
  }

  /** The model; rejects when it is stopped waiting for it. */
  private async whenLoaded(): Promise<ChatModel> {
    const {signal} = this.stopping;
    if (this.state.model.phase === 'loading')
      this.log.update({live: {type: 'busy', what: `loading ${this.state.model.name}`}});
    const abort = new Promise<never>((_, reject) => {
      signal.addEventListener('abort', () => reject(stopped()), {once: true});
      if (signal.aborted) reject(stopped());
    });
    abort.catch(() => {});
    return Promise.race([this.model, abort]);
  }

  private lastTurn(): Turn {
    const last = this.turns.at(-1);
    if (!last) throw usage('nothing was asked yet');
    return last;
  }

  /** Back to the first `count` turns, on the disk and in the model. */
  private async rewindTo(count: number): Promise<void> {
    this.store.dropCache();
    this.append({type: 'rewind', turns: count});
    this.turns.length = count;
    await this.forgetBeyond(count);
    this.saved = 'nothing';
  }

  /** Has the model know the first `count` turns alone. */
  private async forgetBeyond(count: number): Promise<void> {
    const {
      status,
      model: {phase},
    } = this.state;
    if (phase !== 'ready' || !status) return;
    const model = await this.model;
    if (count >= status.droppedTurns)
      this.log.know(await model.rewind(count - status.droppedTurns));
    else await this.computePast(model);
  }

  /** Writes what the model knows; `isLast`: now, or computed again. */
  private async saveCache(isLast: boolean): Promise<void> {
    const {status} = this.state;
    if (!this.isBegun || !status) return;
    const cache = status.cacheBytes <= (isLast ? MAX_SAVE_BYTES : QUICK_SAVE_BYTES);
    if (this.saved === 'all' || (this.saved === 'history' && !cache)) return;
    await (await this.model).save(this.store.cacheFile, {cache});
    this.saved = cache ? 'all' : 'history';
  }

  private read(source: string | Uint8Array, wanted?: 'video', name?: string): Promise<ReadMedia> {
    return keepMedia(this.store, source, this.options.media, wanted, name);
  }

  private append(...records: TranscriptRecord[]): void {
    const {id} = this.store;
    const system = this.system === undefined ? {} : {system: this.system};
    const {name} = this.state.model;
    const created = new Date().toISOString();
    const head: TranscriptRecord = {type: 'chat', version: 1, id, created, model: name, ...system};
    this.store.append(...(this.isBegun ? [] : [head]), ...records);
    this.isBegun = true;
  }

  private prepare<T>(task: () => Promise<T>): Promise<T> {
    const done = this.preparations.then(task);
    this.preparations = done.catch(() => {});
    return done;
  }

  /** One after the other; `text` is shown while it waits. */
  private job(task: () => Promise<void>, text?: string): Promise<void> {
    const waiting = text !== undefined && this.numJobs > 0;
    this.numJobs++;
    if (waiting) this.log.update({queued: [...this.state.queued, text]});
    const done = this.jobs.then(async () => {
      if (waiting) this.log.update({queued: this.state.queued.slice(1)});
      try {
        if (this.state.isLeaving) return;
        this.stopping = new AbortController();
        this.log.update({live: {type: 'busy', what: 'one moment'}});
        await task();
      } finally {
        this.numJobs--;
        this.log.update({live: undefined});
      }
    });
    this.jobs = done.catch(() => {});
    return done;
  }
}

const stopped = () => new EmuError('stopped', {code: 'stopped', reason: 'interrupted'});

function isStop(error: unknown): boolean {
  return (
    (error instanceof EmuError && error.code === 'stopped') ||
    (error instanceof Error && error.name === 'AbortError')
  );
}

export function usage(problem: string): EmuError {
  return new EmuError(problem, {code: 'usage', reason: 'usage'});
}
