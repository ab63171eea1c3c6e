// What an installation of the backend `tensorflow` takes, and whether this machine can do it.
import {findCompiler} from '../../../scripts/build-native.js';
import {
  findTensorflow,
  ownBuild,
  packageName,
  packageVersion,
  tensorflowFolder,
  tensorflowVersion,
  type Variant,
} from '../../kernels/tensorflow/layout.js';
import {type Archive, type Source, sources} from './archive.js';
import {archivesOf} from './archives.js';
import {findFetcher, missingTools} from './fetch.js';
import {exists} from './files.js';
import {InstallError, run} from './run.js';

/** Bytes: the package with its binding and our ops, and what npm and the compiler write meanwhile. */
const buildSize = 6_000_000;
const buildSpace = 30_000_000;
/** The oldest glibc that the archives are built for. */
const oldestGlibc = '2.27';

/** What an installation takes, found out before anything is fetched. */
export interface InstallPlan {
  readonly version: string;
  readonly variant: Variant;
  readonly folder: string;
  /** What is to be fetched: what is not here yet. */
  readonly archives: readonly Archive[];
  /** Whether the package, its binding and our ops are here. */
  readonly hasBuild: boolean;
  /** What is to compile them; undefined where nothing is to be compiled. */
  readonly compiler: string | undefined;
  /** Bytes to fetch of the archives. */
  readonly download: number;
  /** Bytes that come to stay on the disk, and those that are needed meanwhile. */
  readonly size: number;
  readonly space: number;
  /** What is in use now, if anything. */
  readonly installed: Variant | undefined;
}

/** Throws InstallError for a system on which TensorFlow's libraries cannot run. */
export function checkSystem(
  platform: string = process.platform,
  arch: string = process.arch,
  glibc: string | null = glibcVersion(),
): void {
  if (platform !== 'linux' || arch !== 'x64')
    throw new InstallError(
      `TensorFlow is fetched for Linux on x64 only, this is ${platform} on ${arch}; use --backend native`,
    );
  if (glibc === null)
    throw new InstallError(
      `TensorFlow needs glibc ${oldestGlibc} or newer, this system has another C library; use --backend native`,
    );
  const [major = 0, minor = 0] = glibc.split('.').map(Number);
  const [oldMajor = 0, oldMinor = 0] = oldestGlibc.split('.').map(Number);
  if (major < oldMajor || (major === oldMajor && minor < oldMinor))
    throw new InstallError(
      `TensorFlow needs glibc ${oldestGlibc} or newer, this system has ${glibc}; use --backend native or a newer system`,
    );
}

/** null: another C library. */
export function glibcVersion(): string | null {
  const {header} = process.report.getReport() as {header?: {glibcVersionRuntime?: string}};
  return header?.glibcVersionRuntime ?? null;
}

/** Checks what can be checked without a network. Throws InstallError with the way out. */
export async function planInstall({
  variant = 'cpu',
  from,
}: {
  variant?: Variant;
  from?: Source | undefined;
} = {}): Promise<InstallPlan> {
  checkSystem();
  const hasBuild = await exists(ownBuild().marker);
  const compiler = hasBuild ? undefined : await requireBuildTools();
  const found = findTensorflow();
  const missing: Archive[] = [];
  // Either source unpacks libtensorflow into the same folder.
  for (const archive of archivesOf(variant, from ?? 'pypi'))
    if (!(await exists(archive.folder))) missing.push(archive);
  const archives = await fetchable(missing, variant, from);
  const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
  const unpacked = sum(archives.map(({unpackedSize}) => unpackedSize));
  // An archive goes when it is unpacked; pip holds the one it fetches twice for a moment.
  const largest = Math.max(0, ...archives.map(({size}) => 2 * size));
  return {
    version: tensorflowVersion,
    variant,
    folder: tensorflowFolder(),
    archives,
    hasBuild,
    compiler,
    download: sum(archives.map(({size}) => size)),
    size: unpacked + (hasBuild ? 0 : buildSize),
    space: unpacked + largest + (hasBuild ? 0 : buildSpace),
    installed: 'build' in found ? found.installed.variant : undefined,
  };
}

/** The compiler, where npm is here too. Throws InstallError. */
export async function requireBuildTools(): Promise<string> {
  const compiler = findCompiler();
  if (!compiler) {
    const tried = process.env.CXX ? `CXX=${process.env.CXX}` : 'c++, g++, clang++';
    throw new InstallError(`no C++ compiler (${tried}); install one, for example g++`);
  }
  const npm = await run('npm', ['--version']);
  if (npm.status !== 0)
    throw new InstallError(`npm does not run (${npm.stderr.trim()}); install it`);
  return compiler;
}

/** What is missing, libtensorflow from the source that was asked for or the first whose tool is here. */
async function fetchable(
  missing: readonly Archive[],
  variant: Variant,
  from: Source | undefined,
): Promise<Archive[]> {
  if (missing.length === 0) return [];
  const present = new Map<Source, boolean>();
  for (const source of sources) present.set(source, Boolean(await findFetcher(source)));
  const folders = new Set(missing.map(({folder}) => folder));
  for (const source of from ? [from] : sources) {
    const archives = archivesOf(variant, source).filter(({folder}) => folders.has(folder));
    if (archives.every((archive) => present.get(archive.source))) return archives;
  }
  if (variant === 'gpu' && !present.get('pypi'))
    throw new InstallError(
      "no pip: `python3 -m pip` does not run; NVIDIA's libraries come by pip only, install Python 3 with pip",
    );
  throw new InstallError(
    from ? missingTools[from] : 'neither pip nor Maven runs; install Python 3 with pip, or Maven',
  );
}

const mb = (bytes: number) => `${(bytes / 1e6).toFixed(0)} MB`;

/** What is said before: sizes, licences, places. */
export function describePlan(plan: InstallPlan): string[] {
  const {archives, compiler, folder, size, space, variant, version} = plan;
  const target = variant === 'gpu' ? "NVIDIA's GPUs (CUDA)" : 'the CPU';
  const licences = ['Apache-2.0 (TensorFlow, tfjs)', ...nvidiaLicences(archives)];
  return [
    `TensorFlow ${version} for ${target}: ${archives.length === 0 ? 'here already' : `${mb(plan.download)} to fetch`}`,
    ...archives.map(
      ({source, requirement, size, sha256}) =>
        `  by ${source === 'pypi' ? 'pip' : 'Maven'}: ${requirement}, ${mb(size)}, SHA-256 ${sha256.slice(0, 16)}…`,
    ),
    compiler
      ? `${packageName} ${packageVersion} by npm, 1 MB (its install script does not run); its binding and emu's ops are compiled here by ${compiler}`
      : `${packageName} ${packageVersion}, its binding and emu's ops: here already`,
    `licences: ${licences.join('; ')}; the texts come with the libraries`,
    space > 0
      ? `${mb(size)} in ${folder}; ${mb(space)} while it is installed`
      : 'it is tested again and switched on',
  ];
}

/** In words that say what installing means. */
function nvidiaLicences(archives: readonly Archive[]): string[] {
  const names = new Set(archives.map(({licence}) => licence));
  names.delete('Apache-2.0');
  if (names.size === 0) return [];
  return [
    `NVIDIA's libraries are not free software: whoever installs them accepts ${[...names].join(' and ')}`,
  ];
}
