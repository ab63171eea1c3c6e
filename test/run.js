// Runs the tests: installs and builds what a fresh clone lacks, then every test file in a process of
// its own, two at a time. Plain JavaScript: in a fresh clone nothing else is there yet.
//   npm test                 all          npm test kernels       files whose path contains "kernels"
// Ends with the plain line `N passed, N failed, N skipped`.
import {spawn} from 'node:child_process';
import {readdirSync} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import {fileURLToPath} from 'node:url';
import {setup} from '../scripts/setup.js';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');
// uvu never times out: a file that takes longer is ended and counts as failed.
const FILE_TIMEOUT_MS = Number(process.env.EMU_TEST_TIMEOUT ?? 600) * 1000;
const CONCURRENCY = Number(process.env.EMU_TEST_JOBS ?? 2);
// Files that run side by side share the cores: threads that wait for each other would take them in vain.
process.env.EMU_THREADS ??= String(
  Math.max(1, Math.floor(os.availableParallelism() / CONCURRENCY)),
);

function testFiles(folder) {
  return readdirSync(folder, {withFileTypes: true, recursive: true})
    .filter((entry) => entry.isFile() && /\.test\.tsx?$/.test(entry.name))
    .map((entry) => path.relative(root, path.join(entry.parentPath ?? entry.path, entry.name)))
    .sort();
}

/** Runs one file; resolves to its counts, output and how it ended. */
function runFile(file) {
  return new Promise((resolve) => {
    const started = Date.now();
    const hooks = ['--import', 'tsx', '--import', './test/support/threads.js'];
    const child = spawn(process.execPath, [...hooks, 'test/support/runFile.js', file], {
      cwd: root,
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    let output = '';
    let counts;
    let timedOut = false;
    const timer = setTimeout(() => {
      timedOut = true;
      child.kill('SIGKILL');
    }, FILE_TIMEOUT_MS);
    child.stdout.on('data', (chunk) => {
      output += chunk;
    });
    child.stderr.on('data', (chunk) => {
      output += chunk;
    });
    child.on('message', (message) => {
      counts = message;
    });
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      resolve({
        file,
        code,
        signal,
        counts,
        output,
        timedOut,
        seconds: (Date.now() - started) / 1000,
      });
    });
  });
}

/** Why the file counts as failed beyond its own failed tests, or undefined. */
function fileProblem({code, signal, counts, timedOut}) {
  if (timedOut) return `ran longer than ${FILE_TIMEOUT_MS / 1000} s`;
  if (!counts) return `ended early (${signal ?? `exit code ${code}`})`;
  if (counts.passed + counts.failed + counts.skipped === 0)
    return 'registered no test: is test.run() missing?';
  if (code !== 0 && counts.failed === 0) return `exit code ${code}`;
  return undefined;
}

await setup();
const patterns = process.argv.slice(2);
const files = testFiles(path.join(root, 'test')).filter(
  (file) => patterns.length === 0 || patterns.some((pattern) => file.includes(pattern)),
);
if (files.length === 0) {
  console.error(`no test file matches ${patterns.join(' ')}`);
  process.exit(1);
}

const totals = {passed: 0, failed: 0, skipped: 0};
const queue = [...files];
await Promise.all(
  Array.from({length: Math.min(CONCURRENCY, queue.length)}, async () => {
    for (let file = queue.shift(); file; file = queue.shift()) {
      const result = await runFile(file);
      const counts = result.counts ?? {passed: 0, failed: 0, skipped: 0, skips: []};
      const problem = fileProblem(result);
      totals.passed += counts.passed;
      totals.failed += counts.failed + (problem ? 1 : 0);
      totals.skipped += counts.skipped;
      const mark = problem || counts.failed ? 'FAIL' : 'ok';
      console.log(
        `${mark.padEnd(4)} ${file}  ${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped  ${result.seconds.toFixed(1)} s`,
      );
      for (const skip of counts.skips ?? []) console.log(`     skipped: ${skip}`);
      if (problem) console.log(`     ${problem}`);
      if (problem || counts.failed || process.env.EMU_TEST_VERBOSE) console.log(result.output);
    }
  }),
);
console.log(`${totals.passed} passed, ${totals.failed} failed, ${totals.skipped} skipped`);
process.exitCode = totals.failed > 0 ? 1 : 0;
