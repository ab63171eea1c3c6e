/** Flags of every C++ file, and those that each variant of a `*.simd.cc` file adds. */
export const COMMON_FLAGS: readonly string[];
export const ISA_FLAGS: Readonly<Record<string, readonly string[]>>;
/** The variants that this processor's family has. */
export const SIMD_ISAS: readonly string[];
/** The full path of the C++ compiler to use, or undefined. `CXX` decides when it is set. */
export function findCompiler(): string | undefined;
/** Tells one compiler from another without starting it. */
export function compilerIdentity(compiler: string): string;

export interface NativeBuild {
  readonly status: 'current' | 'built' | 'prebuilt' | 'unavailable' | 'failed';
  readonly reason?: string;
}
export function buildNative(options?: {quiet?: boolean}): Promise<NativeBuild>;
