// The library: what `import {Emu} from 'emu-multimodal'` gives. docs/library.md shows it, examples/ run it.
export type {Picture} from './data/picture.js';
export {type DecodeOptions, readImage, type ReadImageOptions} from './data/image.js';
export {encodePng, type PngTexts} from './data/png.js';
export type {SourceOptions} from './data/source.js';
export {readFrames, type ReadFramesOptions} from './data/video.js';
export type {Drawing, DrawEvent, DrawOptions, DrawResult, DrawSettings} from './draw.js';
export {
  type CandidateLosses,
  Emu,
  type Item,
  type LoadOptions,
  type TextEvent,
  type TextOptions,
  type TextResult,
  type TraceTensor,
} from './emu.js';
export {EmuError, type ExitReason, InputError, ModelError} from './errors.js';
export type {BackendInfo, BackendName, Compute} from './kernels/backend.js';
