// numpy's matrix product as a peer, in a process that stays ready between measurements.
import {type ChildProcessWithoutNullStreams, spawn} from 'node:child_process';
import {createInterface, type Interface} from 'node:readline';

const program = `
import json, sys, time
import numpy as np
try:
    import threadpoolctl
    pools = [f"{p.get('internal_api')} {p.get('version')} {p.get('architecture', '')} {p.get('num_threads')} threads"
             for p in threadpoolctl.threadpool_info()]
except ImportError:
    pools = ['threadpoolctl is missing: kernel unknown']
print(json.dumps(f"numpy {np.__version__}, {'; '.join(pools)}"), flush=True)
arrays = {}
for line in sys.stdin:
    m, n, k, clock = json.loads(line)
    now = time.process_time if clock == 'processor' else time.perf_counter
    if (m, n, k) not in arrays:
        r = np.random.default_rng(1)
        arrays = {(m, n, k): (r.random((m, k), np.float32), r.random((n, k), np.float32))}
    a, b = arrays[m, n, k]
    start = now()
    np.matmul(a, b.T)
    print(now() - start, flush=True)
`;

/** numpy of the Python named by EMU_PYTHON, or of python3. */
export class NumpyPeer {
  private readonly child: ChildProcessWithoutNullStreams;
  private readonly lines: AsyncIterator<string>;
  private readonly reader: Interface;

  constructor(threads: number) {
    const env: NodeJS.ProcessEnv = {...process.env, OPENBLAS_NUM_THREADS: String(threads)};
    // A forced kernel would make the comparison unfair.
    delete env.OPENBLAS_CORETYPE;
    delete env.OPENBLAS_L2_SIZE;
    this.child = spawn(process.env.EMU_PYTHON ?? 'python3', ['-c', program], {env});
    this.child.on('error', () => undefined);
    this.child.stderr.pipe(process.stderr);
    this.reader = createInterface({input: this.child.stdout});
    this.lines = this.reader[Symbol.asyncIterator]();
  }

  /** What it is and which kernels it runs; undefined when there is no numpy. */
  async describe(): Promise<string | undefined> {
    const {value, done} = await this.lines.next();
    return done ? undefined : (JSON.parse(value) as string);
  }

  /** Seconds of one product [m, k] x [n, k]ᵀ in float32. */
  async multiply(m: number, n: number, k: number, clock: 'wall' | 'processor'): Promise<number> {
    this.child.stdin.write(`${JSON.stringify([m, n, k, clock])}\n`);
    const {value} = await this.lines.next();
    return Number(value);
  }

  close(): void {
    this.reader.close();
    this.child.kill();
  }
}
