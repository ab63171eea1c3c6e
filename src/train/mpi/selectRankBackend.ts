import {
  type BackendInfo,
  type BackendOptions,
  selectBackend,
  usableCores,
} from '../../kernels/backend.js';
import type {Communicator} from './communicator.js';

/**
 * selectBackend() for a rank: ranks that may use the same cores share them, so that there are not more
 * threads than cores. A rank that mpirun bound to cores of its own has those already; a number of
 * threads that was asked for stays.
 */
export function selectRankBackend(
  {coreSharers}: Pick<Communicator, 'coreSharers'>,
  options: BackendOptions = {},
): BackendInfo {
  const isAskedFor = Boolean(options.threads) || Number(process.env.EMU_THREADS) > 0;
  if (coreSharers === 1 || isAskedFor) return selectBackend(options);
  // Counted before: TensorFlow keeps the number that it is loaded with.
  const threads = Math.max(1, Math.floor(usableCores() / coreSharers));
  return selectBackend({...options, threads});
}
