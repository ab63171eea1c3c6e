// Which models are too large for the reference backend, whatever memory there is.
import {EmuError} from '../errors.js';
import type {BackendName} from '../kernels/backend.js';
import {addonProblem} from '../kernels/native/addon.js';
import type {Checkpoint} from './checkpoint.js';
import {countElements} from './storedTensor.js';

/** JavaScript multiplies about a billion numbers a second, and a token takes each weight once. */
const MOST_BILLIONS = 2;

/** Whether the reference backend refuses a model of so many weights. */
export const isTooLargeForReference = (parameters: number) => parameters > MOST_BILLIONS * 1e9;

/**
 * Throws EmuError (memory) for a model that JavaScript would take minutes a word for; it says why the native
 * backend is not there.
 */
export function checkReference(
  file: string,
  checkpoints: readonly Checkpoint[],
  backend: BackendName,
): void {
  if (backend !== 'reference') return;
  const counts = checkpoints.flatMap(({tensors}) =>
    [...tensors.values()].map(({shape}) => countElements(shape)!),
  );
  const parameters = counts.reduce((sum, count) => sum + count, 0);
  if (!isTooLargeForReference(parameters)) return;
  throw new EmuError(
    `${file}: its ${(parameters / 1e9).toFixed(1)} billion weights are too many for the reference backend (at most ${MOST_BILLIONS}); ${addonProblem() ?? 'use --backend native'}`,
    {code: 'too_large', reason: 'memory', file},
  );
}
