// WebAssembly, written by hand: the instructions that a kernel needs, as the bytes of the binary format
// (WebAssembly Core Specification 2.0, chapter 5).

export type Code = readonly number[];

export const types = {i32: 0x7f, f64: 0x7c, v128: 0x7b} as const;

/** LEB128 of a whole number from 0 on. */
function unsigned(value: number): Code {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...unsigned(value >>> 7)];
}

/** Signed LEB128 of a whole number from 0 on: bit 6 of the last byte is the sign. */
function signed(value: number): Code {
  return value < 0x40 ? [value] : [(value & 0x7f) | 0x80, ...signed(value >>> 7)];
}

const vector = (opcode: number): Code => [0xfd, ...unsigned(opcode)];

export const get = (local: number): Code => [0x20, ...unsigned(local)];
export const set = (local: number, value: Code): Code => [...value, 0x21, ...unsigned(local)];

export const i32 = {
  of: (value: number): Code => [0x41, ...signed(value)],
  add: (a: Code, b: Code): Code => [...a, ...b, 0x6a],
  mul: (a: Code, b: Code): Code => [...a, ...b, 0x6c],
  /** The smaller one, neither being negative. */
  min: (a: Code, b: Code): Code => [...a, ...b, ...a, ...b, 0x49, 0x1b],
  less: (a: Code, b: Code): Code => [...a, ...b, 0x49],
};

export const f32x4 = {
  load: (address: Code, offset = 0): Code => [...address, ...vector(0), 2, ...unsigned(offset)],
  zero: (): Code => [0x43, 0, 0, 0, 0, ...vector(0x13)],
  add: (a: Code, b: Code): Code => [...a, ...b, ...vector(0xe4)],
  mul: (a: Code, b: Code): Code => [...a, ...b, ...vector(0xe6)],
  /** One of the four numbers, in float64. */
  lane: (value: Code, lane: number): Code => [...value, ...vector(0x1f), lane, 0xbb],
};

export const f64 = {
  load: (address: Code, offset = 0): Code => [...address, 0x2b, 3, ...unsigned(offset)],
  store: (address: Code, value: Code): Code => [...address, ...value, 0x39, 3, 0],
  add: (a: Code, b: Code): Code => [...a, ...b, 0xa0],
};

/** Does `body` until `condition` no longer holds after it. */
export const doWhile = (body: Code, condition: Code): Code => [
  ...[0x03, 0x40],
  ...body,
  ...condition,
  ...[0x0d, 0, 0x0b],
];

function section(id: number, content: Code): Code {
  return [id, ...unsigned(content.length), ...content];
}

const name = (text: string): Code => [text.length, ...new TextEncoder().encode(text)];

/** A module of one function `run` and a memory, both exported. Its locals come after its parameters. */
export function moduleOf(
  parameters: readonly number[],
  locals: readonly number[],
  body: Code,
): Uint8Array<ArrayBuffer> {
  const code = [locals.length, ...locals.flatMap((type) => [1, type]), ...body, 0x0b];
  return Uint8Array.from([
    ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, [1, 0x60, parameters.length, ...parameters, 0]),
    ...section(3, [1, 0]),
    ...section(5, [1, 0, 1]),
    ...section(7, [2, ...name('memory'), 2, 0, ...name('run'), 0, 0]),
    ...section(10, [1, ...unsigned(code.length), ...code]),
  ]);
}

export interface WasmModule {
  readonly memory: {readonly buffer: ArrayBuffer; grow(pages: number): number};
  run(...args: number[]): void;
}

/** What Node has of it; TypeScript knows it from browsers only. */
declare const WebAssembly: {
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (module: object) => {readonly exports: object};
};

/** What `moduleOf` made, ready to run. */
export function instantiate(bytes: Uint8Array): WasmModule {
  return new WebAssembly.Instance(new WebAssembly.Module(bytes)).exports as WasmModule;
}
