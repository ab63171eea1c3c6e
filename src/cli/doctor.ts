// What `emu doctor` finds out. Every part stands alone: one that fails says why, and the others go on.
import {spawnSync} from 'node:child_process';
import {existsSync, readFileSync} from 'node:fs';
import {createRequire} from 'node:module';
import os from 'node:os';
import path from 'node:path';
import type {FfmpegLocation} from '../data/ffmpeg.js';
import {availableMemory} from '../weights/memory.js';
import type {BackendReport, ProgramReport} from './reports.js';
import {oneLine} from './errors.js';
import type {ListedModel} from './models.js';

export interface Machine {
  readonly system: string;
  readonly cpu: string;
  /** Cores that this process may use. */
  readonly cores: number;
  /** Bytes. */
  readonly memory: number;
  readonly freeMemory: number;
}

/** The processor's abilities that kernels are, or will be, written for, in /proc/cpuinfo's words. */
const knownFeatures = [
  ...['sse4_2', 'avx', 'avx2', 'fma', 'f16c'],
  ...['avx512f', 'avx512bw', 'avx512vl', 'avx512_vnni', 'avx512_bf16', 'avx512_fp16', 'avx_vnni'],
  ...['amx_tile', 'amx_int8', 'amx_bf16', 'asimd', 'asimdhp', 'asimddp', 'sve', 'bf16', 'i8mm'],
];

const message = (error: unknown) =>
  oneLine(error instanceof Error ? error.message.split('\n', 1)[0]! : String(error));

export function machine(): Machine {
  return {
    system: `${os.type()} ${os.release()} ${os.arch()}`,
    cpu: os.cpus()[0]?.model.trim() ?? 'unknown',
    cores: os.availableParallelism(),
    memory: os.totalmem(),
    freeMemory: availableMemory(),
  };
}

/** Of the abilities that matter to kernels, those this processor has; empty where /proc is missing. */
export function cpuFeatures(): string[] {
  try {
    const flags = /^(?:flags|Features)\s*:\s*(.*)$/m.exec(readFileSync('/proc/cpuinfo', 'utf8'));
    const present = new Set(flags?.[1]?.split(' '));
    return knownFeatures.filter((feature) => present.has(feature));
  } catch {
    return [];
  }
}

function nativeReport(): Promise<BackendReport> {
  return orProblem('native', async () => {
    const {addonProblem, loadAddon} = await import('../kernels/native/addon.js');
    const addon = loadAddon();
    if (!addon) return {name: 'native', available: false, reason: addonProblem() ?? 'unknown'};
    const isas = addon.isas();
    const compute = isas.includes('avx512bf16') ? (['f32', 'bf16'] as const) : (['f32'] as const);
    return {name: 'native', available: true, isas, compute};
  });
}

function referenceReport(): Promise<BackendReport> {
  return orProblem('reference', async () => {
    await import('@tensorflow/tfjs');
    return {name: 'reference', available: true};
  });
}

async function orProblem(
  name: string,
  report: () => BackendReport | Promise<BackendReport>,
): Promise<BackendReport> {
  try {
    return await report();
  } catch (error) {
    return {name, available: false, reason: message(error)};
  }
}

/** The backends, whether they load, why one can't, and which one `auto` takes; what a GPU needs. */
export async function backends() {
  const {findNvidia} = await import('../backends/tensorflow/nvidia.js');
  const reports = await import('./tensorflowReport.js');
  const nvidia = await findNvidia();
  const found = [
    await nativeReport(),
    await orProblem('tensorflow', () => reports.tensorflowReport(nvidia)),
    await referenceReport(),
  ];
  return {
    backends: found,
    auto: reports.autoReport(found, nvidia),
    gpu: reports.gpuReport(nvidia),
    cuda: reports.cudaReport(nvidia),
  };
}

/** What `emu backend install` needs. */
export async function tools(): Promise<ProgramReport> {
  const {toolsReport} = await import('./tensorflowReport.js');
  return toolsReport();
}

/** The first line that a program prints about itself. */
function firstLine(program: string, args: string[]): string {
  const {error, status, stdout, stderr} = spawnSync(program, args, {
    encoding: 'utf8',
    timeout: 10_000,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  if (error) throw error;
  const [line = ''] = (stdout || stderr).split('\n', 1);
  if (status !== 0) throw new Error(`exit code ${status}: ${line}`);
  return line;
}

export async function ffmpeg(): Promise<ProgramReport> {
  let found: FfmpegLocation | undefined;
  try {
    const {findFfmpeg} = await import('../data/ffmpeg.js');
    found = findFfmpeg();
    const line = firstLine(found.path, ['-version']);
    const version = /^ffmpeg version (\S+)/.exec(line)?.[1] ?? line;
    return {available: true, version, ...found};
  } catch (error) {
    return {available: false, ...found, reason: message(error)};
  }
}

export async function mpi(): Promise<ProgramReport> {
  const folders = (process.env.PATH ?? '').split(path.delimiter).filter((folder) => folder !== '');
  const program = folders
    .map((folder) => path.join(folder, 'mpirun'))
    .find((file) => existsSync(file));
  if (!program)
    return {
      available: false,
      reason:
        'mpirun is not in PATH; `apt-get install openmpi-bin libopenmpi-dev`, then `npm run setup`',
    };
  try {
    const {libraryName, loadMpi} = await import('../train/mpi/addon.js');
    const addon = loadMpi();
    if ('problem' in addon) return {available: false, path: program, reason: addon.problem};
    return {available: true, path: program, version: libraryName(addon)};
  } catch (error) {
    return {available: false, path: program, reason: message(error)};
  }
}

/** sharp reads the pictures; its binary is a package of its own for each system. */
export function sharp(): ProgramReport {
  try {
    const {versions} = createRequire(import.meta.url)('sharp') as {
      versions: {sharp?: string; vips: string};
    };
    return {available: true, version: `${versions.sharp ?? '?'} (libvips ${versions.vips})`};
  } catch (error) {
    return {available: false, reason: message(error)};
  }
}

/** The models that --model knows, or why they can't be listed (a broken settings file, say). */
export async function models(
  configDir: string,
): Promise<{models: ListedModel[]; modelsProblem?: string}> {
  try {
    const {listModels} = await import('./models.js');
    return {models: listModels(configDir)};
  } catch (error) {
    return {models: [], modelsProblem: message(error)};
  }
}
