import tf from '#tfjs';
import {MathBackendCPU} from '@tensorflow/tfjs-backend-cpu';
import {encodedBytes, hasWholeBlocks} from '../encoding.js';
import {type Addon, type Encoding, type EncodingCode, encodingCodes, loadAddon} from './addon.js';
import {MemoryPool} from './memoryPool.js';
import {
  type BackendValues,
  ForeignData,
  type NumberArray,
  PooledData,
  type TensorData,
  WeightData,
} from './tensorData.js';

/** The backend's name for tfjs. */
export const NATIVE = 'native';

type DataId = tf.TensorInfo['dataId'];
export type NumericType = 'float32' | 'int32' | 'bool';

const arrayTypes = {float32: Float32Array, int32: Int32Array, bool: Uint8Array};

/** A weight as native kernels take it: two consecutive arguments. */
export interface WeightArgument {
  readonly bytes: Uint8Array;
  readonly encoding: EncodingCode;
}

/**
 * tfjs's CPU backend with storage of its own, so that memory is recycled and weights stay in the
 * file's mapped pages. Kernels that are not native are the stock ones; an array that one of them has
 * seen is left to the garbage collector, for it may have been aliased.
 */
export class NativeBackend extends MathBackendCPU {
  private readonly pool: MemoryPool;
  /** What the running native kernels have allocated, oldest first. */
  private readonly pending: tf.TensorInfo[] = [];

  constructor(readonly addon: Addon) {
    super();
    this.pool = new MemoryPool(addon);
  }

  // --- for native kernels

  /** A new tensor; its contents are undefined, its memory 64-byte aligned. */
  allocate(shape: readonly number[], dtype: NumericType = 'float32'): tf.TensorInfo {
    let count = 1;
    for (const size of shape) count *= size;
    const block = this.pool.take(dtype === 'bool' ? count : count * 4);
    const ArrayType = arrayTypes[dtype];
    const info = {dataId: {}, shape: [...shape], dtype};
    const array = new ArrayType(block.buffer, block.offset, count);
    this.entries.set(info.dataId, new PooledData(dtype, array, block));
    if (this.depth > 0) this.pending.push(info);
    return info;
  }

  /** The tensor's numbers, valid until the kernel returns. A weight that is not float32 is decoded. */
  floats(info: tf.TensorInfo): Float32Array {
    return this.array(info, 'float32') as Float32Array;
  }

  ints(info: tf.TensorInfo): Int32Array {
    return this.array(info, 'int32') as Int32Array;
  }

  bools(info: tf.TensorInfo): Uint8Array {
    return this.array(info, 'bool') as Uint8Array;
  }

  /** Numbers of any type. */
  numbers(info: tf.TensorInfo): NumberArray {
    return this.array(info, info.dtype as NumericType);
  }

  /** Numbers of any type, as bytes. */
  bytes(info: tf.TensorInfo): Uint8Array {
    const array = this.numbers(info);
    return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
  }

  /**
   * The stored bytes of a weight, or of any float32 tensor, from element `first` on, the start of a row of
   * `rowSize`. Decoded where such rows cut its blocks, as after a reshape.
   */
  weight(info: tf.TensorInfo, {rowSize = info.shape.at(-1) ?? 1, first = 0} = {}): WeightArgument {
    const data = this.entries.get(info.dataId);
    if (data instanceof WeightData && hasWholeBlocks(data.encoding, [rowSize])) {
      const {bytes, encoding} = data;
      const start = first === 0 ? 0 : encodedBytes(encoding, [first]);
      return {bytes: from(bytes, start), encoding: encodingCodes[encoding]};
    }
    return {bytes: from(this.bytes(info), 4 * first), encoding: encodingCodes.f32};
  }

  /** How the tensor's numbers are stored. */
  encoding(info: tf.TensorInfo): Encoding {
    const data = this.entries.get(info.dataId);
    return data instanceof WeightData ? data.encoding : 'f32';
  }

  /** The same data as a tensor of another shape. */
  share(info: tf.TensorInfo, shape: readonly number[]): tf.TensorInfo {
    this.incRef(info.dataId);
    return {dataId: info.dataId, shape: [...shape], dtype: info.dtype};
  }

  /**
   * A tensor on the same data that a kernel may overwrite in place. Fails for a weight, which may be
   * a read-only page of a file.
   */
  sharedForWriting(info: tf.TensorInfo, operation: string): tf.TensorInfo {
    if (this.entries.get(info.dataId) instanceof WeightData) {
      throw new Error(
        `${operation}: expected a tensor that can be written, got a weight of a file`,
      );
    }
    return this.share(info, info.shape);
  }

  /**
   * Whether a tensor's numbers may be overwritten: no other tensor shares them (a clone, a reshape), they
   * are not the user's own array or a file's page, and no stock kernel has seen them (its result may be a
   * view, as slice's is).
   */
  isExclusive(info: tf.TensorInfo): boolean {
    return (
      this.entries.get(info.dataId).recyclable !== undefined && this.refCount(info.dataId) === 1
    );
  }

  /** Adds a weight that stays where it is; `bytes` are kept alive until it is disposed. */
  addWeight(bytes: Uint8Array, encoding: Encoding, shape: readonly number[]): tf.TensorInfo {
    const dataId = {};
    this.entries.set(dataId, new WeightData(bytes, encoding));
    return {dataId, shape: [...shape], dtype: 'float32'};
  }

  /** Runs a native kernel: what it allocated is freed again when it throws. */
  runNative<T>(kernel: () => T): T {
    const mark = this.pending.length;
    this.depth++;
    try {
      return kernel();
    } catch (error) {
      for (const info of this.pending.slice(mark)) this.disposeData(info.dataId, true);
      throw error;
    } finally {
      this.depth--;
      this.pending.length = mark;
    }
  }

  // --- tfjs's KernelBackend

  override write(values: BackendValues, _shape: number[], dtype: tf.DataType): DataId {
    const dataId = {};
    this.entries.set(dataId, new ForeignData(dtype, values));
    return dataId;
  }

  override move(
    dataId: DataId,
    values: BackendValues,
    _shape: number[],
    dtype: tf.DataType,
    refCount: number,
  ): void {
    this.entries.set(dataId, new ForeignData(dtype, values, refCount));
  }

  override readSync(dataId: DataId): BackendValues {
    const data = this.entries.get(dataId);
    // A copy: the block may hold another tensor by the time the caller looks.
    return data instanceof PooledData
      ? data.array.slice()
      : (super.readSync(dataId) as BackendValues);
  }

  override disposeData(dataId: DataId, force = false): boolean {
    const block = this.data.has(dataId) ? this.entries.get(dataId).recyclable : undefined;
    if (!super.disposeData(dataId, force)) return false;
    if (block) this.pool.give(block);
    return true;
  }

  override memory(): {unreliable: boolean; reasons: string[]} {
    return {unreliable: false, reasons: []};
  }

  override dispose(): void {
    this.pool.clear();
  }

  private depth = 0;

  private array(info: tf.TensorInfo, dtype: NumericType): NumberArray {
    const ArrayType = arrayTypes[dtype];
    if (info.dtype !== dtype || !ArrayType) {
      throw new Error(`native: expected a ${dtype} tensor, got ${info.dtype} [${info.shape}]`);
    }
    const {array} = this.entries.get(info.dataId);
    // tfjs's own kernels may label integers as floats.
    return array instanceof ArrayType ? array : ArrayType.from(array);
  }

  private get entries(): {
    get(id: DataId): TensorData;
    set(id: DataId, data: TensorData): void;
  } {
    return this.data as never;
  }
}

/** The bytes from `start` on; most calls want them all, and a view costs as much as a small kernel. */
const from = (bytes: Uint8Array, start: number) => (start === 0 ? bytes : bytes.subarray(start));

/** What a native kernel gets. */
export interface NativeCall<Inputs, Attrs> {
  readonly inputs: Inputs;
  readonly attrs: Attrs;
  readonly backend: NativeBackend;
}

/** The tfjs kernel `kernelName` of the native backend. */
export function nativeKernel<Inputs, Attrs = object>(
  kernelName: string,
  run: (call: NativeCall<Inputs, Attrs>) => tf.TensorInfo | tf.TensorInfo[],
): tf.KernelConfig {
  return {
    kernelName,
    backendName: NATIVE,
    kernelFunc: ({inputs, attrs, backend}) => {
      const native = backend as NativeBackend;
      return native.runNative(() =>
        run({inputs: inputs as Inputs, attrs: (attrs ?? {}) as Attrs, backend: native}),
      );
    },
  };
}

/** Runs tfjs's own CPU kernel, for the cases that the native one leaves to it. */
export function runStockKernel<Inputs, Attrs>(
  kernelName: string,
  {inputs, attrs, backend}: NativeCall<Inputs, Attrs>,
): tf.TensorInfo {
  const kernel = tf.getKernel(kernelName, 'cpu');
  return kernel.kernelFunc({
    inputs: inputs as tf.NamedTensorInfoMap,
    attrs: attrs as tf.NamedAttrMap,
    backend,
  }) as tf.TensorInfo;
}

/** The native backend if it is the one in use. */
export function activeNativeBackend(): NativeBackend | undefined {
  const backend = tf.backend();
  return backend instanceof NativeBackend ? backend : undefined;
}

/** Makes the backend `native` known to tfjs, with `kernels` in place of the stock ones; false without addon. */
export function registerNativeBackend(kernels: readonly tf.KernelConfig[]): boolean {
  const addon = loadAddon();
  if (!addon) return false;
  if (tf.findBackendFactory(NATIVE)) return true;
  tf.registerBackend(NATIVE, () => new NativeBackend(addon), 0);
  tf.copyRegisteredKernels('cpu', NATIVE);
  for (const kernel of kernels) {
    if (tf.getKernel(kernel.kernelName, NATIVE)) tf.unregisterKernel(kernel.kernelName, NATIVE);
    tf.registerKernel(kernel);
  }
  return true;
}
