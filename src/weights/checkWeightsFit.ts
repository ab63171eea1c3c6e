import type {BackendName} from '../kernels/backend.js';
import {activeNativeBackend} from '../kernels/native/nativeBackend.js';
import type {Checkpoint} from './checkpoint.js';
import {checkMemory, weightMemory} from './memory.js';

/**
 * Throws EmuError (memory) when the weights of these files do not fit in memory on a backend (default: the one in
 * use). To be called before the first of them is read.
 */
export function checkWeightsFit(
  file: string,
  checkpoints: readonly Pick<Checkpoint, 'tensors'>[],
  backend: BackendName = activeNativeBackend() ? 'native' : 'reference',
): void {
  const tensors = checkpoints.flatMap((checkpoint) => [...checkpoint.tensors.values()]);
  const wayOut =
    backend === 'native'
      ? 'write it with `emu convert --encoding bf16`, whose numbers are read in the file'
      : 'use --backend native, which maps the file';
  checkMemory(file, weightMemory(tensors, backend).held, wayOut);
}
