// The library: what `import {Emu} from 'emu-multimodal'` gives. docs/library.md shows it, examples/ run it.

export {type DecodeOptions, type ReadImageOptions, readImage} from './data/image.js';
export type {Picture} from './data/picture.js';
export {encodePng, type PngTexts} from './data/png.js';
export type {SourceOptions} from './data/source.js';
export {type ReadFramesOptions, readFrames} from './data/video.js';
export type {DrawEvent, Drawing, DrawOptions, DrawResult, DrawSettings} from './draw.js';
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
