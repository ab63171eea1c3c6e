// Makes a clone ready to run: npm packages, compiled TypeScript, native addon. Does only what is
// missing or out of date, and says on stderr what it does. Plain JavaScript: runs before anything is installed.
import {spawnSync} from 'node:child_process';
import {
  existsSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import {fileURLToPath} from 'node:url';
import {withLock} from './lock.js';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');
const dist = path.join(root, 'dist');
const builtStamp = path.join(dist, '.built');
const nativeFolder = path.join(root, 'build', `${process.platform}-${process.arch}`);
const nativeStamp = path.join(nativeFolder, '.checked');

function say(text) {
  process.stderr.write(`emu: ${text}\n`);
}

function run(what, command, args) {
  const result = spawnSync(command, args, {
    cwd: root,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
    maxBuffer: 64 << 20,
  });
  if (result.signal === 'SIGINT') process.exit(130);
  if (result.status !== 0) {
    process.stderr.write(`${result.stdout ?? ''}${result.stderr ?? ''}`);
    const reason = result.error?.message ?? result.signal ?? `exit code ${result.status}`;
    throw new Error(`${what} failed: \`${[command, ...args].join(' ')}\` (${reason})`);
  }
}

/** The `packages` of a package-lock file: path -> {version, optional}. */
function lockedPackages(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8')).packages ?? {};
  } catch {
    return undefined;
  }
}

/** True when every package of the lockfile is installed at its version; other systems' optional ones may lack. */
function packagesInstalled() {
  const wanted = lockedPackages(path.join(root, 'package-lock.json')) ?? {};
  const installed = lockedPackages(path.join(root, 'node_modules', '.package-lock.json'));
  if (!installed) return false;
  return Object.entries(wanted).every(
    ([name, {version, optional}]) =>
      name === '' || optional || installed[name]?.version === version,
  );
}

function installPackages() {
  say('installing npm packages (first run, about a minute)');
  // Versions and checksums are the lockfile's. `npm ci` refuses a lockfile that lacks other systems'
  // optional packages, which is what a registry leaves that does not carry them all.
  run('installing npm packages', 'npm', [
    'install',
    '--no-save',
    '--include=dev',
    '--include=optional',
    '--no-audit',
    '--no-fund',
  ]);
}

/** Every file and folder under `folder`; a folder's time changes when a file in it goes. */
function entries(folder) {
  return readdirSync(folder, {withFileTypes: true, recursive: true}).map((entry) => ({
    isFile: entry.isFile(),
    file: path.join(entry.parentPath ?? entry.path, entry.name),
  }));
}

/** When the newest of src/'s files that match, or any folder in it, changed. */
function newestSource(sources, pattern) {
  return Math.max(
    ...sources.filter(({isFile, file}) => !isFile || pattern.test(file)).map(({time}) => time),
  );
}

/** src/ with the time of each entry: one walk serves both kinds of source. */
function readSources() {
  return entries(path.join(root, 'src')).map((entry) => ({
    ...entry,
    time: statSync(entry.file).mtimeMs,
  }));
}

/** True when nothing of the named files, and nothing in src/ that matches, changed after the stamp. */
function isUpToDate(stamp, files, sources, pattern) {
  if (!existsSync(stamp)) return false;
  const {mtimeMs} = statSync(stamp);
  const times = files.map((file) => statSync(path.join(root, file)).mtimeMs);
  return Math.max(newestSource(sources, pattern), ...times) <= mtimeMs;
}

// A source that changes while it is being compiled is newer than the stamp: it is compiled again.
function writeStamp(file, started) {
  writeFileSync(file, '');
  utimesSync(file, started, started);
}

function typescriptBuilt(sources) {
  const files = ['package.json', 'tsconfig.json', 'tsconfig.build.json', 'scripts/manifest.js'];
  return isUpToDate(builtStamp, files, sources, /\.(tsx?|json)$/);
}

/** Removes compiled files whose source is gone: a deleted command would go on being listed. */
function pruneCompiled() {
  if (!existsSync(dist)) return;
  for (const {isFile, file} of entries(dist)) {
    const match = /^(.*?)(\.d\.ts|\.js)$/.exec(path.relative(dist, file));
    if (!isFile || !match) continue;
    const source = path.join(root, 'src', match[1]);
    if (!existsSync(`${source}.ts`) && !existsSync(`${source}.tsx`)) rmSync(file);
  }
}

function buildTypescript() {
  say('compiling TypeScript');
  const started = Date.now() / 1000;
  pruneCompiled();
  run('compiling TypeScript', process.execPath, [
    path.join(root, 'node_modules/typescript/bin/tsc'),
    '-p',
    'tsconfig.build.json',
  ]);
  run('writing the command manifest', process.execPath, ['scripts/manifest.js']);
  writeStamp(builtStamp, started);
}

function nativeBuilt(sources) {
  const hasOutcome = ['emu.node', 'problem.txt'].some((name) =>
    existsSync(path.join(nativeFolder, name)),
  );
  const files = ['scripts/build-native.js', 'scripts/find-mpi.js'];
  return hasOutcome && isUpToDate(nativeStamp, files, sources, /\.(cc|h|inl)$/);
}

/** Its own script decides what to compile and says why it can't; then emu runs on the reference backend. */
async function buildAddon() {
  const started = Date.now() / 1000;
  const {buildNative} = await import('./build-native.js');
  const {status} = await buildNative();
  // Without a compiler it is asked again each time: that is quick, and one may be installed meanwhile.
  if (status !== 'unavailable' && status !== 'prebuilt') writeStamp(nativeStamp, started);
}

/**
 * Brings the clone up to date; a few milliseconds when it is. One process at a time does the work,
 * the others wait for it. `isAskedFor`: also looks for what was installed on the machine since, a
 * compiler's new version or MPI.
 */
export async function setup({isAskedFor = false} = {}) {
  const isReady = (sources) => typescriptBuilt(sources) && nativeBuilt(sources) && !isAskedFor;
  if (packagesInstalled() && isReady(readSources())) return;
  await withLock(path.join(root, '.emu-cache', 'setup.lock'), say, async () => {
    if (!packagesInstalled()) installPackages();
    const sources = readSources();
    if (!typescriptBuilt(sources)) buildTypescript();
    if (isAskedFor || !nativeBuilt(sources)) await buildAddon();
  });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    await setup({isAskedFor: true});
  } catch (error) {
    say(error.message);
    process.exit(1);
  }
}
