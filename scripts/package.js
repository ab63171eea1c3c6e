// Makes what is installed by npm: release/emu-multimodal-VERSION.tgz, and the native addons of this
// machine's platform as a package of their own, release/emu-multimodal-PLATFORM-VERSION.tgz, which
// npm takes where it fits and leaves out elsewhere. `npm install -g release/*.tgz` installs both.
import {spawnSync} from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  linkSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import {fileURLToPath} from 'node:url';
import {setup} from './setup.js';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');
const release = path.join(root, 'release');
const staging = path.join(release, '.staging');
const own = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'));
const target = `${process.platform}-${process.arch}`;

/** Platforms that have a package; each is made by this script on such a machine. */
const platforms = {
  'linux-x64': {isTested: true, libc: ['glibc']},
  'linux-arm64': {isTested: false, libc: ['glibc']},
  'darwin-arm64': {isTested: false},
};
const packageName = (platform) => `@emu-multimodal/${platform}`;

function run(command, args, cwd) {
  const {status, stdout, stderr, error} = spawnSync(command, args, {
    cwd,
    encoding: 'utf8',
    maxBuffer: 64 << 20,
  });
  if (status === 0) return stdout;
  throw new Error(`${[command, ...args].join(' ')}: ${error?.message ?? stderr.trim()}`);
}

/** Puts a file of the repository into a package's folder. */
function stage(file, folder, name = file) {
  const copy = path.join(folder, name);
  mkdirSync(path.dirname(copy), {recursive: true});
  try {
    linkSync(path.join(root, file), copy);
  } catch {
    copyFileSync(path.join(root, file), copy); // another file system
  }
}

/** Packs a folder; returns the archive. */
function pack(folder, manifest) {
  writeFileSync(path.join(folder, 'package.json'), `${JSON.stringify(manifest, undefined, 2)}\n`);
  const [{filename}] = JSON.parse(
    run('npm', ['pack', '--json', '--pack-destination', release], folder),
  );
  const archive = path.join(release, filename);
  const megabytes = (statSync(archive).size / 1e6).toFixed(1);
  process.stdout.write(`${path.relative(process.cwd(), archive)}  ${megabytes} MB\n`);
}

/** emu without what only a clone needs. */
function packEmu() {
  const folder = path.join(staging, 'emu');
  const [{files}] = JSON.parse(run('npm', ['pack', '--dry-run', '--json'], root));
  for (const {path: file} of files) if (file !== 'package.json') stage(file, folder);
  const {devDependencies, scripts, ...manifest} = own;
  // Not in the repository's own package.json: `npm ci` would look for packages of this very version.
  const optionalDependencies = Object.fromEntries(
    Object.keys(platforms).map((platform) => [packageName(platform), own.version]),
  );
  pack(folder, {...manifest, optionalDependencies});
}

/** The addons that were built here. */
function packPlatform(platform) {
  const {isTested, libc} = platforms[platform];
  const folder = path.join(staging, 'platform');
  const build = path.join('build', platform);
  const addons = ['emu.node', 'emu-mpi.node'].filter((name) =>
    existsSync(path.join(root, build, name)),
  );
  for (const name of addons) stage(path.join(build, name), folder, name);
  for (const name of ['LICENSE', 'NOTICE']) stage(name, folder);
  const [os, cpu] = platform.split('-');
  const description = `The native addons of ${own.name} for ${platform}.${isTested ? '' : ' Untested.'}`;
  writeFileSync(
    path.join(folder, 'README.md'),
    `# ${packageName(platform)}\n\n${description} Installed with ${own.name}, which works without it, but slowly.\n`,
  );
  const {version, license, engines} = own;
  const manifest = {name: packageName(platform), version, description, license, engines};
  pack(folder, {
    ...manifest,
    os: [os],
    cpu: [cpu],
    ...(libc ? {libc} : {}),
    files: [...addons, 'NOTICE'],
  });
}

await setup();
rmSync(release, {recursive: true, force: true});
mkdirSync(staging, {recursive: true});
try {
  packEmu();
  const isBuilt = existsSync(path.join(root, 'build', target, 'emu.node'));
  if (platforms[target] && isBuilt) packPlatform(target);
  else process.stderr.write(`emu: no package of the native addon for ${target}\n`);
} finally {
  rmSync(staging, {recursive: true, force: true});
}
