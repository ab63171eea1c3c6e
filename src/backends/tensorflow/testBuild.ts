// Proves a TensorFlow by smokeChild.ts, in a process of its own: what cannot load may end it.
import path from 'node:path';
import {fileURLToPath} from 'node:url';
import {
  type Build,
  type TensorflowFiles,
  type Variant,
  withLibraries,
} from '../../kernels/tensorflow/layout.js';
import type {TensorflowInfo} from '../../kernels/tensorflow/loadTensorflow.js';
import {findNvidia} from './nvidia.js';
import {type Result, type RunOptions, runOrFail, tensorflowLine} from './run.js';

/** Tests a build over one of the two libtensorflow; says what it is, or throws InstallError. */
export type TestBuild = (
  build: Build,
  variant: Variant,
  options: RunOptions,
) => Promise<TensorflowInfo>;

export const testBuild: TestBuild = async (build, variant, options) => {
  const files = withLibraries(build, variant, 'notes');
  const {stdout, stderr} = await runChild(files, 'the build does not pass its test', options);
  const info = JSON.parse(stdout) as TensorflowInfo;
  if (variant === 'cpu' || info.device === 'gpu') return info;
  return {...info, reason: await whyNoGpu(stderr)};
};

/** Tests a package that was not built here. Throws InstallError. */
export async function testPackage(files: TensorflowFiles): Promise<TensorflowInfo> {
  const problem = `${files.packageFolder} does not pass its test`;
  return JSON.parse((await runChild(files, problem, {})).stdout) as TensorflowInfo;
}

function runChild(files: TensorflowFiles, problem: string, options: RunOptions): Promise<Result> {
  const own = fileURLToPath(import.meta.url);
  const script = path.join(path.dirname(own), `smokeChild${path.extname(own)}`);
  const args = [...process.execArgv, script, JSON.stringify(files)];
  return runOrFail(problem, process.execPath, args, options);
}

/** From the driver, else from what TensorFlow said. */
async function whyNoGpu(log: string): Promise<string> {
  const {driver, problem} = await findNvidia();
  if (problem) return problem;
  const lines = log.split('\n').filter((line) => !line.startsWith('I'));
  const said = lines.map((line) => tensorflowLine.exec(line)?.[1]);
  const about = said.find((text) => text && /gpu|cuda|cudnn/i.test(text)) ?? 'it does not say why';
  return `NVIDIA's driver ${driver} runs, but TensorFlow takes no device: ${about}`;
}
