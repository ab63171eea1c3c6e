// What `emu doctor` says of TensorFlow on machines with and without a GPU: drivers and nvidia-smi are made here.
import {mkdirSync, writeFileSync} from 'node:fs';
import path from 'node:path';
import {suite} from 'uvu';
import * as assert from 'uvu/assert';
import {findNvidia} from '../../src/backends/tensorflow/nvidia.js';
import type {BackendReport} from '../../src/cli/reports.js';
import {
  autoReport,
  cudaReport,
  gpuReport,
  tensorflowReport,
} from '../../src/cli/tensorflowReport.js';
import type {findTensorflow, InstalledTensorflow} from '../../src/kernels/tensorflow/layout.js';
import {programsIn} from '../backends/fakeInstall.js';
import {temporaryFolder} from '../support/temporary.js';

const test = suite('cli/tensorflowReport');
const folder = temporaryFolder();
const none = path.join(folder, 'none');

/** A root of /proc with such a driver. */
function proc(name: string, version: string): string {
  const driver = path.join(folder, name, 'driver', 'nvidia');
  mkdirSync(driver, {recursive: true});
  writeFileSync(
    path.join(driver, 'version'),
    `NVRM version: NVIDIA UNIX ${version}\nGCC version:\n`,
  );
  return path.join(folder, name);
}

function smi(name: string, script: string): string {
  return path.join(programsIn(path.join(folder, name), {'nvidia-smi': script}), 'nvidia-smi');
}

const closed = proc('closed', 'x86_64 Kernel Module  535.129.03  Thu Oct 19 18:56:32 UTC 2023');
const open = proc('open', 'Open Kernel Module for x86_64  570.86.15  Release Build  (a@b)  Thu');
const old = proc('old', 'x86_64 Kernel Module  470.256.02  Thu May  2 14:37:44 UTC 2024');
const ada = smi('ada', 'echo "535.129.03, 24564 MiB, NVIDIA GeForce RTX 4090"');
const empty = smi('empty', 'echo "No devices were found"; exit 6');

test('the driver and its devices, from /proc and from nvidia-smi', async () => {
  const device = {name: 'NVIDIA GeForce RTX 4090', memory: '24564 MiB'};
  assert.equal(await findNvidia({proc: closed, smi: ada}), {
    driver: '535.129.03',
    devices: [device],
  });
  // Without /proc, as in WSL; without nvidia-smi, as in a small container.
  assert.is((await findNvidia({proc: none, smi: ada})).driver, '535.129.03');
  assert.equal(await findNvidia({proc: open, smi: none}), {driver: '570.86.15', devices: []});
});

test('why there is no GPU: no driver, one that is too old, no device', async () => {
  const problem = async (root: string, program: string) =>
    (await findNvidia({proc: root, smi: program})).problem ?? '';
  assert.match(await problem(none, none), /^no NVIDIA driver runs; install one, 525\.60\.13 or/);
  assert.match(
    await problem(old, none),
    /driver 470\.256\.02 is too old, CUDA 12\.9 needs 525\.60\.13 or newer; update it$/,
  );
  assert.match(
    await problem(closed, empty),
    /driver 535\.129\.03 runs but shows no device \(.*: No devices were found\); in a container,/,
  );
});

type Found = ReturnType<typeof findTensorflow>;
const installed = (values: Partial<InstalledTensorflow>): Found =>
  ({build: {}, installed: {version: '2.21.0', variant: 'cpu', device: 'cpu', ...values}}) as Found;

test('which backend auto takes, why not the other, and what would mend it', async () => {
  const gpu = await findNvidia({proc: closed, smi: ada});
  const cpu = await findNvidia({proc: none, smi: none});
  const absent = {problem: 'it is not installed; run `emu backend install tensorflow`'};
  const native: BackendReport = {name: 'native', available: true};
  const auto = (tensorflow: BackendReport, nvidia = gpu, other = native) =>
    autoReport([other, tensorflow], nvidia);

  const [here, plain] = [await tensorflowReport(gpu, absent), await tensorflowReport(cpu, absent)];
  assert.is(here.reason, 'it is not installed; run `emu backend install tensorflow --gpu`');
  assert.is(plain.reason, absent.problem);
  assert.equal(auto(here), {backend: 'native', reason: 'tensorflow does not use the GPU yet'});
  assert.match(auto(plain, cpu).reason, /^there is no GPU for tensorflow, and on a CPU native/);

  const onCpu = await tensorflowReport(gpu, installed({}));
  assert.is(onCpu.hint, 'there is a GPU; run `emu backend install tensorflow --gpu` to use it');
  assert.is((await tensorflowReport(cpu, installed({}))).hint, undefined);
  assert.is(auto(onCpu).backend, 'native');

  const without = installed({variant: 'gpu', reason: 'no NVIDIA driver runs'});
  assert.match(
    (await tensorflowReport(cpu, without)).hint ?? '',
    /^no GPU: no NVIDIA driver runs; install one/,
  );
  assert.match(
    (await tensorflowReport(gpu, without)).hint ?? '',
    /\(no NVIDIA driver runs\); run .* --gpu` again/,
  );

  const onGpu = await tensorflowReport(gpu, installed({variant: 'gpu', device: 'gpu'}));
  assert.is(onGpu.hint, undefined);
  assert.equal(auto(onGpu), {backend: 'tensorflow', reason: 'it has a GPU'});
  assert.match(auto(onGpu, cpu).reason, /^it had a GPU when it was installed; run/);
  const broken = {name: 'native', available: false, reason: 'no addon'};
  assert.is(auto(plain, cpu, broken).backend, 'reference');
});

test('the devices and the libraries as doctor shows them', async () => {
  const gpu = await findNvidia({proc: closed, smi: ada});
  assert.equal(gpuReport(gpu), {
    available: true,
    version: 'NVIDIA GeForce RTX 4090 (24564 MiB), driver 535.129.03',
  });
  const tooOld = gpuReport(await findNvidia({proc: old, smi: none}));
  assert.equal([tooOld.available, tooOld.version], [false, 'driver 470.256.02']);
  const before = process.env.EMU_HOME;
  process.env.EMU_HOME = none;
  try {
    const cuda = cudaReport(gpu);
    // Either this system has CUDA 12 or it is told how to get it.
    if (!cuda.available)
      assert.match(
        cuda.reason ?? '',
        /^neither installed nor .*; run `emu backend install .* --gpu`$/,
      );
    else assert.is(cuda.origin, 'this system');
  } finally {
    if (before === undefined) delete process.env.EMU_HOME;
    else process.env.EMU_HOME = before;
  }
});

test.run();
