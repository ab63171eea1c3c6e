import {deviceMemory} from '../kernels/deviceMemory.js';
import {checkMemory} from '../weights/memory.js';

/** Of a number that is trained: itself, its gradient, the two moments of AdamW. */
const BYTES = 4 * 4;

/**
 * Throws EmuError (memory) when what `recipeFile` trains does not fit the device of the backend in use: in
 * training no layer stays on the CPU. What the pictures and texts of a batch take comes on top.
 */
export function checkTrainingFits(
  recipeFile: string,
  parameters: Iterable<{readonly size: number}>,
): void {
  const memory = deviceMemory();
  if (!memory) return;
  let numbers = 0;
  for (const {size} of parameters) numbers += size;
  const wayOut =
    'that is each weight that it trains, with a gradient and two moments; have it train less (learningRates, freeze) or use --backend native';
  checkMemory(recipeFile, BYTES * numbers, wayOut, memory.bytes, `${memory.device}'s memory`);
}
