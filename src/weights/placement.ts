// Which part of a model a device of its own (a GPU) holds, computed from headers before anything is loaded:
// the towers and the language model's tables always, of its layers as many of the first as fit, each with its
// keys and values. The other layers stay on the processor.
import {EmuError} from '../errors.js';
import {gigabytes} from '../gigabytes.js';
import {startHost} from '../kernels/backend.js';
import {type DeviceMemory, deviceMemory} from '../kernels/deviceMemory.js';
import type {Encoding} from '../kernels/native/addon.js';
import type {EmuConfig} from './config.js';
import {cacheBytes, captionSearch, checkCacheFits, checkMemory, heldBytes} from './memory.js';
import {countElements, type StoredTensor} from './storedTensor.js';

/** A tensor as far as its size goes. */
export type SizedTensor = Pick<StoredTensor, 'name' | 'shape'> & {
  readonly encoding: StoredTensor['encoding'] | Encoding;
};

export interface Placement {
  /** Of the language model's layers the first `deviceLayers` are on the device, the others on the CPU. */
  readonly deviceLayers: number;
  readonly hostLayers: number;
  /** Bytes of the device that are left for keys and values. */
  readonly room: number;
  /** For an image decoder; Infinity where it is planned for. */
  readonly decoderRoom: number;
  /** The device, as a person calls it. */
  readonly device: string;
  /** What a person should know of it. */
  readonly note?: string;
}

/**
 * How many layers, from the first on, fit in `budget` beside the bytes that are always there; undefined where
 * not even these fit.
 */
export function layersThatFit(
  layers: readonly number[],
  always: number,
  budget: number,
): number | undefined {
  if (always > budget) return undefined;
  let used = always;
  const tooMany = layers.findIndex((bytes) => {
    used += bytes;
    return used > budget;
  });
  return tooMany < 0 ? layers.length : tooMany;
}

/** The language model's layer that a tensor of an Emu, or of a tuning, belongs to. */
export function layerOf(name: string): number | undefined {
  const match = /^decoder\.lm\.(?:base_model\.model\.)?model\.layers\.(\d+)\./.exec(name);
  return match ? Number(match[1]) : undefined;
}

/**
 * Bytes that computing takes besides weights and caches: a layer's activations for a prompt as long as the
 * context, with the scores of its attention, and the largest weight as float32.
 */
export function workBytes({llama}: EmuConfig, tensors: readonly SizedTensor[]): number {
  const {contextLength, hiddenSize, intermediateSize, numHeads} = llama;
  const activations = contextLength * (4 * hiddenSize + 3 * intermediateSize);
  const scores = 2 * numHeads * contextLength ** 2;
  const largest = tensors.reduce((most, {shape}) => Math.max(most, countElements(shape)!), 0);
  return 4 * (activations + scores + largest);
}

interface PlaceOptions {
  /** Bytes of the image decoder that is to fit beside the model. */
  readonly decoder?: (() => number) | undefined;
  /** What there is; default: of the backend in use. */
  readonly memory?: DeviceMemory | undefined;
  /** Gets the CPU ready for layers; why it cannot. */
  readonly start?: () => string | undefined;
}

/**
 * Places an Emu of these tensors on the backend in use, and the image decoder beside it; undefined for a backend
 * that has no memory of its own. Throws EmuError (memory) when it cannot be placed.
 */
export function placeModel(
  file: string,
  config: EmuConfig,
  tensors: readonly SizedTensor[],
  {decoder, memory = deviceMemory(), start = startHost}: PlaceOptions = {},
): Placement | undefined {
  if (!memory) return undefined;
  const layers = new Array<number>(config.llama.layers).fill(0);
  let always = workBytes(config, tensors) + (decoder?.() ?? 0);
  for (const tensor of tensors) {
    const layer = layerOf(tensor.name);
    if (layer === undefined) always += heldBytes(tensor.encoding, tensor.shape);
    else layers[layer]! += heldBytes(tensor.encoding, tensor.shape);
  }
  const {bytes: budget, device} = memory;
  const {beams, tokens} = captionSearch(config);
  const cache = beams * tokens * cacheBytes({...config.llama, layers: 1});
  const withCaches = layers.map((bytes) => bytes + cache);
  const deviceLayers = layersThatFit(withCaches, always, budget);
  if (deviceLayers === undefined) throw doesNotFit(file, always, memory);
  const hostLayers = layers.length - deviceLayers;
  if (hostLayers > 0) {
    const problem = start();
    if (problem !== undefined) throw hasNoHost(file, device, deviceLayers, hostLayers, problem);
  }
  const held = layers.slice(0, deviceLayers).reduce((sum, bytes) => sum + bytes, always);
  const note = noteOn(memory, deviceLayers, hostLayers);
  const room = budget - held;
  const decoderRoom = decoder ? Number.POSITIVE_INFINITY : room;
  return {deviceLayers, hostLayers, room, decoderRoom, device, ...(note ? {note} : {})};
}

function outOfMemory(file: string, message: string): EmuError {
  return new EmuError(`${file}: ${message}`, {code: 'out_of_memory', reason: 'memory', file});
}

function doesNotFit(file: string, bytes: number, {bytes: free, device}: DeviceMemory): EmuError {
  return outOfMemory(
    file,
    `needs ${gigabytes(bytes)} of ${device}'s memory without any of the language model's layers, ${gigabytes(free)} are free; free some (EMU_GPU_MEMORY, where it is set, is the limit), or use --backend native`,
  );
}

/** The layers that stay on the CPU need the native backend. */
function hasNoHost(
  file: string,
  device: string,
  deviceLayers: number,
  hostLayers: number,
  problem: string,
): EmuError {
  return outOfMemory(
    file,
    `of the language model's layers ${deviceLayers} fit on ${device}, and the other ${hostLayers} cannot stay on the CPU, for the backend native does not load (${problem}); mend that, see \`emu doctor\`, or take a smaller model`,
  );
}

function noteOn(
  {bytes, device, problem}: DeviceMemory,
  deviceLayers: number,
  hostLayers: number,
): string | undefined {
  if (problem !== undefined)
    return `how much of ${device}'s memory is free is unknown (${problem}): all layers go there; EMU_GPU_MEMORY says how many gigabytes may be filled`;
  if (hostLayers === 0) return undefined;
  return `of the language model's layers ${deviceLayers} are on ${device} and ${hostLayers} on the CPU: ${gigabytes(bytes)} of ${device}'s memory may be filled`;
}

/** checkCacheFits for a model that is placed, or is not: each part of the cache where its layers are. */
export function checkCachePlaced(
  file: string,
  llama: EmuConfig['llama'],
  placement: Placement | undefined,
  rows: number,
  positions: number,
): void {
  if (!placement) {
    checkCacheFits(file, llama, rows, positions);
    return;
  }
  const {deviceLayers, hostLayers, room, device} = placement;
  checkCacheFits(file, {...llama, layers: hostLayers}, rows, positions);
  const bytes = rows * positions * cacheBytes({...llama, layers: deviceLayers});
  const wayOut = `that is the cache of ${rows} answers of up to ${positions} tokens; use fewer --beams or --max-tokens, or a smaller --batch`;
  checkMemory(file, bytes, wayOut, room, `${device}'s memory`);
}
