import {type BackendName, backendInUse} from '../kernels/backend.js';
import {deviceMemory} from '../kernels/deviceMemory.js';
import type {Checkpoint} from './checkpoint.js';
import {checkMemory, weightMemory} from './memory.js';

/**
 * Throws EmuError (memory) when the weights of these files do not fit in the memory of a backend (default: the one
 * in use), or in its device's. To be called before the first of them is read.
 */
export function checkWeightsFit(
  file: string,
  checkpoints: readonly Pick<Checkpoint, 'tensors'>[],
  backend: BackendName = backendInUse(),
): void {
  const tensors = checkpoints.flatMap((checkpoint) => [...checkpoint.tensors.values()]);
  const {held} = weightMemory(tensors, backend);
  const memory = backend === 'tensorflow' ? deviceMemory() : undefined;
  if (memory) {
    const {bytes, device} = memory;
    const wayOut =
      'free some (EMU_GPU_MEMORY, where it is set, is the limit), or use --backend native';
    checkMemory(file, held, wayOut, bytes, `${device}'s memory`);
    return;
  }
  const wayOut =
    backend === 'native'
      ? 'write it with `emu convert --encoding bf16`, whose numbers are read in the file'
      : 'use --backend native, which maps the file';
  checkMemory(file, held, wayOut);
}
