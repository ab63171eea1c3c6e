import {createInterface} from 'node:readline/promises';
import {UsageError} from './errors.js';

/** Asks on the terminal; true for yes. Throws UsageError where nobody can answer: `flag` does so. */
export async function confirm(question: string, flag: string): Promise<boolean> {
  if (!process.stdin.isTTY || !process.stderr.isTTY)
    throw new UsageError(`${question} Nobody is here to answer: add ${flag}`);
  const asking = createInterface({input: process.stdin, output: process.stderr});
  try {
    return /^\s*y(es)?\s*$/i.test(await asking.question(`${question} [y/N] `));
  } finally {
    asking.close();
  }
}
