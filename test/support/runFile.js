// Runs test files with uvu, one after the other, and reports the counts of each to test/run.js. uvu itself
// passes a file that forgets `test.run()`; here such a file has no test in the queue, which the runner counts
// as failed.
import path from 'node:path';
import {pathToFileURL} from 'node:url';

globalThis.UVU_DEFER = 1;
globalThis.UVU_INDEX = 0;

/** Counts of one file, with the names of its skipped tests and their reasons, filled by support/skip.ts. */
async function run(file) {
  globalThis.UVU_QUEUE = [[null]];
  globalThis.EMU_SKIPS = [];
  await import(pathToFileURL(path.resolve(file)).href);
  const counts = {file, passed: 0, failed: 0, skipped: 0, skips: globalThis.EMU_SKIPS};
  for (const suite of globalThis.UVU_QUEUE[0].slice(1)) {
    const [errors, passed, skipped, total] = await suite();
    counts.passed += passed;
    counts.failed += total - passed;
    counts.skipped += skipped;
    if (typeof errors === 'string' && errors.length > 0) process.stdout.write(`\n${errors}\n`);
  }
  return counts;
}

let failed = 0;
for (const file of process.argv.slice(2)) {
  const started = Date.now();
  const counts = await run(file);
  failed += counts.failed;
  const report = {...counts, seconds: (Date.now() - started) / 1000};
  if (process.send) await new Promise((resolve) => process.send(report, resolve));
  else console.log(report);
}
process.exit(failed > 0 ? 1 : 0);
