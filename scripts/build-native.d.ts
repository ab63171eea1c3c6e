/** Flags of every C++ file. */
export const COMMON_FLAGS: readonly string[];
/** What a source is compiled for, by its name; undefined: once, without flags of an instruction set. */
export function isasOf(file: string): readonly (string | undefined)[];
/** What compiling for one adds. */
export function isaFlagsOf(isa: string): readonly string[];
/** The full path of the C++ compiler to use, or undefined. `CXX` decides when it is set. */
export function findCompiler(): string | undefined;
/** Tells one compiler from another without starting it. */
export function compilerIdentity(compiler: string): string;

export interface NativeBuild {
  readonly status: 'current' | 'built' | 'prebuilt' | 'unavailable' | 'failed';
  readonly reason?: string;
}
export function buildNative(options?: {quiet?: boolean}): Promise<NativeBuild>;
