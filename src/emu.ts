// The library: a model loaded once, asked many times. The command line, chat and evaluation stand on it.
import {performance} from 'node:perf_hooks';
import tf from '#tfjs';
import {answerText, answerTogether, seconds, type TextEvent} from './answerText.js';
import type {Picture} from './data/image.js';
import {processImage} from './data/preprocess.js';
import {type DrawEvent, type DrawOptions, drawPictures, drawSettings} from './draw.js';
import {drawingContext} from './drawingContext.js';
import {embedPictures, meanDirection} from './embedPictures.js';
import {encodePictures} from './encodePictures.js';
import {EmuError, ModelError} from './errors.js';
import {type Item, picturesOf} from './items.js';
import {
  type BackendInfo,
  type BackendName,
  type Compute,
  selectBackend,
} from './kernels/backend.js';
import {type LoadedImageDecoder, loadImageDecoder} from './loadImageDecoder.js';
import {loadModes, type ModelInMode, type OpenedFile} from './loadModes.js';
import type {EmuConfig} from './model/emu.js';
import {scoreContinuations} from './model/scoreContinuations.js';
import {preparePrompt, promptTokens} from './preparePrompt.js';
import type {PromptItem, PromptRequest} from './text/prompt.js';
import type {Tokenizer} from './text/tokenizer.js';
import type {TextOptions} from './textOptions.js';
import type {TextResult} from './textResult.js';
import {type TraceTensor, traceDrawing, traceText} from './traceModel.js';
import {formatConfig, type Mode} from './weights/config.js';
import {fingerprint} from './weights/fingerprint.js';
import {modelsThatDraw} from './weights/locate.js';
import {checkCachePlaced, type Placement} from './weights/placement.js';
import {visionId} from './weights/visionId.js';

export type {TextEvent} from './answerText.js';
export type {Item} from './items.js';
export type {TextOptions} from './textOptions.js';
export type {TextResult} from './textResult.js';
export type {TraceTensor} from './traceModel.js';

export interface LoadOptions {
  /** Folder of configuration files for a checkpoint that does not carry its own. */
  readonly config?: string;
  readonly backend?: BackendName | 'auto';
  readonly threads?: number;
  readonly isa?: string;
  /** bf16: rounds what matrix products multiply, on processors that gain by it. Default: f32. */
  readonly compute?: Compute;
  /** Of a model that has both, this mode alone. */
  readonly mode?: Mode;
  /** Whether a GPU keeps room for the image decoder, if the model has one. Default: it does. */
  readonly draws?: boolean;
}

/** Of each candidate the sum of its tokens' cross entropies and their number. */
export interface CandidateLosses {
  readonly losses: readonly number[];
  readonly lengths: readonly number[];
  readonly promptLength: number;
}

export class Emu {
  private constructor(
    readonly name: string,
    readonly backend: BackendInfo,
    readonly loadSeconds: number,
    readonly config: EmuConfig,
    /** In the order of preference for questions: instruct first. */
    private readonly modes: readonly [ModelInMode, ...ModelInMode[]],
    private readonly opened: readonly OpenedFile[],
    private readonly decoderFolder: string | undefined,
    /** Where its layers are, on a backend with memory of its own. */
    readonly placement: Placement | undefined,
  ) {}

  private loadedDecoder: LoadedImageDecoder | undefined;

  /** How questions and captions are answered; an interleaved prompt is the base's where there is one. */
  get mode(): Mode {
    return this.modes[0].mode;
  }

  get tokenizer(): Tokenizer {
    return this.modes[0].tokenizer;
  }

  /** What a person should know of how it was loaded and computes. */
  get notes(): readonly string[] {
    const {name, reason, computeReason, note} = this.backend;
    return [
      ...(reason ? [`running on the ${name} backend: ${reason}`] : []),
      ...(computeReason ? [`computing in f32: ${computeReason}`] : []),
      ...(note ? [note] : []),
      ...(this.placement?.note ? [this.placement.note] : []),
    ];
  }

  /** Words of a text that the model has no tokens for. */
  unknownWords(text: string): string[] {
    return this.tokenizer.unknownWords(text);
  }

  /**
   * Opens a model by name, folder or file; weights are mapped, not read.
   * Throws ModelError when it is missing, corrupt or of another kind.
   */
  static async load(model: string, options: LoadOptions = {}): Promise<Emu> {
    const started = performance.now();
    const backend = selectBackend(options);
    const {location, config, placement, modes, files} = loadModes(model, backend.name, options);
    const {name, decoderFolder} = location;
    const loadSeconds = seconds(started);
    return new Emu(name, backend, loadSeconds, config, modes, files, decoderFolder, placement);
  }

  /** Answers in text: deltas as they become certain, then the whole result. */
  async *generateText(items: readonly Item[], options: TextOptions): AsyncGenerator<TextEvent> {
    const model = this.modelFor(options.task);
    const prepared = preparePrompt(model, this.config, items, options);
    yield* answerText(model, this.config, prepared, options, this.checkCache);
  }

  /**
   * Answers several requests together, in their order: the model takes each step for all that are not done. Of
   * the timings each has its share. Throws as `generateText` does.
   */
  async generateTexts(
    requests: readonly (readonly Item[])[],
    options: TextOptions,
  ): Promise<TextResult[]> {
    const model = this.modelFor(options.task);
    const seen = new Map<Picture, Float32Array>();
    const prepared = requests.map((items) =>
      preparePrompt(model, this.config, items, options, seen),
    );
    return answerTogether(model, this.config, prepared, options, this.checkCache);
  }

  /**
   * Of each candidate the sum of its tokens' cross entropies, were it what the model goes on with after the
   * items; and how many tokens it and the prompt have.
   */
  scoreCandidates(
    items: readonly Item[],
    candidates: readonly string[],
    options: TextOptions,
  ): CandidateLosses {
    const inMode = this.modelFor(options.task);
    const {model, tokenizer} = inMode;
    const {ids, pixels} = preparePrompt(inMode, this.config, items, options);
    const continuations = candidates.map((text) => tokenizer.encode(text, {bos: false}));
    const losses = tf.tidy(() => {
      const imageEmbeds = encodePictures(model, this.config.vision, pixels);
      const embeds = model.embedPrompt([ids], tokenizer.ids.image, imageEmbeds);
      return scoreContinuations(model.llama, embeds, continuations);
    });
    return {losses, lengths: continuations.map(({length}) => length), promptLength: ids.length};
  }

  /**
   * A vector of length 1 [C] for each picture or video, C the vision encoder's width: like pictures have vectors
   * of a large cosine. It is the mean over the states of the vision encoder, of a video over its frames as well.
   * Throws EmuError (usage) for a text.
   */
  embed(items: readonly Item[]): Float32Array[] {
    if (items.some(({type}) => type === 'text'))
      throw new EmuError('embed: expected pictures and videos, got a text', {
        code: 'bad_prompt',
        reason: 'usage',
      });
    const size = this.config.vision.imageSize;
    const [{model}] = this.modes;
    return items.map((item) => {
      const pixels = picturesOf([item]).map((picture) => processImage(picture, size));
      return meanDirection(embedPictures(model, pixels));
    });
  }

  /** Tells vision encoders apart: what two models with the same one make of a picture can be compared. */
  visionId(): string {
    return visionId(this.opened[0]!.checkpoint.tensors);
  }

  /** How many tokens the prompt has that a request becomes. */
  countTokens(items: readonly PromptItem[], options: TextOptions): number {
    return promptTokens(this.modelFor(options.task), this.config, items, options).ids.length;
  }

  /**
   * Draws pictures after texts and pictures; the decoder is loaded with the first call. Throws ModelError for a
   * model that cannot draw, EmuError (usage) for a size, a number of steps or a prompt that cannot be.
   */
  async *generateImage(
    items: readonly Item[],
    options: DrawOptions = {},
  ): AsyncGenerator<DrawEvent> {
    const loaded = this.decoder();
    const kinds = new Set(items.map(({type}) => (type === 'text' ? 'text' : 'picture')));
    const settings = drawSettings(loaded.decoder, options, kinds.size === 2);
    const started = performance.now();
    const base = this.modelFor('incontext');
    const {prompt, context} = drawingContext(base, this.config, items, settings.guidance);
    const embeddings = seconds(started);
    try {
      const drawing = drawPictures(loaded, context, settings, options);
      let flagged = 0;
      for (;;) {
        const {value, done} = await drawing.next();
        if (done) {
          const timings = {embeddings, ...value};
          yield {type: 'done', result: {settings, prompt, flagged, timings}};
          return;
        }
        if (value.type === 'picture' && value.isFlagged) flagged++;
        yield value;
      }
    } finally {
      context.dispose();
    }
  }

  /** What a conversation is held with: the instruct mode, or the base where there is no other. */
  get conversant(): ModelInMode {
    return this.modes[0];
  }

  /** The visual embeddings [N, C] by which a conversation knows a picture; the caller disposes them. */
  embedPicture(picture: Picture): tf.Tensor2D {
    const pixels = processImage(picture, this.config.vision.imageSize);
    const {model} = this.conversant;
    return tf.tidy(() =>
      tf.squeeze<tf.Tensor2D>(encodePictures(model, this.config.vision, [pixels])!, [0]),
    );
  }

  /** Tells this model, as a conversation is held with it, from any other: a hash. */
  get fingerprint(): string {
    const {mode, model} = this.conversant;
    const files = this.opened.map(({checkpoint}) => checkpoint.path);
    return fingerprint(files, formatConfig(model.config, mode));
  }

  /** Whether the model has what draws. */
  get canDraw(): boolean {
    return this.decoderFolder !== undefined;
  }

  /** Throws EmuError (memory) when the keys and values of so many sequences do not fit. */
  private readonly checkCache = (rows: number, positions: number): void =>
    checkCachePlaced(this.name, this.config.llama, this.placement, rows, positions);

  private decoder(): LoadedImageDecoder {
    if (this.loadedDecoder) return this.loadedDecoder;
    if (this.decoderFolder === undefined) {
      const able = modelsThatDraw();
      throw new ModelError(
        this.name,
        'has no image decoder (unet/, vae/, scheduler/), so it cannot draw',
        able.length > 0
          ? `these can: ${able.join(', ')}`
          : "name the folder of one that has it, as BAAI/Emu's pretrain/",
      );
    }
    const {hiddenSize} = this.config.llama;
    const room = this.placement?.decoderRoom;
    this.loadedDecoder = loadImageDecoder(this.decoderFolder, hiddenSize, room);
    return this.loadedDecoder;
  }

  /**
   * One forward pass over the prompt and the tokens that follow it: every named intermediate tensor, in
   * float32.
   */
  trace(
    items: readonly Item[],
    options: TextOptions,
    following: readonly number[] = [],
  ): Map<string, TraceTensor> {
    const model = this.modelFor(options.task);
    const prepared = preparePrompt(model, this.config, items, options);
    return traceText(model, this.config, prepared, following);
  }

  /**
   * Draws one picture: the named tensors of that, in float32. Of the UNet, whose passes are many, the last
   * one's.
   */
  async traceImage(
    items: readonly Item[],
    options: DrawOptions = {},
  ): Promise<Map<string, TraceTensor>> {
    const one = {...options, count: 1, checkSafety: false};
    return traceDrawing(async () => {
      for await (const _ of this.generateImage(items, one));
    });
  }

  /** Releases the weights and the mapped files. */
  close(): void {
    for (const {weights, checkpoint} of this.opened) {
      weights.dispose();
      checkpoint.close();
    }
    this.loadedDecoder?.close();
  }

  /** Interleaved prompts go to the base, everything else to the tuning, where the model has both. */
  private modelFor(task: PromptRequest['task']): ModelInMode {
    const base = this.modes.find(({mode}) => mode === 'pretrain');
    return task === 'incontext' && base ? base : this.modes[0];
  }
}
