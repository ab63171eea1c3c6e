// Pictures to model inputs, as the official code does (Emu1/inference.py process_img, Emu1/pipeline.py).
import type {Picture} from './picture.js';
import {resizeBicubic} from './resize.js';

/** CLIP's statistics of RGB in 0..1. */
export const clipMean = [0.48145466, 0.4578275, 0.40821073] as const;
export const clipStd = [0.26862954, 0.26130258, 0.27577711] as const;

/** Of red, green and blue in 0..1. */
export interface ChannelStatistics {
  readonly mean: readonly number[];
  readonly std: readonly number[];
}

type Normalize = (value: number, mean: number, std: number) => number;

// process_img: numpy float64 all the way, one rounding at the end.
const normalizeFloat64: Normalize = (value, mean, std) => Math.fround((value / 255 - mean) / std);

// torchvision ToTensor and Normalize: float32 after every operation.
const normalizeFloat32: Normalize = (value, mean, std) => {
  const centered = Math.fround(Math.fround(value / 255) - Math.fround(mean));
  return Math.fround(centered / Math.fround(std));
};

/** picture -> [3, height, width] */
function toPlanes(
  {width, height, data}: Picture,
  normalize: Normalize,
  {mean, std}: ChannelStatistics = {mean: clipMean, std: clipStd},
): Float32Array {
  const numPixels = width * height;
  const planes = new Float32Array(3 * numPixels);
  for (let channel = 0; channel < 3; channel++) {
    const table = Float32Array.from({length: 256}, (_, value) =>
      normalize(value, mean[channel]!, std[channel]!),
    );
    const offset = channel * numPixels;
    for (let i = 0; i < numPixels; i++) planes[offset + i] = table[data[3 * i + channel]!]!;
  }
  return planes;
}

/**
 * What the vision encoder of the text commands sees: official `process_img`. The picture is stretched
 * to size x size (not cropped), bicubic, then CLIP-normalized.
 * @returns float32 [3, size, size]
 */
export function processImage(picture: Picture, size: number): Float32Array {
  return toPlanes(resizeBicubic(picture, size, size), normalizeFloat64);
}

/**
 * What the vision encoder of the drawing pipeline sees: torchvision's Resize((size, size), BICUBIC),
 * ToTensor, Normalize. The same pixels as `processImage`, rounded after each step instead of once.
 * @returns float32 [3, size, size]
 */
export function pipelineTransform(picture: Picture, size: number): Float32Array {
  return toPlanes(resizeBicubic(picture, size, size), normalizeFloat32);
}

// What diffusers' image processor gives the autoencoder.
const toSignedUnit: Normalize = (value) => value / 127.5 - 1;

/** How a picture that is no square becomes one: its middle, or all of it as `processImage` has it. */
export type SquareFit = 'crop' | 'stretch';

/**
 * What the image decoder learns to draw: the picture as a square, bicubic, in [-1, 1].
 * @returns float32 [3, size, size]
 */
export function drawnPixels(picture: Picture, size: number, fit: SquareFit): Float32Array {
  const shown = fit === 'crop' ? middle(picture, Math.min(picture.width, picture.height)) : picture;
  return toPlanes(resizeBicubic(shown, size, size), toSignedUnit);
}

/**
 * What is drawn over: the picture stretched to width x height, bicubic, in [-1, 1].
 * @returns float32 [3, height, width]
 */
export function drawnOverPixels(picture: Picture, width: number, height: number): Float32Array {
  return toPlanes(resizeBicubic(picture, width, height), toSignedUnit);
}

/** CLIP's image processor (preprocessor_config.json). */
export interface ClipImageConfig extends ChannelStatistics {
  /** Length of the shorter edge before the crop. */
  readonly shortestEdge: number;
  /** Edge of the square in the middle. */
  readonly cropSize: number;
}

// transformers 4.31: a float64 product kept as float32, then float32 after every operation.
const normalizeClip: Normalize = (value, mean, std) => {
  const centered = Math.fround(Math.fround(value * 0.00392156862745098) - Math.fround(mean));
  return Math.fround(centered / Math.fround(std));
};

/**
 * What the safety checker sees: transformers' CLIPImageProcessor.
 * @returns float32 [3, cropSize, cropSize]
 */
export function clipPixels(picture: Picture, config: ClipImageConfig): Float32Array {
  const {shortestEdge, cropSize} = config;
  const {width, height} = picture;
  const scaled = (edge: number, other: number) =>
    edge <= other ? shortestEdge : Math.floor((shortestEdge * edge) / other);
  const resized = resizeBicubic(picture, scaled(width, height), scaled(height, width));
  return toPlanes(middle(resized, cropSize), normalizeClip, config);
}

/** The square of that edge in the middle. */
function middle(picture: Picture, size: number): Picture {
  const {width, height, data} = picture;
  if (width === size && height === size) return picture;
  const left = (width - size) >> 1;
  const top = (height - size) >> 1;
  const square = new Uint8Array(3 * size * size);
  for (let y = 0; y < size; y++) {
    const from = 3 * ((top + y) * width + left);
    square.set(data.subarray(from, from + 3 * size), 3 * y * size);
  }
  return {width: size, height: size, data: square};
}
