// The thread pool seen from JavaScript: the same numbers with any number of threads, several JavaScript
// threads at once, and cancelling.
import {once} from 'node:events';
import {createRequire} from 'node:module';
import {Worker} from 'node:worker_threads';
import {suite} from 'uvu';
import * as assert from 'uvu/assert';
import {type Addon, addonProblem, loadAddon} from '../../../src/kernels/native/addon.js';
import {random} from '../../support/parity.js';
import {skip} from '../../support/skip.js';

const test = suite('native/threads');
const require = createRequire(import.meta.url);

function testNative(name: string, body: (addon: Addon) => void | Promise<void>): void {
  const addon = loadAddon();
  if (addon) test(name, () => body(addon));
  else skip(test, name, addonProblem() ?? '');
}

function floats(count: number, seed: number): Float32Array {
  return random([count], seed).data as Float32Array;
}

function multiply(addon: Addon, m: number, n: number, k: number): Float32Array {
  const out = new Float32Array(m * n);
  const weight = new Uint8Array(floats(n * k, 2).buffer);
  addon.gemm(floats(m * k, 1), false, weight, 0, true, null, out, m, n, k, 1, 0, 0, false);
  return out;
}

function compute(addon: Addon): Float32Array[] {
  const sum = new Float32Array(1);
  addon.reduce(0, floats(300000, 3), sum, 1, 300000, 1, 1);
  return [multiply(addon, 3, 500, 700), multiply(addon, 150, 300, 600), sum];
}

testNative('results do not depend on the number of threads', (addon) => {
  addon.setThreads(1);
  const expected = compute(addon);
  for (const threads of [2, 3, 7]) {
    addon.setThreads(threads);
    assert.is(addon.threads(), threads);
    for (let round = 0; round < 5; round++) assert.equal(compute(addon), expected);
  }
  addon.setThreads(0);
});

const workerSource = `
  const {parentPort, workerData} = require('node:worker_threads');
  const addon = require(workerData.file);
  const [m, n, k] = [200, 200, 300];
  const a = new Float32Array(m * k).fill(0.5), b = new Uint8Array(new Float32Array(n * k).fill(2).buffer);
  const c = new Float32Array(m * n);
  const run = () => addon.gemm(a, false, b, 0, true, null, c, m, n, k, 1, 0, 0, false);
  parentPort.once('message', () => {
    try {
      if (workerData.forever) for (;;) run();
      for (let i = 0; i < 50; i++) { c.fill(0); run(); if (c.some((x) => x !== k)) throw new Error('wrong'); }
      parentPort.postMessage('done');
    } catch (error) {
      parentPort.postMessage(String(error.code ?? error.message));
    }
  });
  parentPort.postMessage('ready');
`;

async function startWorker(forever: boolean): Promise<Worker> {
  const file = Object.keys(require.cache).find((name) => name.endsWith('emu.node'));
  const worker = new Worker(workerSource, {eval: true, workerData: {file, forever}});
  await once(worker, 'message');
  return worker;
}

testNative('several JavaScript threads may compute at once', async () => {
  const workers = await Promise.all([startWorker(false), startWorker(false), startWorker(false)]);
  const answers = workers.map((worker) => once(worker, 'message'));
  for (const worker of workers) worker.postMessage('go');
  for (const answer of answers) assert.equal(await answer, ['done']);
  await Promise.all(workers.map((worker) => worker.terminate()));
});

testNative('cancel() stops what another thread computes, at once', async (addon) => {
  const worker = await startWorker(true);
  const answer = once(worker, 'message');
  worker.postMessage('go');
  await new Promise((resolve) => setTimeout(resolve, 50));
  const asked = performance.now();
  addon.cancel(true);
  try {
    assert.equal(await answer, ['cancelled']);
    // 0.1 s is what the command line promises; the rest is for a busy machine.
    assert.ok(performance.now() - asked < 1000);
    let code: unknown;
    try {
      multiply(addon, 64, 64, 64);
    } catch (error) {
      code = (error as {code: string}).code;
    }
    assert.is(code, 'cancelled');
  } finally {
    addon.cancel(false);
    await worker.terminate();
  }
  assert.is(multiply(addon, 2, 2, 2).length, 4);
});

test.run();
