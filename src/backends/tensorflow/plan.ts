// What an installation of the backend `tensorflow` takes, and whether this machine can do it.
import {findCompiler} from '../../../scripts/build-native.js';
import {
  findTensorflow,
  libraryFolder,
  packageName,
  packageVersion,
  tensorflowFolder,
  tensorflowVersion,
} from '../../kernels/tensorflow/layout.js';
import {
  type Archive,
  archives,
  findFetcher,
  missingTools,
  type Source,
  sources,
  unpackedSize,
} from './archives.js';
import {exists} from './files.js';
import {InstallError, run} from './run.js';

/** Bytes: what npm writes, most of it copies of tfjs that do not stay, and what is left. */
const packageSpace = 300_000_000;
const packageSize = 20_000_000;
/** The oldest glibc that the archives are built for. */
const oldestGlibc = '2.27';

/** What an installation takes, found out before anything is fetched. */
export interface InstallPlan {
  readonly version: string;
  readonly folder: string;
  /** The archive to fetch; none when libtensorflow is here. */
  readonly archive: Archive | undefined;
  readonly compiler: string;
  /** Bytes to fetch of the archive. */
  readonly download: number;
  /** Bytes that stay on the disk, and those that are needed meanwhile. */
  readonly size: number;
  readonly space: number;
  readonly isInstalled: boolean;
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
function glibcVersion(): string | null {
  const {header} = process.report.getReport() as {header?: {glibcVersionRuntime?: string}};
  return header?.glibcVersionRuntime ?? null;
}

/** Checks what can be checked without a network. Throws InstallError with the way out. */
export async function planInstall(from?: Source): Promise<InstallPlan> {
  checkSystem();
  const compiler = findCompiler();
  if (!compiler) {
    const tried = process.env.CXX ? `CXX=${process.env.CXX}` : 'c++, g++, clang++';
    throw new InstallError(`no C++ compiler (${tried}); install one, for example g++`);
  }
  const npm = await run('npm', ['--version']);
  if (npm.status !== 0)
    throw new InstallError(`npm does not run (${npm.stderr.trim()}); install it`);
  const hasLibrary = await exists(libraryFolder());
  const archive = hasLibrary ? undefined : archives[await chooseSource(from)];
  const download = archive?.size ?? 0;
  const library = archive ? unpackedSize : 0;
  return {
    version: tensorflowVersion,
    folder: tensorflowFolder(),
    archive,
    compiler,
    download,
    size: library + packageSize,
    space: download + library + packageSpace,
    isInstalled: 'build' in findTensorflow(),
  };
}

/** The source that was asked for, else the first one whose tool is here. */
async function chooseSource(from: Source | undefined): Promise<Source> {
  for (const source of from ? [from] : sources) if (await findFetcher(source)) return source;
  throw new InstallError(
    from ? missingTools[from] : 'neither pip nor Maven runs; install Python 3 with pip, or Maven',
  );
}

/** What is said before: sizes, licences, places. */
export function describePlan(plan: InstallPlan): string[] {
  const {archive, compiler, folder, size} = plan;
  const mb = (bytes: number) => `${(bytes / 1e6).toFixed(0)} MB`;
  const library = archive
    ? `fetched by ${archive.source === 'pypi' ? 'pip' : 'Maven'}: ${archive.requirement}, ${mb(archive.size)}, SHA-256 ${archive.sha256.slice(0, 16)}…`
    : 'here already';
  return [
    `TensorFlow ${plan.version} for the CPU, ${library}`,
    `${packageName} ${packageVersion}, fetched by npm: about 60 MB, its install script does not run`,
    `its binding and emu's ops, compiled here by ${compiler}`,
    'licences: Apache-2.0 (TensorFlow and tfjs); the notices come with the libraries',
    `${mb(size)} in ${folder}; ${mb(plan.space)} while it is installed`,
  ];
}
