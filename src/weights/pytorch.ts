// Checkpoints of torch.save: a zip of a pickle (data.pkl), which describes the tensors, and one
// entry of raw bytes a storage (data/0, data/1, ...). Only zip headers and the pickle are read on
// opening. Format: torch/serialization.py (_save, persistent_id) and torch/_utils.py (_rebuild_*)
// of PyTorch.
import {ModelError} from '../errors.js';
import type {MappedFile} from '../kernels/native/mappedFile.js';
import {PickleGlobal, PickleProblem, unpickle} from './pickle.js';
import {listNames, printable} from './printable.js';
import {
  countElements,
  encodingBytes,
  type StoredEncoding,
  type StoredTensor,
  TensorInFile,
} from './storedTensor.js';
import {readZip, type ZipEntry} from './zip.js';

/** PyTorch's storage classes. */
export const storageEncodings: Readonly<Record<string, StoredEncoding>> = {
  DoubleStorage: 'f64',
  FloatStorage: 'f32',
  HalfStorage: 'f16',
  BFloat16Storage: 'bf16',
  LongStorage: 'i64',
  IntStorage: 'i32',
  ShortStorage: 'i16',
  CharStorage: 'i8',
  ByteStorage: 'u8',
  BoolStorage: 'bool',
};

/** Named in checkpoints of training runs, never called there. */
const dtypeNames = [
  'float64',
  'float32',
  'float16',
  'bfloat16',
  'int64',
  'int32',
  'int16',
  'int8',
  'uint8',
  'bool',
];

/**
 * Keys under which a state dict may be wrapped, in the order they are tried; official code:
 * "module".
 */
const wrappers = ['module', 'state_dict', 'model_state_dict', 'model'];

const MAX_WRAPPERS = 3;

class StorageType extends PickleGlobal {
  constructor(
    name: string,
    readonly encoding: StoredEncoding,
  ) {
    super(name);
  }
}

/** Bytes of the file that tensors share. */
interface Storage {
  readonly encoding: StoredEncoding;
  readonly offset: number; // of its first byte in the file
  readonly numElements: number;
}

class StorageReference {
  constructor(readonly storage: Storage) {}
}

class TensorReference {
  constructor(
    readonly storage: Storage,
    readonly offset: number, // in elements
    readonly shape: readonly number[],
    readonly strides: readonly number[],
  ) {}
}

export interface PytorchContents {
  readonly tensors: ReadonlyMap<string, StoredTensor>;
  readonly metadata: Readonly<Record<string, string>>;
}

/** The state dict of a torch.save archive. Throws ModelError for anything else. */
export function readPytorch(file: MappedFile): PytorchContents {
  const entries = readZip(file);
  const archive = findArchive(file, entries);
  const pickle = entries.get(`${archive}/data.pkl`)!;
  checkByteOrder(file, entries.get(`${archive}/byteorder`));
  const value = unpickle(file.bytes(pickle.offset, pickle.size), {
    file: file.path,
    globals: torchGlobals,
    persistentLoad: (id) => new StorageReference(findStorage(id, archive, entries)),
  });
  const {dict, wrapper} = findStateDict(file, value);
  const tensors = new Map<string, StoredTensor>();
  for (const [name, tensor] of dict) {
    if (typeof name !== 'string' || !(tensor instanceof TensorReference)) continue;
    const {storage, offset, shape, strides} = tensor;
    const {encoding} = storage;
    const start = storage.offset + offset * encodingBytes[encoding];
    tensors.set(name, new TensorInFile(file, name, encoding, shape, strides, start));
  }
  return {tensors, metadata: wrapper === undefined ? {} : {wrapper}};
}

/** The archive's one top folder, which holds data.pkl. */
function findArchive(file: MappedFile, entries: ReadonlyMap<string, ZipEntry>): string {
  const archives = [...entries.keys()]
    .filter((name) => /^[^/]+\/data\.pkl$/.test(name))
    .map((name) => name.slice(0, name.indexOf('/')));
  if (archives.length !== 1) {
    throw new ModelError(
      file.path,
      archives.length === 0
        ? `a zip archive without data.pkl (it holds ${listNames([...entries.keys()], 3) || 'nothing'}), so not one of torch.save`
        : `a zip archive with ${archives.length} data.pkl`,
    );
  }
  const archive = archives[0]!;
  if (entries.has(`${archive}/constants.pkl`)) {
    throw new ModelError(
      file.path,
      'a TorchScript archive (torch.jit.save), a program and no plain checkpoint',
      'load it in PyTorch and write its state_dict() with torch.save',
    );
  }
  for (const {name, isCompressed} of entries.values()) {
    if (!isCompressed) continue;
    throw new ModelError(
      file.path,
      `its entry "${printable(name)}" is compressed; torch.save stores checkpoints uncompressed`,
      'unpack it and write it again with torch.save',
    );
  }
  return archive;
}

function checkByteOrder(file: MappedFile, entry: ZipEntry | undefined): void {
  if (!entry) return; // PyTorch before 2.0 wrote none, and little-endian only
  const order = new TextDecoder('latin1').decode(
    file.bytes(entry.offset, Math.min(entry.size, 16)),
  );
  if (order !== 'little') {
    throw new ModelError(file.path, `its byte order is "${printable(order)}", expected "little"`);
  }
}

/** Persistent id of a storage: ("storage", type, key, location, number of elements). */
function findStorage(
  id: unknown,
  archive: string,
  entries: ReadonlyMap<string, ZipEntry>,
): Storage {
  const [kind, type, key, , numElements] = Array.isArray(id) ? id : [];
  if (
    kind !== 'storage' ||
    !(type instanceof StorageType) ||
    typeof key !== 'string' ||
    typeof numElements !== 'number'
  ) {
    throw new PickleProblem('a persistent id in it is no storage');
  }
  const entry = entries.get(`${archive}/data/${key}`);
  if (!entry) throw new PickleProblem(`storage "${printable(key)}" is not in the archive`);
  const bytes = numElements * encodingBytes[type.encoding];
  if (!Number.isSafeInteger(numElements) || numElements < 0 || bytes > entry.size) {
    throw new PickleProblem(
      `storage "${printable(key)}" has ${entry.size} bytes in the archive, its description says ${bytes}`,
    );
  }
  return {encoding: type.encoding, offset: entry.offset, numElements};
}

/** torch._utils._rebuild_tensor_v2(storage, storage_offset, size, stride, ...). */
function rebuildTensor(args: readonly unknown[]): TensorReference {
  const [reference, offset, shape, strides] = args;
  if (
    !(reference instanceof StorageReference) ||
    !Array.isArray(shape) ||
    !Array.isArray(strides)
  ) {
    throw new PickleProblem('a tensor in it is described by the wrong things');
  }
  const {storage} = reference;
  const count = countElements(shape);
  if (count === undefined || strides.length !== shape.length) {
    throw new PickleProblem('a tensor in it has no proper shape');
  }
  let last = offset; // element index of the tensor's last element
  for (const [axis, stride] of strides.entries()) {
    if (typeof stride !== 'number' || !Number.isSafeInteger(stride) || stride < 0) {
      throw new PickleProblem('a tensor in it has no proper strides');
    }
    if (count > 0 && typeof last === 'number') last += (shape[axis] - 1) * stride;
  }
  const inside =
    typeof offset === 'number' &&
    Number.isSafeInteger(offset) &&
    offset >= 0 &&
    Number.isSafeInteger(last) &&
    (count === 0 ? offset <= storage.numElements : (last as number) < storage.numElements);
  if (!inside) {
    throw new PickleProblem(
      `a tensor of shape [${shape.join(', ')}] reaches beyond its storage of ${storage.numElements} elements`,
    );
  }
  if (count > storage.numElements) {
    throw new PickleProblem(
      `a tensor of shape [${shape.join(', ')}] repeats its storage of ${storage.numElements} elements (an expanded tensor)`,
    );
  }
  return new TensorReference(storage, offset, shape, strides);
}

/** torch._utils._rebuild_parameter(data, requires_grad, backward_hooks). */
function rebuildParameter(args: readonly unknown[]): TensorReference {
  if (!(args[0] instanceof TensorReference)) {
    throw new PickleProblem('a parameter in it holds no tensor');
  }
  return args[0];
}

function orderedDict(args: readonly unknown[]): Map<unknown, unknown> {
  if (args.length > 0) throw new PickleProblem('it fills an OrderedDict in an unknown way');
  return new Map();
}

function size(args: readonly unknown[]): readonly unknown[] {
  if (!Array.isArray(args[0])) throw new PickleProblem('a torch.Size in it is no list');
  return args[0];
}

const torchGlobals: ReadonlyMap<string, PickleGlobal> = new Map(
  [
    new PickleGlobal('collections.OrderedDict', orderedDict),
    new PickleGlobal('torch._utils._rebuild_tensor_v2', rebuildTensor),
    new PickleGlobal('torch._utils._rebuild_parameter', rebuildParameter),
    new PickleGlobal('torch.Size', size),
    ...dtypeNames.map((name) => new PickleGlobal(`torch.${name}`)),
    ...Object.entries(storageEncodings).map(
      ([name, encoding]) => new StorageType(`torch.${name}`, encoding),
    ),
  ].map((global) => [global.name, global]),
);

/** The Map of tensors itself, or the one inside {"module": ...} and the like. */
function findStateDict(
  file: MappedFile,
  value: unknown,
): {dict: ReadonlyMap<unknown, unknown>; wrapper?: string} {
  const path: string[] = [];
  let dict = value;
  while (dict instanceof Map && path.length <= MAX_WRAPPERS) {
    if ([...dict.values()].some((entry) => entry instanceof TensorReference)) {
      return path.length > 0 ? {dict, wrapper: path.join('.')} : {dict};
    }
    const current: ReadonlyMap<unknown, unknown> = dict;
    const wrapper = wrappers.find((name) => current.get(name) instanceof Map);
    if (wrapper === undefined) break;
    path.push(wrapper);
    dict = current.get(wrapper);
  }
  const keys = dict instanceof Map ? [...dict.keys()].map(String) : [];
  throw new ModelError(
    file.path,
    dict instanceof Map
      ? `no tensors in it (its keys are ${listNames(keys) || 'none'})`
      : 'it holds no state dict',
    `expected names with tensors, plain or under ${wrappers.map((name) => `"${name}"`).join(', ')}`,
  );
}
