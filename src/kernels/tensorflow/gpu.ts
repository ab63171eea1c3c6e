// The GPU that a process uses: one, even where there are several. What nvidia-smi says of them.
import {spawnSync} from 'node:child_process';

/** Runs nvidia-smi with these arguments: what it prints. Throws where it is missing or fails. */
export type NvidiaSmi = (args: readonly string[]) => string;

export const nvidiaSmi: NvidiaSmi = (args) => {
  const {error, status, stdout, stderr} = spawnSync('nvidia-smi', args, {
    encoding: 'utf8',
    timeout: 10_000,
  });
  if (error) throw error;
  if (status !== 0) throw new Error(`nvidia-smi: ${(stdout || stderr).trim().split('\n', 1)[0]}`);
  return stdout;
};

/**
 * The GPUs that CUDA would show to a process, by the names that CUDA_VISIBLE_DEVICES takes. Empty where there
 * are none, or nvidia-smi is not there to name them.
 */
export function visibleGpus(env: NodeJS.ProcessEnv, ask: NvidiaSmi = nvidiaSmi): string[] {
  const chosen = env.CUDA_VISIBLE_DEVICES;
  if (chosen !== undefined) {
    const names = chosen.split(',').map((name) => name.trim());
    const end = names.findIndex((name) => name === '' || name.startsWith('-')); // CUDA stops there
    return end < 0 ? names : names.slice(0, end);
  }
  let listed: string;
  try {
    listed = ask(['-L']);
  } catch {
    return [];
  }
  return gpusListed(listed);
}

/** Of what `nvidia-smi -L` prints, the UUIDs; of a GPU that is divided, those of its parts. */
function gpusListed(text: string): string[] {
  const found: string[][] = [];
  for (const line of text.split('\n')) {
    const [, kind, uuid] = /^\s*(GPU|MIG)\b.*\(UUID: ([^)]+)\)/.exec(line) ?? [];
    if (kind === 'GPU') found.push([uuid!]);
    else if (kind === 'MIG') found.at(-1)?.push(uuid!);
  }
  return found.flatMap(([gpu, ...parts]) => (parts.length > 0 ? parts : [gpu!]));
}

/** Which of a run's processes on this machine this one is, from 0, and how many they are. */
export interface LocalRank {
  readonly rank: number;
  readonly size: number;
}

/** As Open MPI's mpirun says, or MPICH's and Intel's; without one a process is alone. */
export function localRank(env: NodeJS.ProcessEnv): LocalRank {
  const rank = Number(env.OMPI_COMM_WORLD_LOCAL_RANK ?? env.MPI_LOCALRANKID ?? 0);
  const size = Number(env.OMPI_COMM_WORLD_LOCAL_SIZE ?? env.MPI_LOCALNRANKS ?? 1);
  return rank >= 0 && size > rank ? {rank, size} : {rank: 0, size: 1};
}

export interface GpuChoice {
  /** As CUDA_VISIBLE_DEVICES takes it. */
  readonly gpu: string;
  /** Processes of the run that use it, this one included. */
  readonly sharers: number;
}

/** Ranks take the GPUs in turn. Undefined where there are none. */
export function chooseGpu(gpus: readonly string[], {rank, size}: LocalRank): GpuChoice | undefined {
  if (gpus.length === 0) return undefined;
  const turn = rank % gpus.length;
  return {gpu: gpus[turn]!, sharers: Math.ceil((size - turn) / gpus.length)};
}

/** Bytes of a GPU's memory. */
export interface GpuMemory {
  readonly free: number;
  readonly total: number;
}

/** What a GPU has, or why that is not known. `gpu`: as CUDA_VISIBLE_DEVICES takes it; default: the first. */
export function gpuMemory(
  gpu: string | undefined,
  ask: NvidiaSmi = nvidiaSmi,
): GpuMemory | {readonly problem: string} {
  try {
    const text = ask([
      '--query-gpu=memory.free,memory.total',
      '--format=csv,noheader,nounits',
      ...(gpu === undefined ? [] : ['-i', gpu]),
    ]);
    const [free, total] = text.split('\n', 1)[0]!.split(',').map(Number);
    if (!(free! >= 0 && total! > 0)) return {problem: `nvidia-smi says '${text.trim()}'`};
    return {free: free! * 2 ** 20, total: total! * 2 ** 20}; // it counts in MiB
  } catch (error) {
    return {problem: (error as Error).message};
  }
}

/** What the first process of a run's on a machine says where not each has a GPU of its own. */
export function sharingNote(
  choice: GpuChoice | undefined,
  {rank, size}: LocalRank,
): string | undefined {
  if (rank > 0 || size === 1) return undefined;
  if (!choice)
    return `nvidia-smi does not tell the GPUs: all ${size} processes use the first; name them in CUDA_VISIBLE_DEVICES`;
  const {sharers} = choice;
  if (sharers === 1) return undefined;
  return `${sharers} processes share a GPU, each with its part of the memory: start no more than there are GPUs`;
}
