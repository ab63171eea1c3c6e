// A chat with a model of this thread: what the terminal's ChatModel (hostedChatModel.ts) asks for.
import {performance} from 'node:perf_hooks';
import tf from '#tfjs';
import type {Emu} from '../emu.js';
import {EmuError} from '../errors.js';
import {resumeKernels} from '../kernels/cancelled.js';
import {type AnswerEvent, Conversation, isStop} from '../model/conversation.js';
import type {GenerationOptions} from '../model/generate.js';
import {History} from '../model/history.js';
import {nextTurn} from '../model/nextTurn.js';
import {AnswerStream} from '../text/answerStream.js';
import {strip} from '../text/whitespace.js';
import {searchOptions} from '../textOptions.js';
import type {
  AnswerOptions,
  ChatAnswer,
  ChatDrawEvent,
  ChatDrawing,
  ChatDrawn,
  ChatDrawOptions,
  ChatModel,
  ChatModelInfo,
  ChatPart,
  ChatStatus,
  PastTurn,
} from './chatModel.js';
import {readChat, writeChat} from './savedChat.js';
import {closed, openingIds, pictureAnswerIds, questionIds} from './turns.js';

/** Longest answer where nothing else is asked for: that of the official demo's captions. */
const MAX_TOKENS = 512;
const PREVIEW_PIXELS = 64;

type Answered = Omit<Extract<AnswerEvent, {type: 'done'}>, 'type'>;

const secondsSince = (start: number) => (performance.now() - start) / 1000;

function pictureOf(parts: readonly ChatPart[]) {
  return parts.flatMap((part) =>
    part.type === 'image' ? [part.picture] : part.type === 'video' ? part.frames : [],
  );
}

/**
 * The instruct mode answers, or the base of a model that has no other; the base draws. A turn is computed from
 * where the last one ended. When it and room for an answer (a quarter of the context, or `maxTokens` if that is
 * less) do not fit, old turns go by the rule of History.fittedTo, and what is kept is computed again.
 */
export class EmuChat implements ChatModel {
  private conversation: Conversation;
  private system: string | undefined;

  /** The model stays the caller's. */
  constructor(private readonly emu: Emu) {
    this.conversation = new Conversation(emu.conversant.model);
  }

  get info(): ChatModelInfo {
    const {name, backend, canDraw, config} = this.emu;
    return {
      name,
      backend: backend.name,
      canDraw,
      imageSize: config.vision.imageSize,
      tokensPerPicture: config.causalFormer.numTokens + 2,
      contextLength: config.llama.contextLength,
    };
  }

  async begin(system?: string): Promise<ChatStatus> {
    openingIds(this.emu.conversant, system, []); // a text that cannot be is told now
    this.system = system;
    this.conversation.replace(new History([]));
    return this.status();
  }

  async ask(
    parts: readonly ChatPart[],
    options: AnswerOptions,
    onText: (delta: string) => void,
    signal?: AbortSignal,
  ): Promise<ChatAnswer> {
    const started = performance.now();
    const {tokenizer} = this.emu.conversant;
    const {contextLength, causalFormer} = this.sizes;
    const ids = questionIds(this.emu.conversant, parts, causalFormer.numTokens);
    const maxTokens = options.maxTokens ?? MAX_TOKENS;
    const asked = await this.withTurn(parts, ids, pictureOf(parts), maxTokens, signal);
    const stream = new AnswerStream(tokenizer);
    const tell = (delta: string) => delta !== '' && onText(delta);
    let answer: Answered = {ids: [], isStopped: true, newPromptTokens: 0, seconds: 0};
    let firstTokenSeconds = 0;
    if (asked) {
      const maxNewTokens = Math.min(maxTokens, contextLength - asked.length);
      const search = this.search(options, maxNewTokens, signal);
      for await (const event of this.conversation.answer(asked, search)) {
        if (event.type === 'done') {
          answer = event;
          continue;
        }
        firstTokenSeconds ||= secondsSince(started);
        tell(stream.push(event.ids));
      }
      tell(stream.end());
    }
    return {
      text: strip(tokenizer.decode(answer.ids, {skipSpecial: true})),
      tokens: answer.ids,
      newPromptTokens: answer.newPromptTokens,
      tokensPerSecond: answer.ids.length / Math.max(answer.seconds, 1e-9),
      firstTokenSeconds,
      isStopped: answer.isStopped,
      status: this.status(),
    };
  }

  /**
   * What is said in this turn is drawn as `emu t2i` draws it. The picture then stands in the history as an answer, by the
   * embeddings that the vision encoder gives of it: those that it would have if a person showed it, and not the
   * regressed ones that it was drawn from, which say what was meant and not what came out. A withheld picture
   * is black there too.
   */
  async draw(
    parts: readonly ChatPart[],
    options: ChatDrawOptions,
    onEvent: (event: ChatDrawEvent) => void,
    signal?: AbortSignal,
  ): Promise<ChatDrawn> {
    const {conversant} = this.emu;
    const {numTokens} = this.sizes.causalFormer;
    const question = questionIds(conversant, parts, numTokens);
    const ids = [...question, ...pictureAnswerIds(conversant, numTokens)];
    this.checkFits(parts, ids);
    const {preview, ...settings} = options;
    let drawing: ChatDrawing | undefined;
    try {
      const events = this.emu.generateImage(parts, {
        ...settings,
        ...(preview ? {previewSize: PREVIEW_PIXELS} : {}),
        ...(signal ? {signal} : {}),
      });
      for await (const event of events) {
        if (event.type === 'done') continue;
        onEvent(event);
        if (event.type === 'picture')
          drawing = {
            picture: event.picture,
            isFlagged: event.isFlagged,
            seed: event.settings.seed,
          };
      }
    } catch (error) {
      if (!isStop(error, signal)) throw error;
      resumeKernels();
    }
    const shown = drawing && [...pictureOf(parts), drawing.picture];
    const said = shown && (await this.withTurn(parts, ids, shown, MAX_TOKENS, signal));
    if (!drawing || !said) return {isStopped: true, status: this.status()};
    this.conversation.replace(said);
    return {drawing, isStopped: false, status: this.status()};
  }

  async rewind(turns: number): Promise<ChatStatus> {
    const {history} = this.conversation;
    const most = history.turns.length;
    if (!Number.isInteger(turns) || turns < 0 || turns > most)
      throw new EmuError(`rewind: expected a number of turns from 0 to ${most}, got ${turns}`, {
        code: 'bad_option',
        reason: 'usage',
      });
    this.conversation.replace(history.firstTurns(turns));
    return this.status();
  }

  async save(file: string, {cache = true}: {readonly cache?: boolean} = {}): Promise<void> {
    const {conversation, system} = this;
    writeChat(file, this.emu, {conversation, system}, {cache});
  }

  async restore(file: string): Promise<ChatStatus> {
    const {conversation, system} = readChat(file, this.emu);
    this.conversation.dispose();
    this.conversation = conversation;
    this.system = system;
    return this.status();
  }

  /** The history grows by those turns; what the cache lacks of it is computed with the next answer. */
  async recall(turns: readonly PastTurn[], signal?: AbortSignal): Promise<ChatStatus> {
    const {conversant} = this.emu;
    const {numTokens} = this.sizes.causalFormer;
    for (const {parts, answer} of turns) {
      const said =
        answer.type === 'image' ? [...pictureOf(parts), answer.picture] : pictureOf(parts);
      const answered =
        answer.type === 'image'
          ? pictureAnswerIds(conversant, numTokens)
          : (answer.tokens ?? conversant.tokenizer.encode(answer.text, {bos: false}));
      const ids = [...questionIds(conversant, parts, numTokens), ...answered];
      const history = await this.withTurn(parts, ids, said, MAX_TOKENS, signal);
      if (!history) break;
      this.conversation.replace(history);
    }
    return this.status();
  }

  async close(): Promise<void> {
    this.conversation.dispose();
  }

  private status(): ChatStatus {
    const {history, bytes} = this.conversation;
    return {
      turns: history.turns.length,
      droppedTurns: history.dropped,
      contextTokens: history.length,
      contextLength: this.sizes.contextLength,
      cacheBytes: bytes,
    };
  }

  private get sizes() {
    const {llama, causalFormer} = this.emu.config;
    return {contextLength: llama.contextLength, causalFormer};
  }

  /** What is there before a new turn of these parts. */
  private before(parts: readonly ChatPart[]): History {
    const {conversant} = this.emu;
    const {history} = this.conversation;
    if (history.turns.length > 0) return closed(conversant, history);
    return new History(openingIds(conversant, this.system, parts), [], [], history.dropped);
  }

  /** Throws EmuError where a turn does not even fit alone. */
  private checkFits(parts: readonly ChatPart[], ids: readonly number[]): void {
    const {contextLength} = this.sizes;
    const before = this.before(parts);
    const least = (before.turns[0] ?? before.length) + ids.length;
    if (least < contextLength) return;
    throw new EmuError(
      `the turn has ${least} tokens with the system text, the model's context is ${contextLength}; use fewer pictures or less text`,
      {code: 'context_full', reason: 'usage'},
    );
  }

  /** The history with a new turn, old ones dropped where it does not fit; none where the signal stops it. */
  private async withTurn(
    parts: readonly ChatPart[],
    ids: readonly number[],
    pictures: ReturnType<typeof pictureOf>,
    maxTokens: number,
    signal: AbortSignal | undefined,
  ): Promise<History | undefined> {
    this.checkFits(parts, ids);
    const {contextLength} = this.sizes;
    const embeds: tf.Tensor2D[] = [];
    try {
      for (const picture of pictures)
        embeds.push(await nextTurn(signal, () => this.emu.embedPicture(picture)));
    } catch (error) {
      tf.dispose(embeds);
      if (!isStop(error, signal)) throw error;
      resumeKernels();
      return undefined;
    }
    const room = Math.min(maxTokens, Math.floor(contextLength / 4));
    return this.before(parts)
      .beginTurn()
      .append(ids, this.emu.tokenizer.ids.image, embeds)
      .fittedTo(contextLength, room);
  }

  /** Greedy unless told otherwise; whatever is shown, answers are not rewarded for their length. */
  private search(
    options: AnswerOptions,
    maxTokens: number,
    signal: AbortSignal | undefined,
  ): GenerationOptions {
    const own = {task: 'vqa', lengthPenalty: 0, maxTokens, ...(signal ? {signal} : {})} as const;
    return searchOptions({numBeams: 1, ...options, ...own}, this.emu.tokenizer);
  }
}
