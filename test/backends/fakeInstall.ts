// An installation with archives, npm and a compiler that are made here: what it does to the disk, without a network.
//   fakeInstall.ts HASHES [STAGE]   installs the GPU's variant into EMU_HOME, and kills itself at a stage;
// prints what it says of itself, or its failure, and what lies in the folder afterwards, as JSON.
import {createHash} from 'node:crypto';
import {chmodSync, existsSync, mkdirSync, readdirSync, symlinkSync, writeFileSync} from 'node:fs';
import path from 'node:path';
import {fileURLToPath} from 'node:url';
import type {Archive} from '../../src/backends/tensorflow/archive.js';
import {install} from '../../src/backends/tensorflow/install.js';
import type {InstallPlan} from '../../src/backends/tensorflow/plan.js';
import type {TestBuild} from '../../src/backends/tensorflow/testBuild.js';
import {
  libraryFolder,
  nvidiaFolder,
  tensorflowFolder,
  type Variant,
} from '../../src/kernels/tensorflow/layout.js';
import {zipOf} from '../support/zip.js';

/** A folder of programs that stands for PATH: node of this machine, and shell scripts. */
export function programsIn(bin: string, scripts: Readonly<Record<string, string>>): string {
  mkdirSync(bin, {recursive: true});
  for (const [name, script] of Object.entries(scripts)) {
    writeFileSync(path.join(bin, name), `#!/bin/sh\n${script}\n`);
    chmodSync(path.join(bin, name), 0o755);
  }
  if (!existsSync(path.join(bin, 'node'))) symlinkSync(process.execPath, path.join(bin, 'node'));
  return bin;
}

/** What the fake programs do that install; `$dest`, `$out` and `$fetched` are what their names say. */
export interface Scripts {
  readonly pip?: string;
  readonly npm?: string;
  readonly compiler?: string;
}

const PACKAGE = 'node_modules/@tensorflow/tfjs-node-gpu/binding';

/** python3 fetches what lies in `folder`, npm makes the package, c++ makes what -o names. */
export function fakePrograms(bin: string, folder: string, scripts: Scripts = {}): string {
  const {pip = 'cp "$fetched" "$dest"', npm = `mkdir -p ${PACKAGE}; : >${PACKAGE}/a.cc`} = scripts;
  const {compiler = 'echo made >"$out"'} = scripts;
  return programsIn(bin, {
    python3: `PATH=/bin:/usr/bin
case "$*" in *download*) ;; *) echo pip 1; exit;; esac
for one; do test "$last" = --dest && dest="$one"; last="$one"; done
fetched=$(echo ${folder}/"\${last%%==*}"-*.whl)
${pip}`,
    npm: `PATH=/bin:/usr/bin; if [ "$1" = --version ]; then echo 1; exit; fi; ${npm}`,
    'c++': `PATH=/bin:/usr/bin; for one; do test "$last" = -o && out="$one"; last="$one"; done; ${compiler}`,
  });
}

const contents = (bytes: number) =>
  createHash('shake256', {outputLength: bytes}).update('x').digest();

export type Hashes = Readonly<Record<string, string>>;

/** Writes the two archives of the GPU's variant, of which the first holds so many bytes, and gives their hashes. */
export function writeArchives(folder: string, bytes = 1000): Hashes {
  mkdirSync(folder, {recursive: true});
  const archives = {
    first: zipOf({cc: contents(bytes), 'x/LICENSE': 'free'}),
    second: zipOf({'y/lib/so': 'second'}),
  };
  const hashes: Record<string, string> = {};
  for (const [name, archive] of Object.entries(archives)) {
    writeFileSync(path.join(folder, `${name}-1-py3-none-any.whl`), archive);
    hashes[name] = createHash('sha256').update(archive).digest('hex');
  }
  return hashes;
}

/** The plan that fetches what is missing of them, and compiles in any case. */
export function fakePlan(variant: Variant, sha256: Hashes): InstallPlan {
  const archive = (name: string, folder: string, files: Record<string, string>): Archive => ({
    ...{source: 'pypi', requirement: `${name}==1`, name: `${name}-1-py3-none-any.whl`},
    ...{size: 1000, unpackedSize: 1000, sha256: sha256[name]!, folder, files, licence: 'free'},
  });
  const archives = [
    archive('first', libraryFolder(variant), {cc: 'cc', 'x/LICENSE': 'LICENSE'}),
    archive('second', nvidiaFolder('cublas'), {'y/lib/so': 'lib/so'}),
  ];
  return {
    ...{version: '2.21.0', variant, folder: tensorflowFolder(), hasBuild: false, compiler: 'c++'},
    ...{download: 0, size: 0, space: 0, installed: undefined},
    archives: archives
      .slice(0, variant === 'gpu' ? 2 : 1)
      .filter(({folder}) => !existsSync(folder)),
  };
}

/** Takes every build to work, on the CPU. */
export const passes: TestBuild = async () => ({
  version: '2.21.0',
  device: 'cpu',
  hasBf16: false,
  threads: 1,
});

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [, , hashes, stage] = process.argv;
  const plan = fakePlan('gpu', JSON.parse(hashes!) as Hashes);
  const onProgress = (now: string) => {
    if (stage && now.startsWith(stage)) process.kill(process.pid, 'SIGKILL');
  };
  const {signal} = new AbortController();
  const said = await install(plan, {signal, onProgress}, passes).catch(
    (error: Error) => error.message,
  );
  const left = readdirSync(tensorflowFolder(), {recursive: true}).sort();
  process.stdout.write(JSON.stringify({said, left}));
}
