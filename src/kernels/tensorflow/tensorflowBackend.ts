import type tf from '#tfjs';

/** The backend's name for tfjs; tfjs-node-gpu chose it. */
export const TENSORFLOW = 'tensorflow';

/** TensorFlow's numbers of types; of the last ones tfjs knows nothing. */
export const dataTypes = {
  float32: 1,
  int32: 3,
  uint8: 4,
  int8: 6,
  bfloat16: 14,
  half: 19,
} as const;
export type TensorType = keyof typeof dataTypes;

/** An attribute of a TensorFlow op, as the binding takes it. */
export interface OpAttribute {
  readonly name: string;
  readonly type: number;
  readonly value: boolean | number | string | readonly number[];
}

/** A tensor of TensorFlow's. */
export interface Handle {
  readonly id: number;
  readonly dtype: number;
  readonly shape: number[];
}

/** What tfjs-node-gpu keeps for a tensor: a handle, or values that get one when an op first wants it. */
export interface TensorEntry {
  shape: number[];
  dtype: number;
  values: Float32Array | Int32Array | Uint8Array | null;
  id: number;
  refCount: number;
}

/** What our kernels use of tfjs-node-gpu's NodeJSKernelBackend; the pinned release has it all. */
export interface TensorflowBackend extends tf.KernelBackend {
  binding: {
    readonly TF_ATTR_FLOAT: number;
    readonly TF_ATTR_BOOL: number;
    readonly TF_ATTR_INT: number;
    readonly TF_ATTR_TYPE: number;
    readonly TF_Version: string;
    isUsingGpuDevice(): boolean;
    /** Tensors that TensorFlow holds. */
    getNumOfTensors(): number;
    createTensor(
      shape: number[],
      dtype: number,
      values: Float32Array | Int32Array | Uint8Array,
    ): number;
    deleteTensor(id: number): void;
    executeOp(name: string, attributes: OpAttribute[], ids: number[], outputs: number): Handle[];
  };
  readonly tensorMap: {
    get(dataId: object): TensorEntry;
    set(dataId: object, entry: TensorEntry): void;
  };
  getInputTensorIds(tensors: tf.TensorInfo[]): number[];
  createOutputTensor(handle: Handle): tf.Tensor;
  write(values: Float32Array | Int32Array, shape: number[], dtype: tf.DataType): object;
  executeSingleOutput(name: string, attributes: OpAttribute[], inputs: tf.TensorInfo[]): tf.Tensor;
  executeMultipleOutputs(
    name: string,
    attributes: OpAttribute[],
    inputs: tf.TensorInfo[],
    numOutputs: number,
  ): tf.Tensor[];
}
