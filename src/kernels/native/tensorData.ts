// What the native backend keeps for a tensor. tfjs's own kernels read `values`; ours read `array`.
import type {TensorInfo} from '@tensorflow/tfjs';
import {decode} from '../encoding.js';
import type {Encoding} from './addon.js';
import type {Block} from './memoryPool.js';

export type NumberArray = Float32Array | Int32Array | Uint8Array;
/** Bytes of strings, or numbers: what tfjs calls BackendValues. */
export type BackendValues = NumberArray | Uint8Array[];

export interface TensorData {
  readonly dtype: string;
  refCount: number;
  /** For tfjs's kernels, which may keep the array or views on it. */
  readonly values: BackendValues | undefined;
  /** The numbers, for kernels that keep no reference. */
  readonly array: NumberArray;
  /** The pool's block behind `array`, once nobody can see it any more. */
  readonly recyclable: Block | undefined;
  complexTensorInfos?: {real: TensorInfo; imag: TensorInfo};
}

/** Results of native kernels, in a block of the pool. */
export class PooledData implements TensorData {
  refCount = 1;
  private hasEscaped = false;

  constructor(
    readonly dtype: string,
    readonly array: NumberArray,
    private readonly block: Block,
  ) {}

  get values(): BackendValues {
    this.hasEscaped = true;
    return this.array;
  }

  get recyclable(): Block | undefined {
    return this.hasEscaped ? undefined : this.block;
  }
}

/** Arrays that JavaScript made: tensors of the user and results of tfjs's own kernels. */
export class ForeignData implements TensorData {
  readonly recyclable = undefined;
  declare complexTensorInfos?: {real: TensorInfo; imag: TensorInfo};

  constructor(
    readonly dtype: string,
    readonly values: BackendValues | undefined,
    public refCount = 1,
  ) {}

  get array(): NumberArray {
    const {values, dtype} = this;
    if (dtype === 'float32' && values instanceof Float32Array) return values;
    if (dtype === 'int32' && values instanceof Int32Array) return values;
    if (dtype === 'bool' && values instanceof Uint8Array) return values;
    const numbers = (values ?? []) as unknown as ArrayLike<number>;
    if (dtype === 'float32') return Float32Array.from(numbers);
    if (dtype === 'int32') return Int32Array.from(numbers);
    if (dtype === 'bool') return Uint8Array.from(numbers);
    throw new Error(`native: expected a tensor of numbers, got ${dtype}`);
  }
}

/** Weights up to this many elements stay decoded once a kernel needed them as floats. */
const MAX_KEPT_ELEMENTS = 1 << 20;

/** A weight where it lies, often in the mapped pages of a file; keeps its bytes alive. */
export class WeightData implements TensorData {
  readonly dtype = 'float32';
  refCount = 1;
  readonly recyclable = undefined;
  private decoded: Float32Array | undefined;

  constructor(
    readonly bytes: Uint8Array,
    readonly encoding: Encoding,
  ) {}

  get values(): BackendValues {
    return this.array;
  }

  get array(): Float32Array {
    if (this.decoded) return this.decoded;
    const {bytes, encoding} = this;
    if (encoding === 'f32' && bytes.byteOffset % 4 === 0) {
      return new Float32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4);
    }
    const decoded = decode(bytes, encoding);
    if (decoded.length <= MAX_KEPT_ELEMENTS) this.decoded = decoded;
    return decoded;
  }
}
