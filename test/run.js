// Runs the tests: installs and builds what a fresh clone lacks, then every test file in a process of
// its own, or with its neighbours, two processes at a time. Plain JavaScript: in a fresh clone nothing else
// is there yet.
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
const CONCURRENCY = Math.max(1, Number(process.env.EMU_TEST_JOBS || 2) || 1);
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

/**
 * Folders of quick tests without a model, whose files share processes: starting one takes longer than most of
 * them.
 */
const TOGETHER = ['test/data', 'test/eval', 'test/text', 'test/train/emoji', 'test/weights'];
const MOST_TOGETHER = 8;

/** These take longest, and come first: at the end no core waits for one of them. */
const FIRST = ['test/train/decoder', 'test/goldens', 'test/train'];

/** The files that each process is given. */
function grouped(files) {
  const groups = [];
  const place = (file) => [...FIRST, ''].findIndex((start) => file.startsWith(start));
  for (const file of files.toSorted((a, b) => place(a) - place(b))) {
    const folder = TOGETHER.find((name) => file.startsWith(`${name}/`));
    const last = groups.at(-1);
    if (folder && last?.folder === folder && last.files.length < MOST_TOGETHER)
      last.files.push(file);
    else groups.push({folder, files: [file]});
  }
  return groups.map(({files}) => files);
}

/** Runs files in one process; resolves to the counts of each, the output and how it ended. */
function runFiles(files) {
  return new Promise((resolve) => {
    const started = Date.now();
    const hooks = ['--import', 'tsx', '--import', './test/support/threads.js'];
    const child = spawn(process.execPath, [...hooks, 'test/support/runFile.js', ...files], {
      cwd: root,
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    let output = '';
    const counts = new Map();
    let timedOut = false;
    const timer = setTimeout(() => {
      timedOut = true;
      child.kill('SIGKILL');
    }, FILE_TIMEOUT_MS * files.length);
    child.stdout.on('data', (chunk) => {
      output += chunk;
    });
    child.stderr.on('data', (chunk) => {
      output += chunk;
    });
    child.on('message', (message) => {
      counts.set(message.file, message);
    });
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      const seconds = (Date.now() - started) / 1000;
      resolve({code, signal, counts, output, timedOut, seconds});
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

function report(file, result, seconds) {
  const own = result.counts.get(file);
  const counts = own ?? {passed: 0, failed: 0, skipped: 0, skips: []};
  const problem = fileProblem({...result, counts: own});
  totals.passed += counts.passed;
  totals.failed += counts.failed + (problem ? 1 : 0);
  totals.skipped += counts.skipped;
  const mark = problem || counts.failed ? 'FAIL' : 'ok';
  console.log(
    `${mark.padEnd(4)} ${file}  ${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped  ${seconds.toFixed(1)} s`,
  );
  for (const skip of counts.skips ?? []) console.log(`     skipped: ${skip}`);
  if (problem) console.log(`     ${problem}`);
  return problem !== undefined || counts.failed > 0;
}

/** Of a process that ended early, the files that had no turn or no end run again, each alone. */
async function runGroup(files) {
  const result = await runFiles(files);
  let isBad = false;
  const failed = [...result.counts.values()].reduce((sum, own) => sum + own.failed, 0);
  for (const file of files) {
    const own = result.counts.get(file);
    if (files.length === 1) isBad = report(file, result, result.seconds);
    else if (own) {
      // How the process ended is the last one's.
      const code = failed > 0 || file !== files.at(-1) ? own.failed : result.code;
      isBad = report(file, {...result, code, timedOut: false}, own.seconds) || isBad;
    }
  }
  if (isBad || process.env.EMU_TEST_VERBOSE) console.log(result.output);
  if (files.length > 1)
    for (const file of files) if (!result.counts.has(file)) await runGroup([file]);
}

const queue = grouped(files);
await Promise.all(
  Array.from({length: Math.min(CONCURRENCY, queue.length)}, async () => {
    for (let group = queue.shift(); group; group = queue.shift()) await runGroup(group);
  }),
);
console.log(`${totals.passed} passed, ${totals.failed} failed, ${totals.skipped} skipped`);
process.exitCode = totals.failed > 0 ? 1 : 0;
