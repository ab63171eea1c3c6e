// What NVIDIA's driver says of itself and of the devices, without loading anything of it.
import fs from 'node:fs/promises';
import path from 'node:path';
import {cudaVersion} from '../../kernels/tensorflow/layout.js';
import {run} from './run.js';

/** NVIDIA's oldest driver for Linux that runs programs of any CUDA 12. */
const oldestDriver = '525.60.13';

export interface NvidiaDevice {
  readonly name: string;
  /** As nvidia-smi says it: "24564 MiB". */
  readonly memory: string;
}

export interface Nvidia {
  /** The driver's version; undefined: none runs. */
  readonly driver?: string;
  readonly devices: readonly NvidiaDevice[];
  /** Why no program for CUDA can compute here, and the way out; undefined when one can. */
  readonly problem?: string;
}

/** Asks the driver in `proc`, else by nvidia-smi (as in WSL), and nvidia-smi for the devices. */
export async function findNvidia({
  proc = '/proc',
  smi = 'nvidia-smi',
}: {
  proc?: string;
  smi?: string;
} = {}): Promise<Nvidia> {
  const file = path.join(proc, 'driver', 'nvidia', 'version');
  const text = await fs.readFile(file, 'utf8').catch(() => '');
  const inKernel = /Kernel Module\s+(?:for \S+\s+)?(\d+(?:\.\d+)+)/.exec(text)?.[1];
  const query = ['--query-gpu=driver_version,memory.total,name', '--format=csv,noheader'];
  const {status, stdout, stderr} = await run(smi, query);
  const rows = status === 0 ? stdout.trim().split('\n').filter(Boolean) : [];
  const fields = rows.map((row) => row.split(/,\s*/));
  const devices = fields.map(([, memory = '?', ...name]) => ({name: name.join(', '), memory}));
  const driver = inKernel ?? fields[0]?.[0];
  if (!driver) {
    const wayOut = `install one, ${oldestDriver} or newer`;
    return {devices, problem: `no NVIDIA driver runs; ${wayOut}`};
  }
  if (isOlder(driver, oldestDriver)) {
    const needs = `CUDA ${cudaVersion} needs ${oldestDriver} or newer`;
    return {driver, devices, problem: `NVIDIA's driver ${driver} is too old, ${needs}; update it`};
  }
  if (status !== undefined && devices.length === 0) {
    const said = `${stdout}${stderr}`.trim().split('\n')[0] || `exit code ${status}`;
    const problem = `NVIDIA's driver ${driver} runs but shows no device (${smi}: ${said})`;
    return {driver, devices, problem: `${problem}; in a container, give it the GPU`};
  }
  return {driver, devices};
}

function isOlder(version: string, than: string): boolean {
  const [a, b] = [version, than].map((text) => text.split('.').map(Number));
  for (const [index, part] of b!.entries()) {
    const difference = (a![index] ?? 0) - part;
    if (difference !== 0) return difference < 0;
  }
  return false;
}
