// The library: a model loaded once, asked many times. The command line, chat and evaluation stand on it.
import {performance} from 'node:perf_hooks';
import tf from '#tfjs';
import {concatenated} from './concatenated.js';
import type {Picture} from './data/image.js';
import {pipelineTransform, processImage} from './data/preprocess.js';
import {
  type DrawEvent,
  type DrawOptions,
  type DrawSettings,
  drawPictures,
  drawSettings,
} from './draw.js';
import {embedPictures, meanDirection} from './embedPictures.js';
import {encodePictures} from './encodePictures.js';
import {EmuError, ModelError} from './errors.js';
import {type Item, picturesOf, promptItems} from './items.js';
import {
  type BackendInfo,
  type BackendName,
  type Compute,
  selectBackend,
} from './kernels/backend.js';
import {type LoadedImageDecoder, loadImageDecoder} from './loadImageDecoder.js';
import {loadModes, type ModelInMode, type OpenedFile} from './loadModes.js';
import {LlamaDecoder} from './model/decoder.js';
import type {EmuConfig, EmuModel} from './model/emu.js';
import {generate, numRows} from './model/generate.js';
import {countingPositions} from './model/llama.js';
import {PromptBatch} from './model/promptBatch.js';
import {regressImages} from './model/regressImages.js';
import {scoreContinuations} from './model/scoreContinuations.js';
import {collectTrace, collectTraceOf, traced} from './model/trace.js';
import {AnswerStream} from './text/answerStream.js';
import {buildPrompt, drawingPrompt, type PromptItem, type PromptRequest} from './text/prompt.js';
import type {Tokenizer} from './text/tokenizer.js';
import {roomFor, searchOptions, type TextOptions} from './textOptions.js';
import {type TextResult, textResult} from './textResult.js';
import {formatConfig, type Mode} from './weights/config.js';
import {fingerprint} from './weights/fingerprint.js';
import {modelsThatDraw} from './weights/locate.js';
import {checkCachePlaced, type Placement} from './weights/placement.js';
import {visionId} from './weights/visionId.js';

export type {Item} from './items.js';
export type {TextOptions} from './textOptions.js';
export type {TextResult} from './textResult.js';

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

export type TextEvent =
  | {readonly type: 'text'; readonly delta: string}
  | {readonly type: 'done'; readonly result: TextResult};

export interface TraceTensor {
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

/** A prompt ready for the model. */
interface Prepared {
  readonly prompt: string;
  readonly ids: readonly number[];
  readonly pixels: readonly Float32Array[];
}

const seconds = (since: number) => (performance.now() - since) / 1000;

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
    const {model, tokenizer} = this.modelFor(options.task);
    const {prompt, ids, pixels} = this.prepare(items, options);
    const search = searchOptions(options, tokenizer);
    const maxNewTokens = roomFor(ids.length, this.config.llama.contextLength, search);
    this.checkCache(numRows(search), ids.length + maxNewTokens);

    let started = performance.now();
    const imageEmbeds = this.encode(model, pixels);
    const vision = seconds(started);

    started = performance.now();
    const embeds = model.embedPrompt([ids], tokenizer.ids.image, imageEmbeds);
    imageEmbeds?.dispose();
    const decoder = new LlamaDecoder(model.llama, embeds, numRows(search), maxNewTokens);
    let promptSeconds = 0;
    const timed = {
      vocabSize: decoder.vocabSize,
      prefill: () => {
        const logits = decoder.prefill();
        promptSeconds = seconds(started);
        return logits;
      },
      step: decoder.step.bind(decoder),
    };
    try {
      const stream = new AnswerStream(tokenizer);
      const delta = (text: string): TextEvent[] =>
        text === '' ? [] : [{type: 'text', delta: text}];
      for await (const event of generate(timed, {...search, maxNewTokens})) {
        if (event.type === 'tokens') {
          yield* delta(stream.push(event.ids));
          continue;
        }
        yield* delta(stream.end());
        const generate = seconds(started) - promptSeconds;
        const timings = {vision, prompt: promptSeconds, generate};
        const result = textResult(tokenizer, prompt, event.sequences, timings);
        yield {type: 'done', result};
      }
    } finally {
      decoder.dispose();
    }
  }

  /**
   * Answers several requests together, in their order: the model takes each step for all that are not done. Of
   * the timings each has its share. Throws as `generateText` does.
   */
  async generateTexts(
    requests: readonly (readonly Item[])[],
    options: TextOptions,
  ): Promise<TextResult[]> {
    const {model, tokenizer} = this.modelFor(options.task);
    const seen = new Map<Picture, Float32Array>();
    const prepared = requests.map((items) => this.prepare(items, options, seen));
    const search = searchOptions(options, tokenizer);
    const room = prepared.map(({ids}) =>
      roomFor(ids.length, this.config.llama.contextLength, search),
    );
    const longest = Math.max(...prepared.map(({ids}) => ids.length)) + Math.max(...room);
    this.checkCache(requests.length * numRows(search), longest);
    let started = performance.now();
    const imageEmbeds = this.encode(
      model,
      prepared.flatMap(({pixels}) => pixels),
    );
    const vision = seconds(started) / requests.length;
    started = performance.now();
    const prompts = prepared.map(({ids}) => ids);
    const batch = new PromptBatch(
      model,
      prompts,
      tokenizer.ids,
      imageEmbeds,
      numRows(search),
      Math.max(...room),
    );
    try {
      const answers = await Promise.all(
        prompts.map(async (_, i) => {
          try {
            const all = generate(batch.decoder(i), {...search, maxNewTokens: room[i]!});
            for await (const event of all) if (event.type === 'done') return event.sequences;
            throw new Error('generate ended without an answer');
          } finally {
            batch.end(i);
          }
        }),
      );
      const timings = {vision, prompt: 0, generate: seconds(started) / requests.length};
      return answers.map((sequences, i) =>
        textResult(tokenizer, prepared[i]!.prompt, sequences, timings),
      );
    } finally {
      batch.dispose();
      imageEmbeds?.dispose();
    }
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
    const {model, tokenizer} = this.modelFor(options.task);
    const {ids, pixels} = this.prepare(items, options);
    const continuations = candidates.map((text) => tokenizer.encode(text, {bos: false}));
    const losses = tf.tidy(() => {
      const imageEmbeds = this.encode(model, pixels);
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
    return this.tokens(items, options).ids.length;
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
    const {prompt, context} = this.drawingContext(items, settings);
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
    return tf.tidy(() =>
      tf.squeeze<tf.Tensor2D>(this.encode(this.conversant.model, [pixels])!, [0]),
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
  private checkCache(rows: number, positions: number): void {
    checkCachePlaced(this.name, this.config.llama, this.placement, rows, positions);
  }

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

  /** The embeddings regressed after the prompt, and with guidance after the empty prompt: [2 or 1, N, C] */
  private drawingContext(
    items: readonly Item[],
    {guidance}: DrawSettings,
  ): {prompt: string; context: tf.Tensor3D} {
    const {model, tokenizer} = this.modelFor('incontext');
    const {numTokens} = this.config.causalFormer;
    const prompt = drawingPrompt(promptItems(items), numTokens);
    const empty = drawingPrompt([], numTokens);
    const prompts = guidance > 1 ? [prompt, empty] : [prompt];
    const ids = prompts.map((text) => tokenizer.encode(text, {bos: true}));
    const limit = this.config.llama.contextLength - numTokens;
    if (ids[0]!.length > limit)
      throw new EmuError(
        `the prompt has ${ids[0]!.length} tokens, and ${limit} fit beside the picture's ${numTokens}; use fewer pictures or less text`,
        {code: 'context_full', reason: 'usage'},
      );
    const size = this.config.vision.imageSize;
    const pixels = picturesOf(items).map((picture) => pipelineTransform(picture, size));
    const context = tf.tidy(() =>
      traced(
        'target_image_embeds',
        regressImages(model, ids, tokenizer.ids, this.encode(model, pixels)),
      ),
    );
    return {prompt, context};
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
    const {model, tokenizer} = this.modelFor(options.task);
    const {ids: promptIds, pixels} = this.prepare(items, options);
    const ids = [...promptIds, ...following];
    const found = new Map<string, TraceTensor>();
    const keep = (name: string, tensor: tf.Tensor) => {
      const [batch = 1, ...rest] = tensor.shape;
      const data = tensor.dataSync() as Float32Array;
      const before = found.get(name);
      // Pictures are encoded one after the other: their tensors, put together, are those of a batch.
      found.set(
        name,
        before
          ? {shape: [before.shape[0]! + batch, ...rest], data: concatenated([before.data, data])}
          : {shape: tensor.shape, data: Float32Array.from(data)},
      );
    };
    collectTrace(keep, () =>
      tf.tidy(() => {
        const imageEmbeds = this.encode(model, pixels);
        const embeds = model.embedPrompt([ids], tokenizer.ids.image, imageEmbeds);
        const positions = countingPositions(1, ids.length);
        const hidden = model.llama.forward(embeds, {positions});
        model.llama.logits(hidden);
        model.llama.regress(hidden);
      }),
    );
    return found;
  }

  /**
   * Draws one picture: the named tensors of that, in float32. Of the UNet, whose passes are many, the last
   * one's.
   */
  async traceImage(
    items: readonly Item[],
    options: DrawOptions = {},
  ): Promise<Map<string, TraceTensor>> {
    const found = new Map<string, TraceTensor>();
    const keep = (name: string, tensor: tf.Tensor) => {
      if (!/^(target_image_embeds|latents|unet\.|vae\.)/.test(name)) return;
      found.set(name, {shape: tensor.shape, data: Float32Array.from(tensor.dataSync())});
    };
    await collectTraceOf(keep, async () => {
      for await (const _ of this.generateImage(items, {...options, count: 1, checkSafety: false}));
    });
    return found;
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

  /** `seen`: pictures that are processed already. */
  private prepare(
    items: readonly Item[],
    options: TextOptions,
    seen = new Map<Picture, Float32Array>(),
  ): Prepared {
    const tokens = this.tokens(promptItems(items), options);
    const size = this.config.vision.imageSize;
    const pixels = picturesOf(items).map((picture) => {
      const own = seen.get(picture) ?? processImage(picture, size);
      seen.set(picture, own);
      return own;
    });
    return {...tokens, pixels};
  }

  private tokens(items: readonly PromptItem[], options: TextOptions): Omit<Prepared, 'pixels'> {
    const {task, system, prompt: instruction} = options;
    const {mode, tokenizer} = this.modelFor(task);
    const prompt = buildPrompt({
      task,
      mode,
      items,
      numImageTokens: this.config.causalFormer.numTokens,
      ...(system === undefined ? {} : {system}),
      ...(instruction === undefined ? {} : {prompt: instruction}),
    });
    return {prompt, ids: tokenizer.encode(prompt, {bos: true})};
  }

  /** pixels: [3, S, S] each -> [I, N, C] */
  private encode(model: EmuModel, pixels: readonly Float32Array[]): tf.Tensor3D | undefined {
    return encodePictures(model, this.config.vision, pixels);
  }
}
