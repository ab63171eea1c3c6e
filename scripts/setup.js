// Makes a clone ready to run: npm packages, compiled TypeScript, native addon. Does only what is
// missing or out of date, and says on stderr what it does. Plain JavaScript: runs before anything is installed.
import {spawnSync} from 'node:child_process';
import {existsSync, readdirSync, readFileSync, statSync, writeFileSync} from 'node:fs';
import path from 'node:path';
import {fileURLToPath} from 'node:url';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');

function say(text) {
  process.stderr.write(`emu: ${text}\n`);
}

function newestMtime(folder, extensions) {
  let newest = 0;
  for (const entry of readdirSync(folder, {withFileTypes: true, recursive: true})) {
    if (!entry.isFile() || !extensions.includes(path.extname(entry.name))) continue;
    newest = Math.max(
      newest,
      statSync(path.join(entry.parentPath ?? entry.path, entry.name)).mtimeMs,
    );
  }
  return newest;
}

function run(what, command, args) {
  const result = spawnSync(command, args, {
    cwd: root,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  if (result.status !== 0) {
    process.stderr.write(`${result.stdout ?? ''}${result.stderr ?? ''}`);
    throw new Error(
      `${what} failed: \`${command} ${args.join(' ')}\` (${result.error?.message ?? `exit code ${result.status}`})`,
    );
  }
}

/** True when npm packages are installed as the lockfile says. */
function packagesInstalled() {
  const stamp = path.join(root, 'node_modules', '.package-lock.json');
  const lock = path.join(root, 'package-lock.json');
  if (!existsSync(stamp)) return false;
  if (!existsSync(lock)) return true;
  const digest = readFileSync(lock, 'utf8');
  const seen = path.join(root, 'node_modules', '.emu-lock');
  return existsSync(seen) && readFileSync(seen, 'utf8') === digest;
}

function installPackages() {
  say('installing npm packages (first run, about a minute)');
  run('installing npm packages', 'npm', ['ci', '--no-audit', '--no-fund']);
  writeFileSync(
    path.join(root, 'node_modules', '.emu-lock'),
    readFileSync(path.join(root, 'package-lock.json'), 'utf8'),
  );
}

function typescriptBuilt() {
  const stamp = path.join(root, 'dist', '.built');
  return (
    existsSync(stamp) &&
    statSync(stamp).mtimeMs >= newestMtime(path.join(root, 'src'), ['.ts', '.tsx', '.json'])
  );
}

function buildTypescript() {
  say('compiling TypeScript');
  run('compiling TypeScript', process.execPath, [
    path.join(root, 'node_modules/typescript/bin/tsc'),
    '-p',
    'tsconfig.build.json',
  ]);
  run('writing the command manifest', process.execPath, ['scripts/manifest.js']);
  writeFileSync(path.join(root, 'dist', '.built'), '');
}

/**
 * Brings the clone up to date. The native addon's own script decides whether to build and says why
 * it can't; without an addon emu runs on the reference backend.
 */
export async function setup() {
  if (!packagesInstalled()) installPackages();
  if (!typescriptBuilt()) buildTypescript();
  const {buildNative} = await import('./build-native.js');
  await buildNative();
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    await setup();
  } catch (error) {
    say(error.message);
    process.exit(1);
  }
}
