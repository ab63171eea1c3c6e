// What `emu doctor` and `emu backend list` say about TensorFlow and GPUs: what is there, which backend `auto` takes and
// why not the other, and the command that would mend it.
import {spawnSync} from 'node:child_process';
import {existsSync, statfsSync} from 'node:fs';
import path from 'node:path';
import {findCompiler} from '../../scripts/build-native.js';
import {archivesOf} from '../backends/tensorflow/archives.js';
import {findFetcher} from '../backends/tensorflow/fetch.js';
import type {Nvidia} from '../backends/tensorflow/nvidia.js';
import {checkSystem, glibcVersion} from '../backends/tensorflow/plan.js';
import {run} from '../backends/tensorflow/run.js';
import {testPackage} from '../backends/tensorflow/testBuild.js';
import {gigabytes} from '../gigabytes.js';
import {
  cudaVersion,
  findTensorflow,
  type InstalledTensorflow,
  nvidiaFolder,
  type TensorflowFiles,
  type Variant,
} from '../kernels/tensorflow/layout.js';
import {findStockPackage} from '../kernels/tensorflow/stockPackage.js';
import {dataFolder} from '../userFolders.js';
import type {BackendReport, ProgramReport} from './reports.js';

export interface AutoReport {
  /** What --backend auto takes. */
  readonly backend: string;
  /** Why not another. */
  readonly reason: string;
}

const install = (variant: Variant) =>
  `run \`emu backend install tensorflow${variant === 'gpu' ? ' --gpu' : ''}\``;

/** As its own test found it when it was installed: loading it here would take half a second and 0.4 GB. */
export async function tensorflowReport(
  nvidia: Nvidia,
  found = findTensorflow(),
  stock = findStockPackage(),
): Promise<BackendReport> {
  const name = 'tensorflow';
  if ('problem' in found) {
    if (stock) return stockReport(stock);
    // For a GPU the same command with --gpu.
    const reason = nvidia.problem
      ? found.problem
      : found.problem.replace(install('cpu'), install('gpu'));
    return {name, available: false, reason};
  }
  const {version, device} = found.installed;
  const hint = hintFor(found.installed, nvidia);
  return {name, available: true, version, device, ...(hint ? {hint} : {})};
}

/** A package that was not built here is tested now. Throws InstallError. */
async function stockReport(files: TensorflowFiles): Promise<BackendReport> {
  const {version, device} = await testPackage(files);
  const hint = `that of ${files.packageFolder}, without emu's ops; ${install('cpu')} for these`;
  return {name: 'tensorflow', available: true, version, device, hint};
}

/** What keeps it from a GPU that is here, or was asked for. */
function hintFor({variant, device, reason}: InstalledTensorflow, nvidia: Nvidia) {
  if (variant === 'cpu')
    return nvidia.problem ? undefined : `there is a GPU; ${install('gpu')} to use it`;
  if (nvidia.problem) return `no GPU: ${nvidia.problem}`;
  if (device === 'gpu') return undefined;
  return `when it was tested there was no GPU (${reason}); ${install('gpu')} again`;
}

/** From what the backends say of themselves. */
export function autoReport(backends: readonly BackendReport[], nvidia: Nvidia): AutoReport {
  const of = (name: string) => backends.find((one) => one.name === name)!;
  const [native, tensorflow] = [of('native'), of('tensorflow')];
  if (tensorflow.available && tensorflow.device === 'gpu')
    return {
      backend: 'tensorflow',
      reason: nvidia.problem
        ? `it had a GPU when it was installed; ${install('gpu')} again, which asks anew`
        : 'it has a GPU',
    };
  if (!native.available)
    return {backend: 'reference', reason: `native cannot load: ${native.reason}`};
  // What would mend it stands with tensorflow.
  const reason = nvidia.problem
    ? 'there is no GPU for tensorflow, and on a CPU native is faster'
    : 'tensorflow does not use the GPU yet';
  return {backend: 'native', reason};
}

/** The driver and its devices. */
export function gpuReport({driver, devices, problem}: Nvidia): ProgramReport {
  const names = devices.map(({name, memory}) => `${name} (${memory})`).join(', ');
  const version = [names, driver && `driver ${driver}`].filter(Boolean).join(', ');
  return {
    available: !problem,
    ...(version ? {version} : {}),
    ...(problem ? {reason: problem} : {}),
  };
}

/** The first and the last library that TensorFlow asks for. */
const cudaLibraries = ['libcudart.so.12', 'libcudnn.so.9'];

/** NVIDIA's libraries: those of the installation, else the system's. */
export function cudaReport(nvidia: Nvidia): ProgramReport {
  const isInstalled = archivesOf('gpu', 'pypi').every(({folder}) => existsSync(folder));
  if (isInstalled)
    return {
      available: true,
      version: `CUDA ${cudaVersion} with cuDNN 9`,
      path: path.dirname(nvidiaFolder('cudnn')),
    };
  const {stdout} = spawnSync('ldconfig', ['-p'], {
    encoding: 'utf8',
    env: {...process.env, PATH: `${process.env.PATH ?? ''}:/sbin:/usr/sbin`},
  });
  const missing = cudaLibraries.filter((name) => !stdout?.includes(`${name} `));
  if (missing.length === 0)
    return {available: true, version: cudaLibraries.join(', '), origin: 'this system'};
  const reason = nvidia.problem
    ? 'not installed, and not needed without a GPU'
    : `neither installed nor on this system (${missing.join(', ')}); ${install('gpu')}`;
  return {available: false, reason};
}

/** What an installation needs of this machine. */
export async function toolsReport(): Promise<ProgramReport> {
  const [npm, pip] = await Promise.all([run('npm', ['--version']), findFetcher('pypi')]);
  // It would take a second to ask for its version.
  const folders = (process.env.PATH ?? '').split(path.delimiter);
  const maven = folders.some((folder) => folder && existsSync(path.join(folder, 'mvn')));
  const compiler = findCompiler();
  const glibc = glibcVersion();
  const free = freeSpace();
  const here = [
    compiler,
    npm.status === 0 ? `npm ${npm.stdout.trim()}` : undefined,
    ...[pip?.version, maven ? 'Maven' : undefined],
    glibc ? `glibc ${glibc}` : undefined,
    free === undefined ? undefined : `${gigabytes(free)} of disk free`,
  ].filter((one) => one !== undefined);
  const problems = [
    systemProblem(),
    compiler ? undefined : 'no C++ compiler, `apt-get install g++`',
    npm.status === 0 ? undefined : 'no npm, `apt-get install npm`',
    pip || maven ? undefined : 'neither pip nor Maven, `apt-get install python3-pip`',
    free !== undefined && free < LEAST_SPACE
      ? `${gigabytes(LEAST_SPACE)} of disk are needed, make room or set EMU_HOME to another disk`
      : undefined,
  ].filter((one) => one !== undefined);
  const version = here.join(', ');
  if (problems.length === 0) return {available: true, version};
  return {available: false, version, reason: problems.join('; ')};
}

/** Bytes: what TensorFlow for the CPU takes while it is installed. */
const LEAST_SPACE = 1_500_000_000;

/** Bytes, where the data folder is or is to be. */
function freeSpace(): number | undefined {
  for (let folder = dataFolder(); ; folder = path.dirname(folder)) {
    if (existsSync(folder)) {
      const {bavail, bsize} = statfsSync(folder);
      return bavail * bsize;
    }
    if (folder === path.dirname(folder)) return undefined;
  }
}

function systemProblem(): string | undefined {
  try {
    checkSystem();
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}
