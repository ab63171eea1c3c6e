// Builds the C++ addons: build/<platform>-<arch>/emu.node, and emu-mpi.node where MPI is installed.
// Plain JavaScript, no node-gyp, no make: one compiler run per object, only for what changed. Sources
// of emu.node are all *.cc below src/kernels, except those of src/kernels/tensorflow, which
// src/backends/tensorflow/compile.ts builds; of emu-mpi.node, src/train/mpi/mpi.cc.
//   name.cc          compiled once, without ISA flags
//   name.simd.cc     compiled once per ISA (EMU_ISA = scalar, avx2, avx512)
//   name.avx2.cc     compiled for that ISA only (likewise .avx512.cc, .avx512bf16.cc)
import {spawn} from 'node:child_process';
import {createHash} from 'node:crypto';
import fs from 'node:fs';
import {createRequire} from 'node:module';
import os from 'node:os';
import path from 'node:path';
import {fileURLToPath} from 'node:url';
import {findMpi} from './find-mpi.js';
import {withLock} from './lock.js';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');
const sourceFolder = path.join(root, 'src', 'kernels');
const target = `${process.platform}-${process.arch}`;
const outFolder = path.join(root, 'build', target);
const problemFile = path.join(outFolder, 'problem.txt');
const mpiProblemFile = path.join(outFolder, 'mpi-problem.txt');
const manifestFile = path.join(outFolder, 'manifest.json');
const require = createRequire(import.meta.url);
// An installed package has no setup.
const isClone = fs.existsSync(path.join(root, 'tsconfig.build.json'));
const again = isClone ? 'npm run setup' : `node ${fileURLToPath(import.meta.url)}`;

// A compiler takes up to 300 MB.
const JOBS = Math.min(8, Math.max(2, os.availableParallelism()));
// -ffp-contract=fast lets a*b+c become one FMA; no -ffast-math: sums keep their order, NaN works.
export const COMMON_FLAGS = [
  '-std=c++17',
  '-O3',
  '-fPIC',
  '-fno-math-errno',
  '-ffp-contract=fast',
  '-fvisibility=hidden',
  '-Wall',
  '-Wextra',
  '-DNAPI_VERSION=8',
  '-pthread',
];
const AVX2_FLAGS = ['-mavx2', '-mfma', '-mf16c', '-mbmi2'];
// g++ 12 warns of uninitialized values inside its own AVX-512 headers.
const AVX512_FLAGS = [
  ...AVX2_FLAGS,
  '-mavx512f',
  '-mavx512bw',
  '-mavx512vl',
  '-mavx512dq',
  '-mprefer-vector-width=512',
  '-Wno-maybe-uninitialized',
  '-Wno-uninitialized',
];
const ISA_FLAGS = {
  scalar: [],
  avx2: AVX2_FLAGS,
  avx512: AVX512_FLAGS,
  avx512bf16: [...AVX512_FLAGS, '-mavx512bf16'],
};
// Those that a *.simd.cc is compiled for: avx512bf16 adds a few kernels of its own.
const SIMD_ISAS = process.arch === 'x64' ? ['scalar', 'avx2', 'avx512'] : ['scalar'];
const ISAS = process.arch === 'x64' ? [...SIMD_ISAS, 'avx512bf16'] : SIMD_ISAS;

function sha(...parts) {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part).update('\0');
  return hash.digest('hex');
}

/** The full path of the compiler to use, or undefined. `CXX` decides when it is set. */
export function findCompiler() {
  const candidates = process.env.CXX ? [process.env.CXX] : ['c++', 'g++', 'clang++'];
  for (const candidate of candidates) {
    if (path.isAbsolute(candidate)) {
      if (fs.existsSync(candidate)) return candidate;
      continue;
    }
    for (const folder of (process.env.PATH ?? '').split(path.delimiter)) {
      const file = path.join(folder, candidate);
      if (folder && fs.existsSync(file)) return file;
    }
  }
  return undefined;
}

/** Tells one compiler from another without starting it. */
export function compilerIdentity(compiler) {
  const file = fs.realpathSync(compiler);
  const {size, mtimeMs} = fs.statSync(file);
  return `${file} ${size} ${mtimeMs}`;
}

/** What a source is compiled for, by its name; undefined: once, without ISA flags. */
export function isasOf(file) {
  const suffix = /\.([a-z0-9]+)\.cc$/.exec(file)?.[1];
  if (suffix === 'simd') return SIMD_ISAS;
  return suffix in ISA_FLAGS ? ISAS.filter((isa) => isa === suffix) : [undefined];
}

export function isaFlagsOf(isa) {
  return [...ISA_FLAGS[isa], `-DEMU_ISA=${isa}`];
}

/** Every object to compile: {source, object, flags}, paths relative to the repository. */
function planObjects(includeFolder) {
  const sources = fs
    .readdirSync(sourceFolder, {recursive: true})
    .map(String)
    .filter((file) => file.endsWith('.cc') && !file.startsWith(`tensorflow${path.sep}`))
    .sort();
  const objects = [];
  for (const file of sources) {
    for (const isa of isasOf(file)) {
      const isaFlags = isa ? isaFlagsOf(isa) : [];
      objects.push({
        source: path.join('src', 'kernels', file),
        object: path.join(
          'obj',
          `${file.replaceAll(path.sep, '-').slice(0, -3)}.${isa ?? 'any'}.o`,
        ),
        flags: [...COMMON_FLAGS, `-isystem${includeFolder}`, ...isaFlags],
      });
    }
  }
  return objects;
}

/** The addon of src/train/mpi: its calls are unpacked by the same code as the kernels'. */
function planMpi(includeFolder, kernels, mpi) {
  const bindingSource = path.join('src', 'kernels', 'native', 'binding.cc');
  const binding = kernels.find(({source}) => source === bindingSource);
  const own = {
    source: path.join('src', 'train', 'mpi', 'mpi.cc'),
    object: path.join('obj', 'train-mpi-mpi.any.o'),
    flags: [...COMMON_FLAGS, '-DOMPI_SKIP_MPICXX', `-isystem${includeFolder}`, ...mpi.compile],
  };
  return {name: 'emu-mpi', objects: [binding, own], libraries: mpi.link};
}

const contentHashes = new Map();
function contentHash(file) {
  let hash = contentHashes.get(file);
  if (hash === undefined) {
    try {
      hash = sha(fs.readFileSync(path.join(root, file)));
    } catch {
      hash = 'missing';
    }
    contentHashes.set(file, hash);
  }
  return hash;
}

function isCurrent(item, known, identity) {
  return (
    known !== undefined &&
    known.command === sha(identity, item.source, ...item.flags) &&
    fs.existsSync(path.join(outFolder, item.object)) &&
    Object.entries(known.files).every(([file, hash]) => contentHash(file) === hash)
  );
}

/** The repository's files named in a make-style dependency file. */
function readDependencies(file) {
  return fs
    .readFileSync(file, 'utf8')
    .replaceAll('\\\n', ' ')
    .replace(/^[^:]*:/, '')
    .split(/\s+/)
    .filter((name) => name !== '')
    .map((name) => path.relative(root, path.resolve(root, name)))
    .filter((name) => name.startsWith('src'));
}

function run(command, args) {
  return new Promise((resolve) => {
    const child = spawn(command, args, {cwd: root, stdio: ['ignore', 'pipe', 'pipe']});
    let output = '';
    child.stdout.on('data', (chunk) => {
      output += chunk;
    });
    child.stderr.on('data', (chunk) => {
      output += chunk;
    });
    child.on('error', (error) => resolve({ok: false, output: error.message}));
    child.on('close', (code) => resolve({ok: code === 0, output}));
  });
}

async function compile(compiler, identity, item) {
  const object = path.join(outFolder, item.object);
  const temporary = `${object}.${process.pid}`;
  const result = await run(compiler, [
    ...item.flags,
    '-MMD',
    '-MF',
    `${temporary}.d`,
    '-c',
    item.source,
    '-o',
    temporary,
  ]);
  if (!result.ok) {
    fs.rmSync(`${temporary}.d`, {force: true});
    throw new Error(`${item.source} does not compile:\n${result.output}`);
  }
  if (result.output) process.stderr.write(result.output);
  const files = Object.fromEntries(
    readDependencies(`${temporary}.d`).map((file) => [file, contentHash(file)]),
  );
  fs.rmSync(`${temporary}.d`);
  fs.renameSync(temporary, object);
  return {command: sha(identity, item.source, ...item.flags), files};
}

async function link(compiler, {name, objects, libraries}) {
  const temporary = path.join(outFolder, `${name}.node.${process.pid}`);
  const shared =
    process.platform === 'darwin' ? ['-bundle', '-undefined', 'dynamic_lookup'] : ['-shared'];
  const result = await run(compiler, [
    ...shared,
    '-pthread',
    '-o',
    temporary,
    ...objects.map((item) => path.join(outFolder, item.object)),
    ...libraries,
  ]);
  if (!result.ok) throw new Error(`linking the addon ${name} failed:\n${result.output}`);
  fs.renameSync(temporary, path.join(outFolder, `${name}.node`));
}

function readManifest() {
  try {
    return {links: {}, ...JSON.parse(fs.readFileSync(manifestFile, 'utf8'))};
  } catch {
    return {objects: {}, links: {}};
  }
}

function writeAtomically(file, text) {
  fs.writeFileSync(`${file}.${process.pid}`, text);
  fs.renameSync(`${file}.${process.pid}`, file);
}

/** Compiles and links what changed of one addon; true if anything did. */
async function buildAddon(addon, manifest, compiler, identity, say) {
  const {name, objects, libraries} = addon;
  const stale = objects.filter((item) => !isCurrent(item, manifest.objects[item.object], identity));
  const linked = sha(...objects.map((item) => item.object), ...libraries);
  const isLinked =
    manifest.links[name] === linked && fs.existsSync(path.join(outFolder, `${name}.node`));
  if (stale.length === 0 && isLinked) return false;
  if (stale.length > 0) say(`compiling the native addon ${name} (${stale.length} files)`);
  fs.mkdirSync(path.join(outFolder, 'obj'), {recursive: true});
  delete manifest.links[name];
  const queue = [...stale];
  const failures = [];
  await Promise.all(
    Array.from({length: JOBS}, async () => {
      for (let item = queue.shift(); item; item = queue.shift()) {
        try {
          manifest.objects[item.object] = await compile(compiler, identity, item);
        } catch (error) {
          failures.push(error);
          queue.length = 0;
        }
      }
    }),
  );
  if (failures.length === 0) {
    await link(compiler, addon);
    manifest.links[name] = linked;
  }
  writeAtomically(manifestFile, JSON.stringify(manifest));
  if (failures.length > 0) throw failures[0];
  return true;
}

/** Forgets objects whose source is gone. */
function prune(manifest, objects) {
  const names = new Set(objects.map((item) => item.object));
  for (const name of Object.keys(manifest.objects)) {
    if (names.has(name)) continue;
    fs.rmSync(path.join(outFolder, name), {force: true});
    delete manifest.objects[name];
  }
}

async function buildChanged(compiler, includeFolder, say) {
  return withLock(path.join(outFolder, 'lock'), say, async () => {
    contentHashes.clear();
    const identity = compilerIdentity(compiler);
    const manifest = readManifest();
    const build = (addon) => buildAddon(addon, manifest, compiler, identity, say);
    const kernels = planObjects(includeFolder);
    const mpi = findMpi();
    const mpiAddon = mpi.reason ? undefined : planMpi(includeFolder, kernels, mpi);
    prune(manifest, [...kernels, ...(mpiAddon?.objects ?? [])]);
    const hasChanged = await build({name: 'emu', objects: kernels, libraries: []});
    fs.rmSync(problemFile, {force: true});
    let mpiProblem = mpi.reason;
    if (mpiAddon) {
      try {
        await build(mpiAddon);
      } catch (error) {
        // Everything but training on several machines works without it.
        process.stderr.write(`emu: MPI addon not built: ${error.message}\n`);
        mpiProblem = 'the MPI addon does not compile; see `npm run build:native`';
      }
    }
    if (mpiProblem === undefined) fs.rmSync(mpiProblemFile, {force: true});
    else writeAtomically(mpiProblemFile, mpiProblem);
    return hasChanged ? 'built' : 'current';
  });
}

/**
 * Builds what changed. `status`: 'current' nothing to do, 'built', 'prebuilt' a platform package has
 * the addon, 'unavailable' no compiler, 'failed' it does not compile; the last two leave their
 * reason in build/<platform>-<arch>/problem.txt, where addonProblem() of src/kernels/native/addon.ts
 * finds it, and emu runs on the reference backend. The MPI addon does not count: why it is missing
 * stands in mpi-problem.txt.
 */
export async function buildNative({quiet = false} = {}) {
  const say = (text) => {
    if (!quiet) process.stderr.write(`emu: ${text}\n`);
  };
  try {
    require.resolve(`@emu-multimodal/${target}/emu.node`);
    return {status: 'prebuilt'};
  } catch {
    // No platform package: build here.
  }
  fs.mkdirSync(outFolder, {recursive: true});
  const giveUp = (status, reason) => {
    writeAtomically(problemFile, reason);
    return {status, reason};
  };
  if (process.platform === 'win32') {
    return giveUp('unavailable', 'the native addon is not built on Windows; run emu inside WSL');
  }
  const compiler = findCompiler();
  if (!compiler) {
    const reason = process.env.CXX
      ? `the C++ compiler CXX=${process.env.CXX} does not exist`
      : `no C++ compiler (c++, g++ or clang++) is installed; install one and run \`${again}\``;
    const isNews = !fs.existsSync(problemFile) || fs.readFileSync(problemFile, 'utf8') !== reason;
    if (isNews) say(`native addon not built: ${reason}`);
    return giveUp('unavailable', reason);
  }
  let includeFolder;
  try {
    includeFolder = path.join(
      path.dirname(require.resolve('node-api-headers/package.json')),
      'include',
    );
  } catch {
    return giveUp('unavailable', 'the npm package node-api-headers is missing; run `npm ci`');
  }
  try {
    return {status: await buildChanged(compiler, includeFolder, say)};
  } catch (error) {
    process.stderr.write(`emu: native addon not built: ${error.message}\n`);
    return giveUp('failed', error.message.split('\n', 1)[0]);
  }
}

if (process.argv[1] && path.resolve(process.argv[1]) === fileURLToPath(import.meta.url)) {
  try {
    const {status} = await buildNative();
    if (status === 'failed' || status === 'unavailable') process.exitCode = 1;
  } catch (error) {
    process.stderr.write(`emu: native addon not built: ${error.message}\n`);
    process.exitCode = 1;
  }
}
