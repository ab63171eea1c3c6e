// `npm run tensorflow:smoke` proves the op interface on TensorFlow: installs and builds the backend
// `tensorflow` in a cache folder outside the repository (the first time 270 MB of download and 0.9 GB
// of disk; later seconds), then runs the kernels' tests on it and says how far off and how fast it is.
import {spawn} from 'node:child_process';
import {mkdir, readdir} from 'node:fs/promises';
import path from 'node:path';
import {withLock} from './lock.js';
import {compile} from './tensorflow/compile.js';
import {cacheLayout, type Layout, repository} from './tensorflow/files.js';
import {install} from './tensorflow/install.js';
import type {FileResult, Message} from './tensorflow/messages.js';
import {SmokeError} from './tensorflow/run.js';

const say = (text: string) => console.log(`tensorflow: ${text}`);

const OUTPUT_LINES = 16; // of a file with failed tests

type Handler = (message: Message) => void;

/** Runs parity.ts in a process of its own; resolves to why it ended early, or undefined. */
function runChild(args: readonly string[], handle: Handler): Promise<string | undefined> {
  const script = path.join(repository, 'scripts/tensorflow/parity.ts');
  const child = spawn(process.execPath, ['--import', 'tsx', script, ...args], {
    cwd: repository,
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    env: {...process.env, EMU_TEST_BACKENDS: 'tensorflow', TF_CPP_MIN_LOG_LEVEL: '2'},
  });
  let stderr = '';
  let isDone = false;
  child.stdout!.resume(); // uvu's dots
  child.stderr!.setEncoding('utf8').on('data', (chunk) => {
    stderr += chunk;
  });
  child.on('message', (message: Message) => {
    if (message.kind === 'done') isDone = true;
    else handle(message);
  });
  return new Promise((resolve) => {
    child.on('close', (code, signal) => {
      if (isDone) return resolve(undefined);
      const lines = stderr.split('\n');
      const said = lines.find((line) => /^\w*Error\b/.test(line)) ?? lines.at(-2) ?? '';
      resolve(`the tests ended early (${signal ?? `exit code ${code}`}): ${said.trim()}`);
    });
  });
}

const error = (value: number) => (value === 0 ? '0' : value.toExponential(1));

/** One line a test file: counts, and the largest errors on TensorFlow against the cpu backend. */
function describe(result: FileResult): string {
  const {file, passed, failed, skipped, seconds, values, gradients} = result;
  const name = path.basename(file, '.test.ts').padEnd(20);
  const counts = `${passed} passed, ${failed} failed, ${skipped} skipped, ${seconds.toFixed(1)} s`;
  const forward = values.count > 0 ? `  max|d| ${error(values.largest)}` : '';
  const backward = gradients.count > 0 ? `, of gradients ${error(gradients.largest)}` : '';
  return `${name} ${counts.padEnd(40)}${forward}${backward}`.trimEnd();
}

/** Enough of what uvu said to see what is wrong. */
function beginning(output: string): string {
  const lines = output.split('\n').filter((line) => line.trim() !== '');
  const rest = lines.length - OUTPUT_LINES;
  const shown = lines.slice(0, OUTPUT_LINES);
  return [...shown, ...(rest > 0 ? [`    and ${rest} lines more`] : [])].join('\n');
}

/** Runs everything and prints it as it comes; the numbers of passed and failed tests and checks. */
async function test(): Promise<{passed: number; failed: number; skipped: number}> {
  const totals = {passed: 0, failed: 0, skipped: 0};
  const handle: Handler = (message) => {
    switch (message.kind) {
      case 'loaded': {
        const {version, device, seconds} = message;
        say(`TensorFlow ${version} on ${device}, loaded in ${seconds.toFixed(2)} s`);
        break;
      }
      case 'file':
        totals.passed += message.passed;
        totals.failed += message.failed;
        totals.skipped += message.skipped;
        say(describe(message));
        if (message.failed > 0) console.log(beginning(message.output));
        break;
      case 'check':
        totals[message.passed ? 'passed' : 'failed']++;
        say(`${message.name}: ${message.passed ? 'yes' : 'NO'} (${message.found})`);
        break;
      case 'dispatch':
        say(`${message.op.padEnd(24)} ${message.microseconds.toFixed(1).padStart(7)} us a call`);
        break;
    }
  };
  const folder = path.join(repository, 'test/kernels');
  const names = (await readdir(folder)).filter((name) => name.endsWith('.test.ts')).sort();
  const files = names.map((name) => path.join('test/kernels', name));
  const rmsNorm = path.join('test/kernels', 'rmsNorm.test.ts');
  say('tests of the kernels: rmsNorm as custom op, the others as reference compositions');
  say('max|d|: the largest difference from the same op as composition on the cpu backend');
  const problems = [await runChild(['custom', ...files], handle)];
  say('rmsNorm as reference composition');
  problems.push(await runChild(['compositions', rmsNorm], handle));
  for (const problem of problems) {
    if (problem === undefined) continue;
    totals.failed++;
    say(problem);
  }
  return totals;
}

async function prepare(layout: Layout): Promise<void> {
  await mkdir(layout.folder, {recursive: true});
  await withLock(path.join(layout.folder, 'lock'), say, async () => {
    await install(layout, say);
    await compile(layout, say);
  });
}

try {
  const layout = cacheLayout();
  say(`everything lies in ${layout.folder}`);
  await prepare(layout);
  const {passed, failed, skipped} = await test();
  console.log(`${passed} passed, ${failed} failed, ${skipped} skipped`);
  process.exitCode = failed > 0 ? 1 : 0;
} catch (error) {
  // A system error (no permission, no disk) says in its one line what and where.
  const isExpected = error instanceof SmokeError || (error instanceof Error && 'errno' in error);
  if (!isExpected) throw error;
  console.error(`tensorflow: ${error.message}`);
  process.exitCode = 1;
}
