// The native addon's whole surface, and how it is found and loaded.
//
// Adding an op `foo` in src/kernels/foo/ (no other C++ file changes):
//   foo.h         struct FooArgs (pointers and sizes only) and `EMU_VARIANTS(foo, FooArgs)`
//   foo.simd.cc   `namespace emu::EMU_ISA { void foo(const FooArgs&) }` with simd.h's Vec; compiled per ISA
//   foo.napi.cc   `EMU_EXPORT(foo) {...}`: unpacks and checks the arguments, calls emu::foo(args)
//   here          its signature, in the interface below
//   foo.native.ts its tfjs KernelConfig, made with `nativeKernel` and listed in kernels.ts
import {existsSync, readFileSync} from 'node:fs';
import {createRequire} from 'node:module';
import path from 'node:path';
import {fileURLToPath} from 'node:url';

/** Codes of native/encoding.h. */
export const encodingCodes = {f32: 0, f16: 1, bf16: 2, q8_0: 3, q4_0: 4, q4_1: 5} as const;
export type Encoding = keyof typeof encodingCodes;
export type EncodingCode = (typeof encodingCodes)[Encoding];

export type IsaName = 'scalar' | 'avx2' | 'avx512' | 'avx512bf16';

/** An open mapped file. */
export type Mapping = {readonly mapping: unique symbol};

/**
 * Functions of the addon. They check types and lengths (TypeError), compute on the pool's threads and
 * return when done. A computation that `cancel(true)` stops throws an Error whose code is 'cancelled'.
 */
export interface Addon {
  // --- controls (native/core.napi.cc)
  /** Variants that this processor can run, weakest first. */
  isas(): IsaName[];
  isa(): IsaName;
  setIsa(name: string): void;
  /** Asks for matrix products rounded to bfloat16. */
  setBf16(on: boolean): void;
  /** Whether they are: asked for, and the variant in use can. */
  computesInBf16(): boolean;
  threads(): number;
  /** 0: as many as the cores that this process may use. */
  setThreads(count: number): void;
  /** Asks all computations of this process to stop, from now until `cancel(false)`. */
  cancel(on: boolean): void;
  /** Ends the process without waiting for calls that run in other threads. */
  exitNow(code: number): never;
  /** Readies a new buffer for tensors; returns the offset of its first 64-byte aligned byte. */
  prepare(buffer: ArrayBuffer): number;
  /** Frees a buffer's memory at once; views on it become empty. */
  release(buffer: ArrayBuffer): void;

  // --- mapped files (native/mappedFile.napi.cc)
  mapOpen(path: string): Mapping;
  mapSize(mapping: Mapping): number;
  mapRegion(mapping: Mapping, offset: number, length: number): ArrayBuffer;
  mapPrefetch(mapping: Mapping, offset: number, length: number): void;
  mapClose(mapping: Mapping): void;

  // --- training (conv2d, batchNorm, groupNorm, adamw)
  /** `sizes`: batch, height, width, channels, outChannels, kernelHeight, kernelWidth, stride, padding, paddingEnd. */
  conv2d(
    x: Float32Array,
    weight: Uint8Array,
    encoding: EncodingCode,
    bias: Optional<Float32Array>,
    out: Float32Array,
    sizes: Int32Array,
  ): void;
  conv2dInputGrad(
    dy: Float32Array,
    weight: Uint8Array,
    encoding: EncodingCode,
    dx: Float32Array,
    sizes: Int32Array,
  ): void;
  conv2dWeightGrad(
    x: Float32Array,
    dy: Float32Array,
    dWeight: Float32Array,
    sizes: Int32Array,
  ): void;
  adamw(
    parameter: Float32Array,
    m: Float32Array,
    v: Float32Array,
    grad: Float32Array,
    newParameter: Float32Array,
    newM: Float32Array,
    newV: Float32Array,
    n: number,
    beta1: number,
    beta2: number,
    eps: number,
    decay: number,
    rate: number,
    correction: number,
    scale: number,
  ): void;
  /** Σ x², added in float64. */
  sumOfSquares(x: Float32Array, n: number): number;
  batchNormMoments(
    x: Float32Array,
    mean: Float32Array,
    variance: Float32Array,
    rows: number,
    cols: number,
  ): void;
  batchNorm(
    x: Float32Array,
    mean: Float32Array,
    variance: Float32Array,
    weight: Float32Array,
    bias: Float32Array,
    out: Float32Array,
    rows: number,
    cols: number,
    eps: number,
    hasRelu: boolean,
  ): void;
  batchNormGrad(
    x: Float32Array,
    mean: Float32Array,
    variance: Float32Array,
    weight: Float32Array,
    bias: Float32Array,
    dy: Float32Array,
    dx: Float32Array,
    dWeight: Float32Array,
    dBias: Float32Array,
    rows: number,
    cols: number,
    eps: number,
    hasRelu: boolean,
    isTraining: boolean,
  ): void;
  /** `sizes`: batch, rows, cols, groups. */
  groupNorm(
    x: Float32Array,
    weight: Float32Array,
    bias: Float32Array,
    out: Float32Array,
    mean: Float32Array,
    inverseStd: Float32Array,
    sizes: Int32Array,
    eps: number,
    hasSilu: boolean,
  ): void;
  groupNormGrad(
    x: Float32Array,
    weight: Float32Array,
    bias: Float32Array,
    mean: Float32Array,
    inverseStd: Float32Array,
    dy: Float32Array,
    dx: Float32Array,
    dWeight: Float32Array,
    dBias: Float32Array,
    sizes: Int32Array,
    hasSilu: boolean,
  ): void;

  /**
   * For each of `batch` items C = op(A) op(B) + bias, or C += op(A) op(B): op(A) [m, k], op(B) [k, n].
   * Strides from item to item in elements, 0 for a matrix that all share; C's items follow each other.
   */
  gemm(
    a: Float32Array,
    transposeA: boolean,
    b: Uint8Array,
    encodingB: EncodingCode,
    transposeB: boolean,
    bias: Float32Array | null,
    c: Float32Array,
    m: number,
    n: number,
    k: number,
    batch: number,
    strideA: number,
    strideB: number,
    accumulate: boolean,
  ): void;

  // --- stock tfjs kernels (native/stock)
  unary(code: number, x: Float32Array, out: Float32Array, n: number, alpha: number): void;
  /** `walk`: the result's shape, then the strides of a and of b; 0 where it is broadcast. */
  binary(code: number, a: Float32Array, b: Float32Array, out: Float32Array, walk: Int32Array): void;
  /** x [outer, size, inner] -> out [outer, inner] */
  reduce(
    code: number,
    x: Float32Array,
    out: Float32Array,
    outer: number,
    size: number,
    inner: number,
    scale: number,
  ): void;
  softmax(x: Float32Array, out: Float32Array, rows: number, cols: number): void;
  argMax(x: Float32Array, out: Int32Array, outer: number, size: number, inner: number): void;
  /** `walk`: shape, strides of x, strides of out, in elements as the offsets are. */
  copyStrided(
    x: Uint8Array,
    offset: number,
    out: Uint8Array,
    outOffset: number,
    elementBytes: number,
    walk: Int32Array,
  ): void;
  /** x [outer, axisSize, rowBytes] -> out [outer, count, rowBytes] */
  gather(
    x: Uint8Array,
    indices: Int32Array,
    out: Uint8Array,
    outer: number,
    axisSize: number,
    count: number,
    rowBytes: number,
  ): void;
  segmentSum(
    x: Float32Array,
    ids: Int32Array,
    out: Float32Array,
    rows: number,
    cols: number,
    segments: number,
  ): void;

  // --- the ops of src/kernels
  attention(
    ...args: [...AttentionArguments, Optional<Int32Array>, out: Float32Array, lse: Float32Array]
  ): void;
  attentionGrad(
    ...args: [
      ...AttentionArguments,
      out: Float32Array,
      logSumExp: Float32Array,
      dy: Float32Array,
      dq: Float32Array,
      dk: Float32Array,
      dv: Float32Array,
      dBias: Optional<Float32Array>,
    ]
  ): void;
  embedding(
    ids: Int32Array,
    table: Uint8Array,
    encoding: EncodingCode,
    out: Float32Array,
    numIds: number,
    numRows: number,
    size: number,
  ): void;
  embeddingGrad(
    ids: Int32Array,
    dy: Float32Array,
    dTable: Float32Array,
    numIds: number,
    numRows: number,
    size: number,
  ): void;
  gelu(x: Float32Array, out: Float32Array, n: number): void;
  geluGrad(x: Float32Array, dy: Float32Array, dx: Float32Array, n: number): void;
  /** Layer norm; RMS norm without bias. */
  norm(
    x: Float32Array,
    weight: Float32Array,
    bias: Optional<Float32Array>,
    out: Float32Array,
    rows: number,
    cols: number,
    eps: number,
  ): void;
  /** Gradient of layer norm; of RMS norm without dBias. */
  normGrad(
    x: Float32Array,
    weight: Float32Array,
    dy: Float32Array,
    dx: Float32Array,
    dWeight: Float32Array,
    dBias: Optional<Float32Array>,
    rows: number,
    cols: number,
    eps: number,
  ): void;
  rope(
    x: Float32Array,
    positions: Int32Array,
    cos: Float32Array,
    sin: Float32Array,
    out: Float32Array,
    rows: number,
    numHeads: number,
    headDim: number,
    numPositions: number,
    isInverse: boolean,
  ): void;
  siluGate(gate: Float32Array, up: Float32Array, out: Float32Array, n: number): void;
  siluGateGrad(
    gate: Float32Array,
    up: Float32Array,
    dy: Float32Array,
    dGate: Float32Array,
    dUp: Float32Array,
    n: number,
  ): void;
  /** Labels below 0 are ignored. */
  softmaxCrossEntropy(
    logits: Float32Array,
    labels: Int32Array,
    losses: Float32Array,
    logSumExp: Float32Array,
    rows: number,
    cols: number,
  ): void;
  softmaxCrossEntropyGrad(
    logits: Float32Array,
    labels: Int32Array,
    logSumExp: Float32Array,
    dy: Float32Array,
    dLogits: Float32Array,
    rows: number,
    cols: number,
  ): void;
}

/** An array that a kernel may be given nothing for. */
type Optional<T> = T | null;

/** What both directions of attention take first; sizes: batch, queries, heads, headDim, rows, capacity, keys. */
type AttentionArguments = [
  q: Float32Array,
  k: Float32Array,
  v: Float32Array,
  bias: Optional<Float32Array>,
  keyStart: Optional<Int32Array>,
  keyEnd: Optional<Int32Array>,
  sizes: Int32Array,
  isBiasShared: boolean,
  isStartPerQuery: boolean,
  isCausal: boolean,
  scale: number,
];

const root = fileURLToPath(new URL('../../../', import.meta.url));
const target = `${process.platform}-${process.arch}`;
const require = createRequire(import.meta.url);

let loaded: Addon | undefined;
let problem: string | undefined;

/** The addon, loaded once, or undefined: then addonProblem() says why. */
export function loadAddon(): Addon | undefined {
  if (!loaded && problem === undefined) {
    try {
      loaded = require(findAddon()) as Addon;
    } catch (error) {
      problem = (error as Error).message.split('\n', 1)[0] ?? 'unknown';
    }
  }
  return loaded;
}

/** Why loadAddon() gives nothing: what was tried and what to run. */
export function addonProblem(): string | undefined {
  loadAddon();
  return problem;
}

/** A built addon's file, `emu.node` or `emu-mpi.node`: of the platform's package, else built in this folder. */
export function builtAddon(name: string): string | undefined {
  const file = fromPackage(name) ?? path.join(root, 'build', target, name);
  return existsSync(file) ? file : undefined;
}

/** Of the package that npm installs where it fits; only one of the same version has the same functions. */
function fromPackage(name: string): string | undefined {
  let file: string;
  try {
    file = require.resolve(`@emu-multimodal/${target}/${name}`);
  } catch {
    return undefined;
  }
  const versionOf = (folder: string): string =>
    JSON.parse(readFileSync(path.join(folder, 'package.json'), 'utf8')).version;
  const found = versionOf(path.dirname(file));
  const wanted = versionOf(root);
  if (found === wanted) return file;
  throw new Error(
    `native addon: @emu-multimodal/${target} is version ${found}, emu is ${wanted}; install both of one version`,
  );
}

function findAddon(): string {
  const built = builtAddon('emu.node');
  if (built) return built;
  const reasonFile = path.join(root, 'build', target, 'problem.txt');
  const reason = existsSync(reasonFile) ? readFileSync(reasonFile, 'utf8') : missing();
  throw new Error(`native addon: ${reason}`);
}

function missing(): string {
  const isClone = existsSync(path.join(root, 'tsconfig.build.json'));
  if (isClone) return 'it has not been built; run `npm run setup`';
  const script = path.join(root, 'scripts', 'build-native.js');
  return `the package @emu-multimodal/${target} is not installed; install it, or with a C++ compiler run \`node ${script}\``;
}
