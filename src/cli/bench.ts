// What `emu bench` measures: speed of the language model and of the vision tower, in the model's thread.
import {performance} from 'node:perf_hooks';
import tf from '#tfjs';
import {type BackendOptions, type Compute, selectBackend} from '../kernels/backend.js';
import type {Encoding} from '../kernels/weight.js';
import {LlamaDecoder} from '../model/decoder.js';
import {EmuModel} from '../model/emu.js';
import {median} from '../train/median.js';
import {checkWeightsFit} from '../weights/checkWeightsFit.js';
import {emuTensors} from '../weights/emuTensors.js';
import {openModel} from '../weights/openModel.js';
import {type Placement, placeModel} from '../weights/placement.js';
import {Weights} from '../weights/weights.js';
import {benchImage, openImageDecoder} from './benchImage.js';
import {CountedWeights} from './countedWeights.js';
import {
  encodingFor,
  type SyntheticSize,
  SyntheticWeights,
  syntheticConfig,
} from './syntheticWeights.js';

export interface BenchOptions extends BackendOptions {
  readonly what: 'llm' | 'vision' | 'image';
  /** A model to open, or a size to fill with random numbers. */
  readonly model:
    | {readonly name: string; readonly config?: string}
    | {readonly synthetic: SyntheticSize; readonly encoding: Encoding};
  readonly promptTokens: number;
  readonly newTokens: number;
  readonly beams: number;
  readonly repeat: number;
}

/** Medians over the repetitions. */
export interface BenchResult {
  readonly model: string;
  readonly backend: string;
  readonly threads: number;
  readonly isa: string;
  readonly compute: Compute;
  /** Why it is f32 when bf16 was asked for. */
  readonly computeReason?: string;
  /** How many layers are on the GPU and on the CPU, where the backend has memory of its own. */
  readonly layers?: {readonly device: number; readonly host: number};
  /** Seconds from the name to a model that can be asked. */
  readonly load: number;
  readonly promptTokensPerSecond?: number;
  /** New tokens a second, those of all beams together. */
  readonly decodeTokensPerSecond?: number;
  /** Seconds from latents to a picture. */
  readonly decodeSeconds?: number;
  /** Bytes: the most memory up to the last step, before latents became a picture. */
  readonly stepMemory?: number;
  /** Seconds of one decoding step, of one picture, or of one step of drawing with guidance. */
  readonly stepSeconds: number;
  /** Bytes: the most memory that the process had at once, mapped files included. */
  readonly peakMemory: number;
  /** Bytes of weights that one step reads. */
  readonly bytesRead: number;
}

export type Tell = (event: {stage: string; fraction?: number}) => void;

interface Opened {
  readonly placement: Placement | undefined;
  readonly name: string;
  readonly model: EmuModel;
  readonly weights: CountedWeights;
}

function open(model: BenchOptions['model']): Opened {
  if ('synthetic' in model) {
    const {synthetic, encoding} = model;
    const name = `synthetic ${synthetic} ${encoding}`;
    const weights = new CountedWeights(new SyntheticWeights(encoding));
    const config = syntheticConfig(synthetic);
    const tensors = emuTensors(config).required.map((tensor) => ({
      ...tensor,
      encoding: encodingFor(encoding, tensor.shape),
    }));
    const placement = placeModel(name, config, tensors);
    return {name, model: new EmuModel(weights, config, placement?.hostLayers), weights, placement};
  }
  const {name, config} = model;
  const opened = openModel(name, config === undefined ? {} : {config});
  const {checkpoint, location} = opened;
  const placement = placeModel(location.checkpoint, opened.config, [
    ...checkpoint.tensors.values(),
  ]);
  if (!placement) checkWeightsFit(location.checkpoint, [checkpoint]);
  const weights = new CountedWeights(Weights.open(checkpoint));
  const built = new EmuModel(weights, opened.config, placement?.hostLayers);
  return {name, model: built, weights, placement};
}

export const secondsSince = (start: number) => (performance.now() - start) / 1000;

/** One answer of fixed length: seconds of the prompt and of each step. */
function runLlm({llama}: EmuModel, promptTokens: number, newTokens: number, beams: number) {
  const {hiddenSize, vocabSize} = llama.config;
  const embeds = tf.randomNormal<tf.Rank.R3>([1, promptTokens, hiddenSize], 0, 1, 'float32', 1);
  const decoder = new LlamaDecoder(llama, embeds, beams, newTokens);
  try {
    let start = performance.now();
    decoder.prefill();
    const prompt = secondsSince(start);
    const steps: number[] = [];
    for (let i = 0; i < newTokens; i++) {
      const tokens = Array.from(
        {length: beams},
        (_, beam) => (7919 * i + 104729 * beam) % vocabSize,
      );
      const parents = Array.from({length: beams}, (_, beam) => (i === 0 ? 0 : beam));
      start = performance.now();
      decoder.step(tokens, parents);
      steps.push(secondsSince(start));
    }
    return {prompt, steps};
  } finally {
    decoder.dispose();
  }
}

function benchLlm({model, weights}: Opened, options: BenchOptions, tell: Tell) {
  const {promptTokens, newTokens, beams, repeat} = options;
  tell({stage: 'warming up'});
  runLlm(model, promptTokens, 1, beams);
  const prompts: number[] = [];
  const steps: number[] = [];
  for (let i = 0; i < repeat; i++) {
    tell({stage: 'measuring', fraction: i / repeat});
    const run = runLlm(model, promptTokens, newTokens, beams);
    prompts.push(run.prompt);
    steps.push(...run.steps);
  }
  const stepSeconds = median(steps);
  return {
    promptTokensPerSecond: promptTokens / median(prompts),
    decodeTokensPerSecond: beams / stepSeconds,
    stepSeconds,
    // A step looks up a row of the embedding and leaves the regression head alone.
    bytesRead: weights.bytes(/^decoder\.lm\.(?!.*(embed_tokens|stu_regress_head))/),
  };
}

function benchVision({model, weights}: Opened, options: BenchOptions, tell: Tell) {
  const {imageSize} = model.config.vision;
  const run = () => {
    const start = performance.now();
    tf.tidy(() => {
      const pixels = tf.randomNormal<tf.Rank.R4>([1, 3, imageSize, imageSize], 0, 1, 'float32', 1);
      model.encodeImages(pixels).dataSync();
    });
    return secondsSince(start);
  };
  tell({stage: 'warming up'});
  run();
  const seconds = Array.from({length: options.repeat}, (_, i) => {
    tell({stage: 'measuring', fraction: i / options.repeat});
    return run();
  });
  return {stepSeconds: median(seconds), bytesRead: weights.bytes(/^(visual|ln_visual|cformer)\./)};
}

function measure(options: BenchOptions, start: number, tell: Tell) {
  if (options.what === 'image') {
    const decoder = openImageDecoder(options.model);
    const load = secondsSince(start);
    return {name: decoder.name, load, ...benchImage(decoder, options.repeat, tell)};
  }
  const opened = open(options.model);
  const {name, placement} = opened;
  const layers = placement && {device: placement.deviceLayers, host: placement.hostLayers};
  const load = secondsSince(start);
  const run = options.what === 'llm' ? benchLlm : benchVision;
  return {name, load, ...(layers ? {layers} : {}), ...run(opened, options, tell)};
}

/** Measures one tower after a run that warms caches and pages up. */
export function bench(options: BenchOptions, tell: Tell): BenchResult {
  const start = performance.now();
  const {name: backend, threads, isa, compute, computeReason} = selectBackend(options);
  tell({stage: 'loading the model'});
  const {name: model, load, ...measured} = measure(options, start, tell);
  return {
    model,
    backend,
    threads,
    isa,
    compute,
    ...(computeReason ? {computeReason} : {}),
    load,
    ...measured,
    peakMemory: process.resourceUsage().maxRSS * 1024,
  };
}
