// `emu backend install` where it is killed, interrupted, out of space or run twice: without a network, by archives and
// programs made here (fakeInstall.ts).
import {spawn, spawnSync} from 'node:child_process';
import {cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync} from 'node:fs';
import path from 'node:path';
import {setTimeout} from 'node:timers/promises';
import {fileURLToPath} from 'node:url';
import {suite} from 'uvu';
import * as assert from 'uvu/assert';
import {install} from '../../src/backends/tensorflow/install.js';
import {InstallError} from '../../src/backends/tensorflow/run.js';
import type {TestBuild} from '../../src/backends/tensorflow/testBuild.js';
import {
  findTensorflow,
  libraryFolder,
  nvidiaFolder,
  tensorflowFolder,
  type Variant,
} from '../../src/kernels/tensorflow/layout.js';
import {finished, fixture, runEmu, startEmu} from '../cli/runEmu.js';
import {skip} from '../support/skip.js';
import {temporaryFolder} from '../support/temporary.js';
import {
  fakePlan,
  fakePrograms,
  type Hashes,
  passes,
  type Scripts,
  writeArchives,
} from './fakeInstall.js';

const test = suite('backends/install');
const folder = temporaryFolder();
const child = fileURLToPath(new URL('fakeInstall.ts', import.meta.url));
const archives = path.join(folder, 'archives');
const hashes = writeArchives(archives);
const log = path.join(folder, 'fetched');
const logged = () => readFileSync(log, 'utf8').trim().split('\n');
const programs = (name: string, scripts?: Scripts, from = archives) =>
  fakePrograms(path.join(folder, name), from, scripts);
const bin = programs('bin', {pip: `echo "$last" >>${log}; cp "$fetched" "$dest"`});

const quiet = {signal: new AbortController().signal, onProgress: () => {}};

/** Installs into `home` in this process. */
async function installHere(home: string, variant: Variant, change = {}, works = passes) {
  const before = {...process.env};
  Object.assign(process.env, {EMU_HOME: home, PATH: bin, CXX: path.join(bin, 'c++')});
  try {
    return await install({...fakePlan(variant, hashes), ...change}, quiet, works);
  } finally {
    process.env = before;
  }
}

/** What an emu with this home finds. */
function foundIn<T>(home: string, find: () => T): T {
  const before = process.env.EMU_HOME;
  process.env.EMU_HOME = home;
  try {
    return find();
  } finally {
    if (before === undefined) delete process.env.EMU_HOME;
    else process.env.EMU_HOME = before;
  }
}

const variantIn = (home: string) =>
  foundIn(home, () => {
    const found = findTensorflow();
    return 'build' in found ? found.installed.variant : found.problem;
  });

const leftIn = (home: string) =>
  readdirSync(path.join(home, 'backends', 'tensorflow')).filter(
    (name) => name.endsWith('.part') || name === 'lock',
  );

interface Child {
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
}

/** fakeInstall.ts in a process of its own; `before` are words of the command line. */
function inChild(
  home: string,
  programFolder: string,
  {stage = '', pins = hashes, before = []}: {stage?: string; pins?: Hashes; before?: string[]} = {},
): Promise<Child> {
  const hooks = ['--import', import.meta.resolve('tsx')];
  const [command, ...args] = [...before, process.execPath, ...hooks, child, JSON.stringify(pins)];
  const env = {
    ...process.env,
    EMU_HOME: home,
    PATH: programFolder,
    CXX: path.join(programFolder, 'c++'),
  };
  const started = spawn(command!, [...args, stage], {env, stdio: ['ignore', 'pipe', 'inherit']});
  let stdout = '';
  started.stdout.setEncoding('utf8').on('data', (text) => {
    stdout += text;
  });
  return new Promise((resolve) => {
    started.on('exit', (_, signal) => resolve({signal, stdout}));
  });
}

const installed = path.join(folder, 'installed');

test('a first installation, whose licences come along', async () => {
  const {variant, device} = await installHere(installed, 'cpu');
  assert.equal([variant, device], ['cpu', 'cpu']);
  foundIn(installed, () => {
    assert.equal(readdirSync(libraryFolder('cpu')).sort(), ['LICENSE', 'cc']);
    assert.equal(readdirSync(tensorflowFolder()).sort(), ['builds', 'libtensorflow-2.21.0']);
  });
  assert.is(variantIn(installed), 'cpu');
});

test('killed at any step: what was installed is in use, and the next run goes on', async () => {
  const stages: [stage: string, fetched: string[]][] = [
    ['downloading first', ['first==1', 'second==1']],
    ['unpacking first', ['first==1', 'second==1']],
    ['downloading second', ['second==1']],
    ['installing', []],
    ['compiling', []],
    ['testing', []],
  ];
  const homes = stages.map((_, index) => path.join(folder, `killed-${index}`));
  for (const home of homes) cpSync(installed, home, {recursive: true});
  const quietly = programs('quiet');
  const ends = await Promise.all(
    stages.map(([stage], index) => inChild(homes[index]!, quietly, {stage})),
  );
  for (const [index, [stage, fetched]] of stages.entries()) {
    const home = homes[index]!;
    assert.is(ends[index]!.signal, 'SIGKILL', stage);
    assert.is(variantIn(home), 'cpu', stage);
    assert.ok(leftIn(home).length > 0, stage);
    rmSync(log, {force: true});
    await installHere(home, 'gpu');
    assert.is(variantIn(home), 'gpu', stage);
    assert.equal(existsSync(log) ? logged() : [], fetched, stage);
    assert.equal(leftIn(home), [], stage);
    foundIn(home, () => assert.ok(existsSync(path.join(nvidiaFolder('cublas'), 'lib', 'so'))));
  }
});

test('a program that a killed emu has left running does not get in the way', async () => {
  const home = path.join(folder, 'orphan');
  const over = path.join(folder, 'over');
  const slow = `echo half >"$dest/half"; kill -9 $PPID; sleep 0.5; mkdir -p "$dest"; echo late >"$dest/late"; echo >${over}`;
  const {signal} = await inChild(home, programs('orphan-bin', {pip: slow}));
  assert.is(signal, 'SIGKILL');
  await installHere(home, 'gpu');
  assert.is(variantIn(home), 'gpu');
  while (!existsSync(over)) await setTimeout(50);
  await installHere(home, 'gpu', {hasBuild: true});
  assert.equal(leftIn(home), []);
});

test('the libraries lie side by side, and one that fails its test is not switched on', async () => {
  const home = path.join(folder, 'switched');
  cpSync(installed, home, {recursive: true});
  const fails: TestBuild = async (_, variant) => {
    if (variant === 'gpu') throw new InstallError('no such symbol');
    return passes(_, variant, {});
  };
  const failure = await installHere(home, 'gpu', {}, fails).catch((error: Error) => error);
  assert.match(String(failure), /no such symbol/);
  assert.is(variantIn(home), 'cpu');
  assert.equal(leftIn(home), []);
  rmSync(log, {force: true});
  for (const variant of ['gpu', 'cpu', 'gpu'] as const) {
    await installHere(home, variant, {hasBuild: true});
    assert.is(variantIn(home), variant);
  }
  assert.not(existsSync(log), 'nothing is fetched again');
});

/** The start of a command line whose EMU_HOME is a disk of so many kilobytes, in a world of its own. */
const smallDisk = (kilobytes: number) => [
  ...[
    '/bin/sh',
    '-c',
    'path=$PATH; PATH=/bin:/usr/bin:/sbin; exec unshare -Urm sh -c "$0" sh "$path" "$@"',
  ],
  `mount -t tmpfs -o size=${kilobytes}k none "$EMU_HOME" && PATH="$1" && shift && exec "$@"`,
];
const [shell, ...mount] = smallDisk(100);
const canMount =
  spawnSync(shell!, [...mount, '/bin/true'], {env: {...process.env, EMU_HOME: folder}}).status ===
  0;

if (!canMount) {
  skip(test, 'a disk that is full at each step', 'no file system can be mounted here');
} else {
  test('a disk that is full at each step: one line, and nothing is left', async () => {
    const fill = 'dd if=/dev/zero of=$out bs=64k count=64 2>&1 >/dev/null | grep -v records >&2;';
    const big = writeArchives(path.join(folder, 'big'), 300_000);
    const cases: [step: string, kilobytes: number, pins: Hashes, PATH: string, said: RegExp][] = [
      [
        'download',
        200,
        big,
        programs('full-1', {}, path.join(folder, 'big')),
        /^first==1 could not be downloaded \(python3: the disk is full/,
      ],
      [
        'unpack',
        500,
        big,
        programs('full-2', {}, path.join(folder, 'big')),
        /backends\/tensorflow: the disk is full; make room or/,
      ],
      [
        'npm',
        500,
        hashes,
        programs('full-3', {npm: `out=x; ${fill} exit 1`}),
        /^@tensorflow\/tfjs-node-gpu could not be installed \(npm: the disk is full/,
      ],
      [
        'compile',
        500,
        hashes,
        programs('full-4', {compiler: `${fill} exit 1`}),
        /does not compile \(c\+\+: the disk is full/,
      ],
    ];
    await Promise.all(
      cases.map(async ([step, kilobytes, pins, PATH, said]) => {
        const home = path.join(folder, `full-${step}`);
        mkdirSync(home);
        const {stdout} = await inChild(home, PATH, {pins, before: smallDisk(kilobytes)});
        const result = JSON.parse(stdout) as {said: string; left: string[]};
        assert.match(result.said, said, step);
        assert.not.match(result.said, /\n/);
        const complete = result.left.filter((name) => !/^(builds$|libtensorflow)/.test(name));
        assert.equal(complete, [], step);
      }),
    );
  });
}

const CTRL_C = 'Ctrl-C ends it with one line and leaves nothing; a second one meanwhile is refused';
if (process.platform !== 'linux' || process.arch !== 'x64')
  skip(test, CTRL_C, 'TensorFlow is fetched for Linux on x64 only');
else
  test(CTRL_C, async () => {
    const home = path.join(folder, 'interrupted');
    const mark = path.join(folder, 'downloading');
    const PATH = programs('slow-bin', {pip: `echo half >"$dest/half"; echo $$ >${mark}; sleep 60`});
    const env = {EMU_HOME: home, PATH, CXX: path.join(PATH, 'c++')};
    const args = ['backend', 'install', 'tensorflow'];
    const first = startEmu(args, {env});
    const end = finished(first);
    while (!existsSync(mark) || !readFileSync(mark, 'utf8')) {
      assert.is(first.exitCode, null, 'it ended before it downloaded');
      await setTimeout(50);
    }
    const second = await runEmu([...args, '--quiet'], {env});
    assert.is(second.code, 1);
    assert.is(
      second.stderr,
      `emu: another emu (process ${first.pid}) is installing or removing this; wait for it\n`,
    );
    assert.ok(leftIn(home).length > 0);
    first.kill('SIGINT');
    const {code, stdout, stderr} = await end;
    assert.equal([code, stdout], [130, '']);
    assert.match(stderr, /\nemu: stopped; the same command goes on from what is complete\n$/);
    assert.equal(readdirSync(path.join(home, 'backends', 'tensorflow')), ['builds']);
    // Gone, or dead and not yet collected: of such a process the command line is empty.
    const commandLine = `/proc/${readFileSync(mark, 'utf8').trim()}/cmdline`;
    assert.is(existsSync(commandLine) ? readFileSync(commandLine, 'utf8') : '', '');
    const caption = await runEmu(
      ['caption', fixture('cat.jpg'), '--backend', 'native', '--max-tokens', '3', '--greedy'],
      {env: {EMU_HOME: home}},
    );
    assert.is(caption.code, 0, caption.stderr);
  });

test.run();
