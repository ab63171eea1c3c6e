// Runs one test file with uvu and reports its counts to test/run.js. uvu itself passes a file that
// forgets `test.run()`; here such a file has no test in the queue, which the runner counts as failed.
import path from 'node:path';
import {pathToFileURL} from 'node:url';

globalThis.UVU_DEFER = 1;
globalThis.UVU_QUEUE = [[null]];
globalThis.UVU_INDEX = 0;
/** Names of skipped tests with their reasons, filled by support/skip.ts. */
globalThis.EMU_SKIPS = [];

await import(pathToFileURL(path.resolve(process.argv[2])).href);

const counts = {passed: 0, failed: 0, skipped: 0, skips: globalThis.EMU_SKIPS};
for (const suite of globalThis.UVU_QUEUE[0].slice(1)) {
  const [errors, passed, skipped, total] = await suite();
  counts.passed += passed;
  counts.failed += total - passed;
  counts.skipped += skipped;
  if (typeof errors === 'string' && errors.length > 0) process.stdout.write(`\n${errors}\n`);
}
const code = counts.failed > 0 ? 1 : 0;
if (process.send) process.send(counts, () => process.exit(code));
else {
  console.log(counts);
  process.exit(code);
}
