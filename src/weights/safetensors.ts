// safetensors files: an 8-byte header length, a JSON header, the tensors' bytes without gaps.
// Format: github.com/huggingface/safetensors, README "Format". The header is parsed by hand because
// JSON.parse keeps the last of two equal names, and because nothing but this form may appear in it.
import {EmuError, ModelError} from '../errors.js';
import type {MappedFile} from '../kernels/native/mappedFile.js';
import {printable} from './printable.js';
import {
  countElements,
  encodingBytes,
  MAX_DIMENSIONS,
  rowMajorStrides,
  type StoredEncoding,
  type StoredTensor,
  TensorInFile,
} from './storedTensor.js';
import {writeAll, writeWhole} from './writeWhole.js';

export const MAX_HEADER_BYTES = 100_000_000;
const LENGTH_BYTES = 8;
/** The writer pads the header so that the first tensor starts on a cache line. */
const ALIGNMENT = 64;

const encodings: ReadonlyMap<string, StoredEncoding> = new Map([
  ['F64', 'f64'],
  ['F32', 'f32'],
  ['F16', 'f16'],
  ['BF16', 'bf16'],
  ['I64', 'i64'],
  ['I32', 'i32'],
  ['I16', 'i16'],
  ['I8', 'i8'],
  ['U64', 'u64'],
  ['U32', 'u32'],
  ['U16', 'u16'],
  ['U8', 'u8'],
  ['BOOL', 'bool'],
]);

interface HeaderTensor {
  readonly name: string;
  readonly encoding: StoredEncoding;
  readonly shape: readonly number[];
  readonly begin: number; // bytes after the header
  readonly end: number;
}

export interface SafetensorsContents {
  readonly tensors: ReadonlyMap<string, StoredTensor>;
  readonly metadata: Readonly<Record<string, string>>;
}

/** Reads the header and checks every tensor's place. Throws ModelError. */
export function readSafetensors(file: MappedFile): SafetensorsContents {
  const fail = (problem: string) =>
    new ModelError(file.path, `damaged safetensors file: ${problem}`, 'download or write it again');
  if (file.size < LENGTH_BYTES) throw fail(`it has only ${file.size} bytes`);
  const lengthBytes = file.bytes(0, LENGTH_BYTES);
  const length = new DataView(lengthBytes.buffer, lengthBytes.byteOffset).getBigUint64(0, true);
  if (length > MAX_HEADER_BYTES) {
    throw fail(`its header takes ${length} bytes, the limit is ${MAX_HEADER_BYTES}`);
  }
  const start = LENGTH_BYTES + Number(length);
  if (start > file.size) {
    throw fail(`its header takes ${length} bytes, but the file ends after ${file.size}`);
  }
  let text: string;
  try {
    const decoder = new TextDecoder('utf-8', {fatal: true, ignoreBOM: true});
    text = decoder.decode(file.bytes(LENGTH_BYTES, Number(length)));
  } catch {
    throw fail('its header is not UTF-8');
  }
  let header: Header;
  try {
    header = new HeaderParser(text).parse();
  } catch (error) {
    if (!(error instanceof HeaderProblem)) throw error;
    throw fail(error.message);
  }
  const gap = findGap(header.tensors, file.size - start);
  if (gap) throw fail(gap);
  const tensors = new Map<string, StoredTensor>();
  for (const {name, encoding, shape, begin} of header.tensors) {
    const strides = rowMajorStrides(shape);
    tensors.set(name, new TensorInFile(file, name, encoding, shape, strides, start + begin));
  }
  return {tensors, metadata: Object.fromEntries(header.metadata)};
}

/** The tensors must fill the `size` bytes after the header: no overlap, no hole, no rest. */
function findGap(tensors: readonly HeaderTensor[], size: number): string | undefined {
  let end = 0;
  for (const tensor of [...tensors].sort((a, b) => a.begin - b.begin || a.end - b.end)) {
    if (tensor.begin !== end) {
      const what = tensor.begin < end ? 'overlaps another tensor' : 'leaves a gap before it';
      return `${printable(tensor.name)} ${what} at byte ${tensor.begin}`;
    }
    end = tensor.end;
  }
  if (end > size) return `its tensors take ${end} bytes, but only ${size} are there: it is cut off`;
  return end < size ? `${size - end} bytes follow its last tensor` : undefined;
}

class HeaderProblem extends Error {}

interface Header {
  readonly tensors: readonly HeaderTensor[];
  readonly metadata: ReadonlyMap<string, string>;
}

class HeaderParser {
  private position = 0;

  constructor(private readonly text: string) {}

  parse(): Header {
    const tensors: HeaderTensor[] = [];
    let metadata: ReadonlyMap<string, string> = new Map();
    this.object((name) => {
      if (name === '__metadata__') metadata = this.metadata();
      else tensors.push(this.tensor(name));
    });
    this.space();
    if (this.position < this.text.length) throw this.unexpected('the end of the header');
    return {tensors, metadata};
  }

  private metadata(): Map<string, string> {
    const metadata = new Map<string, string>();
    this.object((key) => metadata.set(key, this.string()));
    return metadata;
  }

  private tensor(name: string): HeaderTensor {
    const shown = printable(name);
    let dtype: string | undefined;
    let shape: number[] | undefined;
    let offsets: number[] | undefined;
    this.object((key) => {
      if (key === 'dtype') dtype = this.string();
      else if (key === 'shape') shape = this.sizes(MAX_DIMENSIONS);
      else if (key === 'data_offsets') offsets = this.sizes(2);
      else throw new HeaderProblem(`${shown} has an unknown field "${printable(key)}"`);
    });
    if (dtype === undefined || shape === undefined || offsets?.length !== 2) {
      throw new HeaderProblem(`${shown} lacks its dtype, shape or data_offsets`);
    }
    const encoding = encodings.get(dtype);
    if (!encoding) throw new HeaderProblem(`${shown} has the unknown dtype "${printable(dtype)}"`);
    const [begin, end] = offsets as [number, number];
    const count = countElements(shape);
    if (count === undefined || end - begin !== count * encodingBytes[encoding]) {
      throw new HeaderProblem(
        `${shown} of ${dtype} [${shape.join(', ')}] does not fit into ${end - begin} bytes`,
      );
    }
    return {name, encoding, shape, begin, end};
  }

  /** An object; `field` reads the value of each key. Equal keys are an error. */
  private object(field: (key: string) => void): void {
    this.expect('{');
    const seen = new Set<string>();
    if (this.accept('}')) return;
    do {
      const key = this.string();
      if (seen.has(key)) throw new HeaderProblem(`"${printable(key)}" stands there twice`);
      seen.add(key);
      this.expect(':');
      field(key);
    } while (this.accept(','));
    this.expect('}');
  }

  private sizes(limit: number): number[] {
    this.expect('[');
    const sizes: number[] = [];
    if (this.accept(']')) return sizes;
    do {
      if (sizes.length === limit) throw new HeaderProblem(`a list of more than ${limit} numbers`);
      sizes.push(this.size());
    } while (this.accept(','));
    this.expect(']');
    return sizes;
  }

  private size(): number {
    this.space();
    const digits = /(?:0|[1-9]\d{0,15})(?![\d.eE])/y;
    digits.lastIndex = this.position;
    const match = digits.exec(this.text);
    const value = Number(match?.[0]);
    if (!match || !Number.isSafeInteger(value)) throw this.unexpected('a size');
    this.position = digits.lastIndex;
    return value;
  }

  private string(): string {
    this.expect('"');
    const start = this.position;
    for (; this.position < this.text.length; this.position++) {
      const char = this.text[this.position];
      if (char === '\\') this.position++;
      else if (char === '"') {
        const quoted = this.text.slice(start - 1, ++this.position);
        try {
          return JSON.parse(quoted) as string;
        } catch {
          throw new HeaderProblem(`the text at character ${start} is not JSON`);
        }
      }
    }
    throw new HeaderProblem(`the text at character ${start} has no end`);
  }

  private space(): void {
    const isSpace = (code: number) =>
      code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09;
    while (isSpace(this.text.charCodeAt(this.position))) this.position++;
  }

  private accept(char: string): boolean {
    this.space();
    if (this.text[this.position] !== char) return false;
    this.position++;
    return true;
  }

  private expect(char: string): void {
    if (!this.accept(char)) throw this.unexpected(`"${char}"`);
  }

  private unexpected(what: string): HeaderProblem {
    const found = this.text[this.position];
    return new HeaderProblem(
      `expected ${what} at character ${this.position} of the header, got ${found === undefined ? 'its end' : `"${printable(found)}"`}`,
    );
  }
}

/** A tensor to write; `data` may be a function, called once when its turn comes. */
export interface TensorToWrite {
  readonly name: string;
  readonly shape: readonly number[];
  readonly encoding: StoredEncoding;
  /** Row-major, little-endian. */
  readonly data: Uint8Array | (() => Uint8Array);
}

/**
 * Writes a safetensors file, complete or not at all. Tensors stand in the order of their item size,
 * largest first, then as given, so that each is aligned. Throws EmuError for wrong sizes or names.
 */
export function writeSafetensors(
  path: string,
  tensors: Iterable<TensorToWrite>,
  metadata: Readonly<Record<string, string>> = {},
): void {
  const list = [...tensors].sort((a, b) => encodingBytes[b.encoding] - encodingBytes[a.encoding]);
  const dtypes = new Map([...encodings].map(([dtype, encoding]) => [encoding, dtype]));
  const header = new Map<string, unknown>();
  if (Object.keys(metadata).length > 0) header.set('__metadata__', metadata);
  let end = 0;
  for (const {name, shape, encoding} of list) {
    if (header.has(name) || name === '__metadata__') {
      throw writeProblem(path, `two tensors are named "${printable(name)}"`);
    }
    const begin = end;
    end += byteLength(path, name, shape, encoding);
    header.set(name, {dtype: dtypes.get(encoding), shape, data_offsets: [begin, end]});
  }
  const json = Buffer.from(JSON.stringify(Object.fromEntries(header)));
  const padding = (ALIGNMENT - ((LENGTH_BYTES + json.length) % ALIGNMENT)) % ALIGNMENT;
  const start = Buffer.alloc(LENGTH_BYTES + json.length + padding, ' ');
  start.writeBigUInt64LE(BigInt(json.length + padding));
  json.copy(start, LENGTH_BYTES);
  if (start.length - LENGTH_BYTES > MAX_HEADER_BYTES) {
    throw writeProblem(path, `its header would take more than ${MAX_HEADER_BYTES} bytes`);
  }
  writeWhole(path, (fd) => {
    writeAll(fd, start);
    for (const {name, shape, encoding, data} of list) {
      const bytes = typeof data === 'function' ? data() : data;
      const expected = byteLength(path, name, shape, encoding);
      if (bytes.length !== expected) {
        throw writeProblem(
          path,
          `${printable(name)} of ${encoding} [${shape.join(', ')}] takes ${expected} bytes, got ${bytes.length}`,
        );
      }
      writeAll(fd, bytes);
    }
  });
}

function writeProblem(path: string, problem: string): EmuError {
  return new EmuError(`writing ${path}: ${problem}`, {code: 'bad_tensor', file: path});
}

function byteLength(
  path: string,
  name: string,
  shape: readonly number[],
  encoding: StoredEncoding,
): number {
  const count = countElements(shape);
  if (count === undefined) {
    throw writeProblem(path, `${printable(name)} has the shape [${shape.join(', ')}]`);
  }
  return count * encodingBytes[encoding];
}
