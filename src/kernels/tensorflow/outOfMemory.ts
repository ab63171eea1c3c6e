// What TensorFlow throws for want of memory, as one line that says what to change.
import {freemem} from 'node:os';
import {EmuError} from '../../errors.js';
import {gigabytes} from '../../gigabytes.js';
import type {TensorflowBackend} from './tensorflowBackend.js';

/** What of the binding may have to allocate memory, and what a person is told that it does. */
const allocating = {
  executeOp: (name: unknown) => `in ${String(name)}`,
  createTensor: () => 'bringing a tensor there',
  tensorDataSync: () => 'reading a tensor',
};

type Binding = TensorflowBackend['binding'];
type Method = (...given: unknown[]) => unknown;

/** RESOURCE_EXHAUSTED, and what CUDA's libraries say under other codes. */
const isOutOfMemory = (message: string) =>
  /TF_Status: 8\b|\bOOM\b|RESOURCE_EXHAUSTED|out of memory|OUT_OF_MEMORY|ALLOC_FAILED|failed to allocate/i.test(
    message,
  );

/** Bytes of an element, by TensorFlow's names. */
const typeBytes: Readonly<Record<string, number>> = {
  ...{float: 4, half: 2, bfloat16: 2, double: 8, complex64: 8},
  ...{int32: 4, int64: 8, int8: 1, uint8: 1, bool: 1},
};

/** The tensor of "OOM when allocating tensor with shape[2,3] and type float on ...", where it is named. */
function tensorNamed(message: string): string {
  const [, shape = '', type = ''] = /shape\[([\d,]*)\] and type (\w+)/.exec(message) ?? [];
  const element = typeBytes[type];
  if (shape === '' || element === undefined) return '';
  const bytes = shape.split(',').reduce((product, size) => product * Number(size), element);
  return `: a tensor [${shape.replaceAll(',', ', ')}] of ${gigabytes(bytes)} does not fit`;
}

/** The failure that a person can act on, or undefined where `error` is about something else. */
export function outOfMemory(
  error: unknown,
  doing: string,
  device: 'GPU' | 'CPU',
  free: number | undefined,
): EmuError | undefined {
  const {message} = error as Error;
  if (!isOutOfMemory(message)) return undefined;
  const onGpu =
    ' compute in bf16 (--compute bf16), leave more layers on the CPU (a smaller EMU_GPU_MEMORY),';
  const freeText = free === undefined ? '' : `, ${gigabytes(free)} are free`;
  return new EmuError(
    `out of memory on the ${device}, ${doing}${tensorNamed(message)}${freeText}; ask for less at once (--batch, --beams, --max-tokens, --size; microBatch in a recipe),${device === 'GPU' ? onGpu : ''} or use --backend native`,
    {code: 'out_of_memory', reason: 'memory', cause: error},
  );
}

/**
 * Has the binding of `backend` tell of memory that runs out as EmuError (memory). `gpuFree`: bytes that are
 * free on the GPU, undefined where they are unknown; asked when it has happened.
 */
export function explainOutOfMemory(
  backend: {binding: Binding},
  device: 'cpu' | 'gpu',
  gpuFree: () => number | undefined,
): void {
  const {binding} = backend;
  const methods = binding as unknown as Record<string, Method>;
  // The addon's own methods cannot be written over: what stands before them can.
  const explained = Object.create(binding) as Binding;
  for (const [name, doing] of Object.entries(allocating)) {
    const method = methods[name]!;
    const value: Method = (...given) => {
      try {
        return method(...given);
      } catch (error) {
        const [place, free] =
          device === 'gpu' ? (['GPU', gpuFree()] as const) : (['CPU', freemem()] as const);
        throw outOfMemory(error, doing(given[0]), place, free) ?? error;
      }
    };
    Object.defineProperty(explained, name, {value});
  }
  backend.binding = explained;
}
