// What is in a model's files and what it takes to run it, from headers alone.

import {statSync} from 'node:fs';
import path from 'node:path';
import type {BackendName} from '../kernels/backend.js';
import {type Checkpoint, openCheckpoint} from './checkpoint.js';
import {isTooLargeForReference} from './checkReference.js';
import type {EmuConfig, Mode} from './config.js';
import {openUnet, openVae} from './diffusionFolder.js';
import {findModel, type LocateOptions} from './locate.js';
import {
  availableMemory,
  cacheBytes,
  captionSearch,
  type WeightMemory,
  weightMemory,
} from './memory.js';
import {type Ability, licenceOf, numbersOf} from './modelFacts.js';
import {openModel} from './openModel.js';
import {openSafetyChecker} from './safetyFolder.js';
import {countElements, encodingBytes, type StoredEncoding} from './storedTensor.js';

export interface InspectedTensor {
  readonly name: string;
  readonly shape: readonly number[];
  readonly encoding: StoredEncoding;
  readonly bytes: number;
}

/** Tensors of a module: all whose names are the same up to the first number, or to their last word. */
export interface InspectedModule {
  readonly module: string;
  readonly tensors: number;
  readonly parameters: number;
  readonly bytes: number;
  readonly encodings: readonly StoredEncoding[];
}

export interface InspectedFile {
  readonly path: string;
  /** Of a model's files: which one. */
  readonly part: string;
  readonly format: Checkpoint['format'];
  /** Bytes of the file. */
  readonly size: number;
  readonly parameters: number;
  readonly encoding: StoredEncoding | undefined;
  readonly metadata: Readonly<Record<string, string>>;
  readonly tensors: readonly InspectedTensor[];
}

/**
 * ok: it fits; slow: its file is larger than the free memory and is read from the disk again and again; too slow:
 * it is refused, whatever memory there is.
 */
export type Fit = 'ok' | 'slow' | 'shorter answers' | 'too slow' | 'no';

export interface BackendMemory extends WeightMemory {
  readonly backend: BackendName;
  readonly fit: Fit;
}

/** What a model's work takes besides its weights. */
export interface WorkMemory {
  /** Bytes of keys and values for a token of one answer. */
  readonly cachePerToken: number;
  /** Those of a caption as it is searched by default. */
  readonly captionCache: number;
  readonly captionTokens: number;
  readonly captionBeams: number;
  /** Bytes of the widest layer of the vision encoder for one picture. */
  readonly visionLayer: number;
  /** Bytes of the widest layer of the image decoder at the size that it was trained at. */
  readonly drawingLayer?: number;
}

export interface Inspection {
  readonly name: string;
  readonly licence?: string;
  readonly files: readonly InspectedFile[];
  readonly parameters: number;
  /** Of an Emu: what it can be asked. */
  readonly modes?: readonly Mode[];
  readonly abilities?: readonly Ability[];
  readonly config?: EmuConfig;
  readonly memory: {
    /** Bytes that are free now. */
    readonly free: number;
    readonly backends: readonly BackendMemory[];
    readonly work?: WorkMemory;
  };
}

const backendNames: readonly BackendName[] = ['native', 'tensorflow', 'reference'];

/** Looks into a model, or any checkpoint file. Throws ModelError for what is none, or is damaged. */
export function inspectModel(
  name: string,
  options: LocateOptions = {},
  free: number = availableMemory(),
): Inspection {
  const found = findModel(name, options);
  const isEmu = holdsLanguageModel(found.checkpoint);
  const opened = isEmu ? openWhole(name, options) : openAlone(found.checkpoint);
  try {
    const files = opened.parts.map(([part, checkpoint]) => inspectFile(part, checkpoint));
    const work = opened.config && workMemory(opened.config, opened.drawingLayer);
    const all = opened.parts.flatMap(([, {tensors}]) => [...tensors.values()]);
    const parameters = files.reduce((sum, file) => sum + file.parameters, 0);
    const backends = backendNames.map((backend) => {
      const weights = weightMemory(all, backend);
      const isTooSlow = isEmu && backend === 'reference' && isTooLargeForReference(parameters);
      const fit = isTooSlow ? 'too slow' : fitOf(weights, work?.captionCache ?? 0, free);
      return {backend, ...weights, fit};
    });
    const licence = licenceOf(found.folder ?? found.checkpoint);
    const {parts: _, config, drawingLayer: __, ...facts} = opened;
    return {
      name,
      ...(licence === undefined ? {} : {licence}),
      files,
      parameters,
      ...facts,
      ...(config ? {config} : {}),
      memory: {free, backends, ...(work ? {work} : {})},
    };
  } finally {
    for (const [, checkpoint] of opened.parts) checkpoint.close();
  }
}

interface Opened {
  readonly parts: readonly (readonly [string, Checkpoint])[];
  readonly config?: EmuConfig;
  readonly modes?: readonly Mode[];
  readonly abilities?: readonly Ability[];
  readonly drawingLayer?: number;
}

function holdsLanguageModel(file: string): boolean {
  const checkpoint = openCheckpoint(file);
  checkpoint.close();
  return [...checkpoint.tensors.keys()].some((name) => name.startsWith('decoder.lm.'));
}

function openAlone(file: string): Opened {
  return {parts: [['tensors', openCheckpoint(file)]]};
}

/** The model with its tuning and its image decoder. */
function openWhole(name: string, options: LocateOptions): Opened {
  const {location, config, checkpoint, tuning} = openModel(name, options);
  const parts: [string, Checkpoint][] = [['model', checkpoint]];
  try {
    if (tuning) parts.push(['instruction tuning', tuning.checkpoint]);
    const modes: Mode[] = [...new Set([location.mode, ...(tuning ? ['instruct' as const] : [])])];
    const abilities: Ability[] = ['text', ...(modes.includes('instruct') ? ['chat' as const] : [])];
    const {decoderFolder} = location;
    if (decoderFolder === undefined) return {parts, config, modes, abilities};
    const unet = openUnet(path.join(decoderFolder, 'unet'));
    parts.push(['UNet', unet.checkpoint]);
    const vae = openVae(path.join(decoderFolder, 'vae'));
    parts.push(['autoencoder', vae.checkpoint]);
    const safety = openSafetyChecker(decoderFolder);
    if (safety) parts.push(['safety checker', safety.checkpoint]);
    const {blockChannels} = vae.config;
    const edge = unet.config.sampleSize * 2 ** (blockChannels.length - 1);
    // The last upsampling of the autoencoder: the next coarser level's channels at the picture's size.
    const drawingLayer = 4 * edge ** 2 * (blockChannels[1] ?? blockChannels[0]!);
    return {parts, config, modes, abilities: [...abilities, 'draw'], drawingLayer};
  } catch (error) {
    for (const [, part] of parts) part.close();
    throw error;
  }
}

function inspectFile(part: string, checkpoint: Checkpoint): InspectedFile {
  const {path: file, format, metadata} = checkpoint;
  const tensors = [...checkpoint.tensors.values()].map(({name, shape, encoding}) => {
    return {name, shape, encoding, bytes: countElements(shape)! * encodingBytes[encoding]};
  });
  return {
    path: file,
    part,
    format,
    size: statSync(file).size,
    ...numbersOf([checkpoint]),
    metadata,
    tensors,
  };
}

/** The tensors of a file by module, in their order. */
export function modulesOf({tensors}: InspectedFile): InspectedModule[] {
  const groups = new Map<string, InspectedTensor[]>();
  for (const tensor of tensors) {
    const words = tensor.name.split('.');
    const number = words.findIndex((word) => /^\d+$/.test(word));
    const end = number > 0 ? number : Math.max(1, words.length - 1);
    const module = words.slice(0, end).join('.');
    groups.set(module, [...(groups.get(module) ?? []), tensor]);
  }
  return [...groups].map(([module, members]) => ({
    module,
    tensors: members.length,
    parameters: members.reduce((sum, {shape}) => sum + countElements(shape)!, 0),
    bytes: members.reduce((sum, {bytes}) => sum + bytes, 0),
    encodings: [...new Set(members.map(({encoding}) => encoding))],
  }));
}

function workMemory(config: EmuConfig, drawingLayer: number | undefined): WorkMemory {
  const {vision, llama} = config;
  const {beams: captionBeams, tokens: captionTokens} = captionSearch(config);
  const cachePerToken = cacheBytes(llama);
  const patches = (vision.imageSize / vision.patchSize) ** 2 + 1;
  return {
    cachePerToken,
    captionTokens,
    captionBeams,
    captionCache: captionBeams * captionTokens * cachePerToken,
    visionLayer: 4 * patches * Math.floor(vision.width * vision.mlpRatio),
    ...(drawingLayer === undefined ? {} : {drawingLayer}),
  };
}

/** The rule of memory.ts, applied to a caption. */
function fitOf({mapped, held}: WeightMemory, cache: number, free: number): Fit {
  if (held > free) return 'no';
  if (held + cache > free) return 'shorter answers';
  return mapped + held + cache > free ? 'slow' : 'ok';
}
