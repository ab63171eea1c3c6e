// The child process of the smoke test. Loads TensorFlow and runs test files on it:
//   parity.ts custom|compositions <test file>...
// `custom` with our custom ops, then measures; `compositions` with none, so that every op is its
// reference composition.
import path from 'node:path';
import {pathToFileURL} from 'node:url';
import tf from '#tfjs';
import {selectBackend} from '../../src/kernels/backend.js';
import {rmsNorm} from '../../src/kernels/index.js';
import {tensorflowKernels} from '../../src/kernels/tensorflow/kernels.js';
import {loadTensorflow} from '../../src/kernels/tensorflow/loadTensorflow.js';
import {
  TENSORFLOW,
  type TensorflowBackend,
} from '../../src/kernels/tensorflow/tensorflowBackend.js';
import {measureDispatch} from './dispatch.js';
import {cacheLayout} from './files.js';
import type {Check, Errors, FileResult, Message} from './messages.js';

type Suite = () => Promise<[errors: string | true, passed: number, skipped: number, total: number]>;
interface Comparison {
  readonly variant: string;
  readonly of: 'value' | 'gradient';
  readonly error: number;
}

// As test/support/runFile.js sets them: uvu queues the suites, assertions report how far off they were.
const globals = globalThis as unknown as {
  UVU_DEFER: number;
  UVU_QUEUE: (Suite | null)[][];
  UVU_INDEX: number;
  EMU_ERRORS: Comparison[];
};

function send(message: Message): Promise<void> {
  return new Promise((resolve) => process.send!(message, () => resolve()));
}

function largest(comparisons: readonly Comparison[], of: Comparison['of']): Errors {
  const errors = comparisons.filter((one) => one.of === of).map(({error}) => error);
  return {count: errors.length, largest: Math.max(0, ...errors)};
}

async function runTestFile(file: string): Promise<FileResult> {
  globals.UVU_DEFER = 1;
  globals.UVU_INDEX = 0;
  globals.UVU_QUEUE = [[null]];
  globals.EMU_ERRORS = [];
  let passed = 0;
  let failed = 0;
  let skipped = 0;
  let output = '';
  const started = performance.now();
  selectBackend({backend: 'reference'});
  try {
    await import(pathToFileURL(path.resolve(file)).href);
    const suites = globals.UVU_QUEUE[0]!.slice(1) as Suite[];
    if (suites.length === 0) throw new Error('registered no test: is test.run() missing?');
    for (const suite of suites) {
      const [errors, numPassed, numSkipped, total] = await suite();
      passed += numPassed;
      skipped += numSkipped;
      failed += total - numPassed;
      if (typeof errors === 'string') output += errors;
    }
  } catch (error) {
    failed++;
    output += `${(error as Error).message}\n`;
  }
  const comparisons = globals.EMU_ERRORS.filter(({variant}) => variant === TENSORFLOW);
  const values = largest(comparisons, 'value');
  const gradients = largest(comparisons, 'gradient');
  const seconds = (performance.now() - started) / 1000;
  return {kind: 'file', file, passed, failed, skipped, seconds, output, values, gradients};
}

/** Tensors of tfjs and of TensorFlow are as many after 20 forward and backward passes as before. */
function checkLeaks(): Check {
  selectBackend({backend: 'tensorflow'});
  const {binding} = tf.backend() as TensorflowBackend;
  const x = tf.ones([4, 512]);
  const weight = tf.ones([512]);
  const gradients = tf.grads((...[a, b]: tf.Tensor[]) => rmsNorm(a!, b!));
  const held = () =>
    `${tf.memory().numTensors} tensors, ${binding.getNumOfTensors()} in TensorFlow`;
  tf.tidy(() => void gradients([x, weight]));
  const before = held();
  for (let i = 0; i < 20; i++) tf.tidy(() => void gradients([x, weight]));
  const after = held();
  tf.dispose([x, weight]);
  return {kind: 'check', name: 'no tensor leaks', passed: before === after, found: after};
}

/** What a custom op refuses arrives as an exception. */
function checkErrors(): Check {
  selectBackend({backend: 'tensorflow'});
  const expected = "expected a weight as long as x's last dimension";
  let found = 'no error';
  tf.tidy(() => {
    const inputs = {x: tf.ones([2, 8]), weight: tf.ones([7])};
    try {
      tf.engine().runKernel('EmuRmsNorm', inputs, {eps: 1e-6});
    } catch (error) {
      found = (error as Error).message.split('\n').at(-1)!;
    }
  });
  const passed = found.includes(expected);
  return {kind: 'check', name: "an op's error is an exception", passed, found};
}

const [mode, ...files] = process.argv.slice(2);
const started = performance.now();
const {version, device} = loadTensorflow(cacheLayout());
await send({kind: 'loaded', version, device, seconds: (performance.now() - started) / 1000});
if (mode === 'compositions') {
  for (const {kernelName, backendName} of tensorflowKernels) {
    tf.unregisterKernel(kernelName, backendName);
  }
}
for (const file of files) await send(await runTestFile(file));
if (mode === 'custom') {
  await send(checkErrors());
  await send(checkLeaks());
  for (const message of measureDispatch()) await send(message);
}
await send({kind: 'done'});
process.exit(0);
