import {type BackendInfo, type BackendOptions, selectBackend} from '../../kernels/backend.js';
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
  const info = selectBackend(options);
  const isAskedFor = Boolean(options.threads) || Number(process.env.EMU_THREADS) > 0;
  if (coreSharers === 1 || isAskedFor) return info;
  return selectBackend({...options, threads: Math.max(1, Math.floor(info.threads / coreSharers))});
}
