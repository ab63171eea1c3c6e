// Pictures drawn from a prompt of texts and pictures (paper 2.1, 3.3; official code: Emu1/pipeline.py).
// N embeddings a picture, C hidden size of the language model.
import {performance} from 'node:perf_hooks';
import tf from '#tfjs';
import {drawnOverPixels} from './data/preprocess.js';
import type {Picture} from './data/picture.js';
import {EmuError} from './errors.js';
import type {LoadedImageDecoder} from './loadImageDecoder.js';
import type {ImageDecoder} from './model/diffusion/imageDecoder.js';
import type {SchedulerName} from './model/diffusion/schedulers/index.js';
import {Random} from './random.js';

export interface DrawOptions {
  readonly scheduler?: SchedulerName;
  readonly steps?: number;
  /** Default: 10 where the prompt has texts and pictures, else 7.5, as officially. */
  readonly guidance?: number;
  /** Pixels; default: the size that the decoder was trained at. */
  readonly width?: number;
  readonly height?: number;
  /** Of the first picture; each further one has the next number. */
  readonly seed?: number;
  readonly count?: number;
  /** Standard normal values [1, L, h, w] to start from in the place of the seed's. */
  readonly latents?: {readonly shape: readonly number[]; readonly data: Float32Array};
  /** A picture that is drawn over; strength is the share of the steps, above 0 up to 1. */
  readonly over?: {readonly picture: Picture; readonly strength: number};
  /** Default: true. Without it, a flagged picture is given out all the same. */
  readonly checkSafety?: boolean;
  /** Tells about every tenth of the way what the picture looks to become, so many pixels wide at most. */
  readonly previewSize?: number;
  readonly signal?: AbortSignal;
}

/** The options with everything filled in: what a drawing depends on beside prompt and model. */
export interface DrawSettings {
  readonly scheduler: SchedulerName;
  readonly steps: number;
  readonly guidance: number;
  readonly width: number;
  readonly height: number;
  readonly seed: number;
  readonly count: number;
}

export interface Drawing {
  /** What it depends on beside prompt and model; the seed is its own. */
  readonly settings: DrawSettings;
  /** The safety checker withholds it: black. */
  readonly isFlagged: boolean;
  readonly picture: Picture;
}

export interface DrawResult {
  readonly settings: DrawSettings;
  readonly prompt: string;
  readonly flagged: number;
  /** Seconds: the embeddings; the UNet's steps, the autoencoder and the safety checker of all pictures. */
  readonly timings: {
    readonly embeddings: number;
    readonly steps: number;
    readonly decode: number;
    readonly safety: number;
  };
}

export type DrawEvent =
  | {
      readonly type: 'step';
      /** Of which picture, from 0. */
      readonly index: number;
      readonly step: number;
      readonly steps: number;
      readonly preview?: Picture;
    }
  | ({readonly type: 'picture'; readonly index: number} & Drawing)
  | {readonly type: 'done'; readonly result: DrawResult};

const PREVIEWS = 10;
const MAX_PIXELS = 4096 * 4096;

function usage(problem: string): EmuError {
  return new EmuError(problem, {code: 'bad_option', reason: 'usage'});
}

/**
 * Fills in what `options` leave out. Throws EmuError (usage) for what cannot be drawn.
 * @param mixes whether the prompt has both texts and pictures
 */
export function drawSettings(
  decoder: ImageDecoder,
  options: DrawOptions,
  mixes: boolean,
): DrawSettings {
  const {nativeSize, multiple, schedule} = decoder;
  const settings = {
    scheduler: options.scheduler ?? 'pndm',
    steps: options.steps ?? 50,
    guidance: options.guidance ?? (mixes ? 10 : 7.5),
    width: options.width ?? nativeSize,
    height: options.height ?? nativeSize,
    seed: options.seed ?? 0,
    count: options.count ?? 1,
  };
  const {steps, width, height} = settings;
  for (const size of [width, height])
    if (!Number.isInteger(size) || size < multiple || size % multiple !== 0)
      throw usage(
        `size ${width}x${height}: this model draws sides that are multiples of ${multiple} pixels`,
      );
  if (width * height > MAX_PIXELS)
    throw usage(`size ${width}x${height}: at most ${MAX_PIXELS / 2 ** 20} megapixels are drawn`);
  const most = schedule.numSteps - 1;
  if (!Number.isInteger(steps) || steps < 1 || steps > most)
    throw usage(`${steps} steps: expected 1 to ${most}`);
  const {latents} = options;
  const shape = decoder.latentShape(width, height);
  if (latents && latents.shape.join() !== shape.join())
    throw usage(
      `latents [${latents.shape.join(', ')}]: a picture of ${width}x${height} starts from [${shape.join(', ')}]`,
    );
  const strength = options.over?.strength ?? 1;
  if (!(strength > 0 && strength <= 1))
    throw usage(`strength ${strength}: expected a number above 0, at most 1`);
  return settings;
}

/** What is drawn from: `context` [2, N, C] or, without guidance, [1, N, C]; it stays the caller's. */
export async function* drawPictures(
  {decoder, check}: LoadedImageDecoder,
  context: tf.Tensor3D,
  settings: DrawSettings,
  options: DrawOptions,
): AsyncGenerator<Exclude<DrawEvent, {type: 'done'}>, Omit<DrawResult['timings'], 'embeddings'>> {
  const {seed: firstSeed, count, width, height, scheduler, steps, guidance} = settings;
  const {signal, previewSize, checkSafety = true} = options;
  const timings = {steps: 0, decode: 0, safety: 0};
  const over = options.over && {
    latents: latentsOf(decoder, options.over.picture, width, height),
    strength: options.over.strength,
  };
  let started = performance.now();
  const lap = (of: keyof typeof timings) => {
    const now = performance.now();
    timings[of] += (now - started) / 1000;
    started = now;
  };
  try {
    for (let index = 0; index < count; index++) {
      const seed = firstSeed + index;
      const noise = startingNoise(decoder.latentShape(width, height), seed, options.latents);
      let latents: tf.Tensor4D | undefined;
      try {
        const denoising = decoder.denoise(context, noise, {
          scheduler,
          steps,
          guidance,
          over,
          signal,
        });
        let next = await denoising.next();
        try {
          for (; !next.done; next = await denoising.next()) {
            const {step, steps: all, estimate} = next.value;
            const isShown = previewSize && (step % Math.ceil(all / PREVIEWS) === 0 || step === 1);
            const preview = isShown ? await previewOf(decoder, estimate, previewSize) : undefined;
            yield {type: 'step', index, step, steps: all, ...(preview ? {preview} : {})};
          }
          latents = next.value;
        } finally {
          if (!latents) await denoising.return(noise);
        }
        lap('steps');
        const picture = await decoder.toPicture(latents);
        lap('decode');
        const isFlagged = checkSafety && (check?.(picture).isFlagged ?? false);
        lap('safety');
        const shown = isFlagged ? {...picture, data: new Uint8Array(picture.data.length)} : picture;
        yield {type: 'picture', index, settings: {...settings, seed}, isFlagged, picture: shown};
      } finally {
        noise.dispose();
        latents?.dispose();
      }
    }
  } finally {
    over?.latents.dispose();
  }
  return timings;
}

/** Standard normal values of the seed, or those that were given. */
function startingNoise(
  shape: [number, number, number, number],
  seed: number,
  given: DrawOptions['latents'],
): tf.Tensor4D {
  if (given) return tf.tensor4d(given.data, shape);
  const random = new Random(seed);
  const length = shape.reduce((product, size) => product * size, 1);
  return tf.tensor4d(
    Float32Array.from({length}, () => random.normal()),
    shape,
  );
}

function latentsOf(
  {vae}: ImageDecoder,
  picture: Picture,
  width: number,
  height: number,
): tf.Tensor4D {
  const pixels = drawnOverPixels(picture, width, height);
  return tf.tidy(() => vae.toLatents(tf.tensor4d(pixels, [1, 3, height, width])));
}

/** The estimate, decoded small: the latents are averaged down first, which costs next to nothing. */
async function previewOf(
  decoder: ImageDecoder,
  estimate: () => tf.Tensor4D,
  size: number,
): Promise<Picture> {
  const small = tf.tidy(() => {
    const latents = estimate();
    const [, , height, width] = latents.shape;
    const shrink = Math.max(1, Math.floor((Math.max(height, width) * decoder.vae.factor) / size));
    if (shrink === 1) return latents;
    const nhwc = tf.transpose(latents, [0, 2, 3, 1]);
    const pooled = tf.avgPool(nhwc as tf.Tensor4D, shrink, shrink, 'valid');
    return tf.transpose(pooled, [0, 3, 1, 2]) as tf.Tensor4D;
  });
  try {
    return await decoder.toPicture(small);
  } finally {
    small.dispose();
  }
}
