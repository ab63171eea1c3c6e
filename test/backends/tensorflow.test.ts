// `emu backend`: what an installation refuses and leaves behind, without a network. What is installed is tested
// by every test that runs on each backend (test/support/backends.ts).
import {chmodSync, existsSync, mkdirSync, readdirSync, symlinkSync, writeFileSync} from 'node:fs';
import path from 'node:path';
import {suite} from 'uvu';
import * as assert from 'uvu/assert';
import tf from '#tfjs';
import {install} from '../../src/backends/tensorflow/install.js';
import {checkSystem, planInstall} from '../../src/backends/tensorflow/plan.js';
import {availableBackends, selectBackend} from '../../src/kernels/backend.js';
import {rmsNorm} from '../../src/kernels/index.js';
import {
  findTensorflow,
  libraryFolder,
  tensorflowFolder,
} from '../../src/kernels/tensorflow/layout.js';
import type {TensorflowBackend} from '../../src/kernels/tensorflow/tensorflowBackend.js';
import {fixture, runEmu} from '../cli/runEmu.js';
import {skip} from '../support/skip.js';
import {temporaryFolder} from '../support/temporary.js';

const test = suite('backends/tensorflow');
const folder = temporaryFolder();
const isX64Linux = process.platform === 'linux' && process.arch === 'x64';

/** A folder of programs that stands for PATH: node and npm of this machine, a compiler, and `programs`. */
function pathWith(name: string, programs: Record<string, string> = {}): string {
  const bin = path.join(folder, name);
  mkdirSync(bin);
  const all = {npm: 'echo 10', 'c++': 'exit 1', ...programs};
  for (const [program, script] of Object.entries(all)) {
    if (script === '') continue;
    writeFileSync(path.join(bin, program), `#!/bin/sh\n${script}\n`);
    chmodSync(path.join(bin, program), 0o755);
  }
  symlinkSync(process.execPath, path.join(bin, 'node'));
  return bin;
}

/** Runs `body` with these variables. */
async function withEnvironment<T>(env: NodeJS.ProcessEnv, body: () => Promise<T>): Promise<T> {
  const before = {...process.env};
  Object.assign(process.env, env);
  try {
    return await body();
  } finally {
    process.env = before;
  }
}

async function failure(body: () => Promise<unknown>): Promise<string> {
  try {
    await body();
  } catch (error) {
    return (error as Error).message;
  }
  return 'no error';
}

const quiet = {signal: new AbortController().signal, onProgress: () => {}};
const installAll = async () => install(await planInstall({from: 'pypi'}), quiet);

test('a system that TensorFlow does not run on is refused with what it is', () => {
  checkSystem('linux', 'x64', '2.36');
  assert.throws(() => checkSystem('darwin', 'arm64', '2.36'), /Linux on x64 only.*darwin on arm64/);
  assert.throws(() => checkSystem('linux', 'x64', '2.17'), /glibc 2\.27 or newer.*has 2\.17/);
  assert.throws(() => checkSystem('linux', 'x64', null), /another C library/);
});

if (isX64Linux) {
  test('what the machine lacks is said before anything is fetched', async () => {
    const env = {EMU_HOME: path.join(folder, 'lacking')};
    const pip = {python3: 'exit 0'};
    for (const [name, programs, said] of [
      ['no-compiler', {...pip, 'c++': ''}, /^no C\+\+ compiler/],
      ['no-pip', {}, /^no pip: .*--from maven$/],
      ['no-npm', {...pip, npm: 'echo broken >&2; exit 1'}, /^npm does not run \(broken\)/],
    ] as const) {
      const PATH = pathWith(name, programs);
      const problem = await withEnvironment({...env, PATH}, () => failure(installAll));
      assert.match(problem, said);
    }
    assert.not(existsSync(env.EMU_HOME));
  });

  test('a failed fetch is one line, and nothing is left of it', async () => {
    // The last argument but one of pip download is --abi=cp311; its folder follows --dest.
    const fetch = (script: string) =>
      `case "$*" in *download*) while [ "$1" != --dest ]; do shift; done; ${script};; esac`;
    const wheel = 'tensorflow_cpu-2.21.0-cp311-cp311-manylinux_2_27_x86_64.whl';
    for (const [name, script, said] of [
      ['offline', 'echo "NewConnectionError: x" >&2; exit 1', /pip|python3: no network/],
      ['full', 'echo "OSError: [Errno 28] No space left on device" >&2; exit 1', /disk is full/],
      ['nothing', 'exit 0', /expected tensorflow_cpu.* it is not there/],
      ['wrong', `echo no wheel > "$2/${wheel}"`, /expected SHA-256 2b847d21.*, got [0-9a-f]{64};/],
    ] as const) {
      const env = {
        PATH: pathWith(name, {python3: fetch(script)}),
        EMU_HOME: path.join(folder, 'h'),
      };
      await withEnvironment(env, async () => {
        // As a killed installation leaves it.
        mkdirSync(`${libraryFolder('cpu')}.99.part/download`, {recursive: true});
        const problem = await failure(installAll);
        assert.match(problem, said);
        assert.not.match(problem, /\n/);
        assert.equal(readdirSync(tensorflowFolder()), ['builds'], name);
      });
    }
  });

  test('a build that fails leaves nothing that could be used', async () => {
    for (const [name, npm, said] of [
      ['no-registry', 'echo 10; [ "$1" = --version ]', /could not be installed \(npm: 10\)$/],
      [
        'changed',
        'if [ "$1" = --version ]; then echo 10; else echo "npm error code EINTEGRITY" >&2; exit 1; fi',
        /could not be installed \(npm: what it was given has not the pinned hash; nothing of it/,
      ],
    ] as const) {
      const env = {
        PATH: pathWith(name, {python3: 'exit 0', npm}),
        EMU_HOME: path.join(folder, name),
      };
      await withEnvironment(env, async () => {
        mkdirSync(libraryFolder('cpu'), {recursive: true});
        assert.match(await failure(installAll), said);
        assert.equal(readdirSync(path.join(tensorflowFolder(), 'builds')), []);
        assert.ok('problem' in findTensorflow());
        assert.not(availableBackends().includes('tensorflow'));
      });
    }
  });
}

test('as a person runs it where it is not installed', async () => {
  const env = {EMU_HOME: path.join(folder, 'person')};
  const [caption, list, remove, dry] = await Promise.all([
    runEmu(['caption', fixture('cat.jpg'), '--backend', 'tensorflow'], {env}),
    runEmu(['backend', 'list', '--json'], {env}),
    runEmu(['backend', 'remove', 'tensorflow', '--yes'], {env}),
    runEmu(['backend', 'install', 'tensorflow', '--dry-run'], {env}),
  ]);
  assert.is(caption.code, 2);
  assert.is(
    caption.stderr,
    "emu: backend 'tensorflow': it is not installed; run `emu backend install tensorflow`, or use --backend native\n",
  );
  const {backends} = JSON.parse(list.stdout);
  const tensorflow = backends.find(({name}: {name: string}) => name === 'tensorflow');
  assert.match(tensorflow.reason, /^it is not installed; run/);
  assert.is(remove.code, 1);
  assert.match(remove.stderr, /^emu: tensorflow is not installed: there is no .*\n$/);
  // What it says depends on the machine; it does nothing in any case.
  if (dry.code === 0)
    assert.match(dry.stdout, /TensorFlow 2\.21\.0.*\n.*\n.*\nlicences: Apache-2\.0/);
  else assert.match(dry.stderr, /^emu: .*\n$/);
  assert.not(existsSync(env.EMU_HOME));
});

const found = findTensorflow();
if ('problem' in found) {
  skip(test, 'every test that runs on each backend runs on tensorflow', found.problem);
} else {
  test('20 forward and backward passes leave as many tensors, in TensorFlow too', () => {
    selectBackend({backend: 'tensorflow'});
    const {binding} = tf.backend() as TensorflowBackend;
    const x = tf.ones([4, 512]);
    const weight = tf.ones([512]);
    const gradients = tf.grads((...[a, b]: tf.Tensor[]) => rmsNorm(a!, b! as tf.Tensor1D));
    const held = () => [tf.memory().numTensors, binding.getNumOfTensors()];
    tf.tidy(() => void gradients([x, weight]));
    const before = held();
    for (let i = 0; i < 20; i++) tf.tidy(() => void gradients([x, weight]));
    assert.equal(held(), before);
    tf.dispose([x, weight]);
  });

  test("a tfjs-node-gpu of a person's own is used as it is, without our ops", async () => {
    // The build's package stands for one: with TensorFlow in the library path it needs nothing of emu's.
    const env = {
      EMU_HOME: path.join(folder, 'stock'),
      NODE_PATH: path.join(found.build.folder, 'node_modules'),
    };
    const libraries = {LD_LIBRARY_PATH: libraryFolder(found.installed.variant)};
    const args = ['caption', fixture('cat.jpg'), '--greedy', '--max-tokens', '4', '--backend'];
    const [stock, native, broken] = await Promise.all([
      runEmu([...args, 'tensorflow'], {env: {...env, ...libraries}}),
      runEmu([...args, 'native']),
      runEmu([...args, 'tensorflow'], {env}),
    ]);
    assert.equal([stock.code, stock.stdout], [0, native.stdout]);
    assert.match(
      stock.stderr,
      /emu: running on the tensorflow backend: TensorFlow 2\.21\.0 of .*, as it is: without emu's/,
    );
    assert.is(broken.code, 1);
    assert.match(
      broken.stderr,
      /^emu: backend 'tensorflow': .* does not load \(libtensorflow.*\); run `emu backend install/,
    );
  });

  test("what an op refuses is an exception; round keeps int32's numbers", () => {
    selectBackend({backend: 'tensorflow'});
    tf.tidy(() => {
      const inputs = {x: tf.ones([2, 8]), weight: tf.ones([7])};
      const run = () => tf.engine().runKernel('EmuRmsNorm', inputs, {eps: 1e-6});
      assert.throws(run, /expected a weight as long as x's last dimension/);
      const numbers = tf.tensor1d([-3, 0, 7], 'int32');
      assert.equal([...tf.round(numbers).dataSync()], [-3, 0, 7]);
      assert.equal([...tf.round(tf.tensor1d([-1.6, 2.4])).dataSync()], [-2, 2]);
    });
  });
}

test.run();
