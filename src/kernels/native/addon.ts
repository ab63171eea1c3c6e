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
export const encodingCodes = {f32: 0, f16: 1, bf16: 2} as const;
export type Encoding = keyof typeof encodingCodes;
export type EncodingCode = (typeof encodingCodes)[Encoding];

/** Bytes of one element. */
export const encodingBytes: Record<Encoding, number> = {f32: 4, f16: 2, bf16: 2};

export type IsaName = 'scalar' | 'avx2' | 'avx512';

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
  threads(): number;
  /** 0: as many as the cores that this process may use. */
  setThreads(count: number): void;
  /** Asks all computations of this process to stop, from now until `cancel(false)`. */
  cancel(on: boolean): void;
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

  // --- stock tfjs kernels (native/stock)
  unary(code: number, x: Float32Array, out: Float32Array, n: number): void;
}

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

function findAddon(): string {
  try {
    return require.resolve(`@emu-multimodal/${target}/emu.node`);
  } catch {
    // No package with a built addon for this platform: the one built in this folder.
  }
  const built = path.join(root, 'build', target, 'emu.node');
  if (existsSync(built)) return built;
  const reasonFile = path.join(root, 'build', target, 'problem.txt');
  const reason = existsSync(reasonFile)
    ? readFileSync(reasonFile, 'utf8')
    : 'it has not been built; run `npm run setup`';
  throw new Error(`native addon: ${reason}`);
}
