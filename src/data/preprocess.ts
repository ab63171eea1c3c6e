// Pictures to model inputs, as the official code does (Emu1/inference.py process_img, Emu1/pipeline.py).
import type {Picture} from './picture.js';
import {resizeBicubic} from './resize.js';

/** CLIP's statistics of RGB in 0..1. */
export const clipMean = [0.48145466, 0.4578275, 0.40821073] as const;
export const clipStd = [0.26862954, 0.26130258, 0.27577711] as const;

type Normalize = (value: number, mean: number, std: number) => number;

// process_img: numpy float64 all the way, one rounding at the end.
const normalizeFloat64: Normalize = (value, mean, std) => Math.fround((value / 255 - mean) / std);

// torchvision ToTensor and Normalize: float32 after every operation.
const normalizeFloat32: Normalize = (value, mean, std) => {
  const centered = Math.fround(Math.fround(value / 255) - Math.fround(mean));
  return Math.fround(centered / Math.fround(std));
};

/** picture -> [3, size, size] */
function toPlanes(picture: Picture, size: number, normalize: Normalize): Float32Array {
  const {data} = resizeBicubic(picture, size, size);
  const numPixels = size * size;
  const planes = new Float32Array(3 * numPixels);
  for (let channel = 0; channel < 3; channel++) {
    const table = Float32Array.from({length: 256}, (_, value) =>
      normalize(value, clipMean[channel]!, clipStd[channel]!),
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
  return toPlanes(picture, size, normalizeFloat64);
}

/**
 * What the vision encoder of the drawing pipeline sees: torchvision's Resize((size, size), BICUBIC),
 * ToTensor, Normalize. The same pixels as `processImage`, rounded after each step instead of once.
 * @returns float32 [3, size, size]
 */
export function pipelineTransform(picture: Picture, size: number): Float32Array {
  return toPlanes(picture, size, normalizeFloat32);
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
  return toPlanes(fit === 'crop' ? middleSquare(picture) : picture, size, toSignedUnit);
}

/** The largest square in the middle. */
function middleSquare(picture: Picture): Picture {
  const {width, height, data} = picture;
  if (width === height) return picture;
  const size = Math.min(width, height);
  const left = (width - size) >> 1;
  const top = (height - size) >> 1;
  const square = new Uint8Array(3 * size * size);
  for (let y = 0; y < size; y++) {
    const from = 3 * ((top + y) * width + left);
    square.set(data.subarray(from, from + 3 * size), 3 * y * size);
  }
  return {width: size, height: size, data: square};
}
