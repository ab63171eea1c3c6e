// Writes what torch.load reads: a state dict of plain tensors, as the official code's checkpoints
// are.
import {EmuError} from '../errors.js';
import {printable} from './printable.js';
import {storageEncodings} from './pytorch.js';
import type {TensorToWrite} from './safetensors.js';
import {
  countElements,
  encodingBytes,
  rowMajorStrides,
  type StoredEncoding,
} from './storedTensor.js';
import {writeWhole} from './writeWhole.js';
import {ZipWriter} from './zipWriter.js';

export interface PytorchWriteOptions {
  /** Key that the state dict stands under: {"module": state dict}, as in Emu-instruct.pt. */
  readonly wrapper?: string;
}

/** Name of the archive's one folder; torch.load takes any. */
export const ARCHIVE = 'archive';

/**
 * Writes a torch.save archive of contiguous tensors, complete or not at all. Throws EmuError for
 * wrong sizes, equal names, and encodings that PyTorch has no storage for (unsigned 16 to 64 bits).
 */
export function writePytorch(
  path: string,
  tensors: Iterable<TensorToWrite>,
  options: PytorchWriteOptions = {},
): void {
  const list = [...tensors];
  const names = new Set<string>();
  for (const {name, shape, encoding} of list) {
    if (names.has(name)) throw writeProblem(path, `two tensors are named "${printable(name)}"`);
    names.add(name);
    if (countElements(shape) === undefined || !storageNames.has(encoding)) {
      throw writeProblem(
        path,
        `cannot write ${printable(name)}: ${encoding} [${shape.join(', ')}]`,
      );
    }
  }
  writeWhole(path, (fd) => {
    const zip = new ZipWriter(fd);
    zip.add(`${ARCHIVE}/data.pkl`, stateDictPickle(list, options));
    zip.add(`${ARCHIVE}/byteorder`, Buffer.from('little'));
    for (const [index, {name, shape, encoding, data}] of list.entries()) {
      const bytes = typeof data === 'function' ? data() : data;
      const expected = countElements(shape)! * encodingBytes[encoding];
      if (bytes.length !== expected) {
        throw writeProblem(
          path,
          `${printable(name)} of ${encoding} [${shape.join(', ')}] takes ${expected} bytes, got ${bytes.length}`,
        );
      }
      zip.add(`${ARCHIVE}/data/${index}`, bytes);
    }
    zip.add(`${ARCHIVE}/version`, Buffer.from('3\n'));
    zip.finish();
  });
}

function writeProblem(path: string, problem: string): EmuError {
  return new EmuError(`writing ${path}: ${problem}`, {code: 'bad_tensor', file: path});
}

const storageNames = new Map<StoredEncoding, string>(
  Object.entries(storageEncodings).map(([name, encoding]) => [encoding, name]),
);

/** The pickle (protocol 2) of a state dict whose tensor i is the whole of storage i. */
export function stateDictPickle(
  tensors: readonly Pick<TensorToWrite, 'name' | 'shape' | 'encoding'>[],
  {wrapper}: PytorchWriteOptions = {},
): Uint8Array {
  const orderedDict = [global('collections', 'OrderedDict'), ')R']; // OrderedDict()
  const parts: (string | Buffer)[] = ['\x80\x02'];
  if (wrapper !== undefined) parts.push('}', text(wrapper)); // {wrapper: ...}
  parts.push(...orderedDict, '(');
  for (const [index, {name, shape, encoding}] of tensors.entries()) {
    const storage = global('torch', storageNames.get(encoding)!);
    const numElements = integer(countElements(shape)!);
    // _rebuild_tensor_v2(storage, offset, size, stride, requires_grad=False, backward_hooks)
    parts.push(text(name), global('torch._utils', '_rebuild_tensor_v2'), '(');
    parts.push('(', text('storage'), storage, text(String(index)), text('cpu'), numElements, 'tQ');
    parts.push(integer(0), tuple(shape), tuple(rowMajorStrides(shape)), '\x89');
    parts.push(...orderedDict, 'tR');
  }
  parts.push(wrapper === undefined ? 'u.' : 'us.');
  return Buffer.concat(
    parts.map((part) => (typeof part === 'string' ? Buffer.from(part, 'latin1') : part)),
  );
}

function global(module: string, name: string): Buffer {
  return Buffer.from(`c${module}\n${name}\n`);
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value);
  const head = Buffer.from('X\0\0\0\0');
  head.writeUInt32LE(bytes.length, 1);
  return Buffer.concat([head, bytes]);
}

function tuple(values: readonly number[]): Buffer {
  return Buffer.concat([Buffer.from('('), ...values.map(integer), Buffer.from('t')]);
}

/** BININT1, BININT, or LONG1 for what 31 bits do not hold. */
function integer(value: number): Buffer {
  if (value < 0x100) return Buffer.from([0x4b, value]);
  if (value < 2 ** 31) {
    const bytes = Buffer.alloc(5);
    bytes[0] = 0x4a;
    bytes.writeInt32LE(value, 1);
    return bytes;
  }
  const bytes = Buffer.alloc(10);
  bytes[0] = 0x8a;
  bytes[1] = 8;
  bytes.writeBigInt64LE(BigInt(value), 2);
  return bytes;
}
