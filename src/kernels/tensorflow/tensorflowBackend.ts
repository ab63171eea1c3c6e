import type tf from '#tfjs';

/** The backend's name for tfjs; tfjs-node-gpu chose it. */
export const TENSORFLOW = 'tensorflow';

/** An attribute of a TensorFlow op, as the binding takes it. */
export interface OpAttribute {
  readonly name: string;
  readonly type: number;
  readonly value: boolean | number | string | readonly number[];
}

/** What our kernels use of tfjs-node-gpu's NodeJSKernelBackend. */
export interface TensorflowBackend extends tf.KernelBackend {
  readonly binding: {
    readonly TF_ATTR_FLOAT: number;
    readonly TF_ATTR_BOOL: number;
    readonly TF_ATTR_INT: number;
    readonly TF_ATTR_TYPE: number;
    readonly TF_Version: string;
    isUsingGpuDevice(): boolean;
    /** Tensors that TensorFlow holds. */
    getNumOfTensors(): number;
  };
  write(values: Float32Array | Int32Array, shape: number[], dtype: tf.DataType): object;
  executeSingleOutput(name: string, attributes: OpAttribute[], inputs: tf.TensorInfo[]): tf.Tensor;
  executeMultipleOutputs(
    name: string,
    attributes: OpAttribute[],
    inputs: tf.TensorInfo[],
    numOutputs: number,
  ): tf.Tensor[];
}
