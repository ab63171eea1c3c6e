// What the kernels of our ops share: attributes, small inputs that come from JavaScript, and registration.
import tf from '#tfjs';
import {
  dataTypes,
  type OpAttribute,
  TENSORFLOW,
  type TensorflowBackend,
  type TensorType,
} from './tensorflowBackend.js';

/** One run of an op. */
export interface CustomCall<Inputs, Attrs> {
  readonly inputs: Inputs;
  readonly attrs: Attrs;
  readonly backend: TensorflowBackend;
}

/** The tfjs kernel `kernelName` of the backend `tensorflow`. */
export function tensorflowKernel<Inputs, Attrs = object>(
  kernelName: string,
  run: (call: CustomCall<Inputs, Attrs>) => tf.TensorInfo | tf.TensorInfo[],
): tf.KernelConfig {
  return {
    kernelName,
    backendName: TENSORFLOW,
    kernelFunc: ({inputs, attrs, backend}) =>
      run({
        inputs: inputs as Inputs,
        attrs: (attrs ?? {}) as Attrs,
        backend: backend as TensorflowBackend,
      }),
  };
}

/** Registers a kernel of this backend in the place of one of the same name, if there is one. */
export function replaceKernel(kernel: tf.KernelConfig): void {
  if (tf.getKernel(kernel.kernelName, TENSORFLOW))
    tf.unregisterKernel(kernel.kernelName, TENSORFLOW);
  tf.registerKernel(kernel);
}

/** The inputs of an op, by name. */
export type NamedInputs = Readonly<Record<string, tf.TensorInfo>>;

export const inOrder = (inputs: NamedInputs, names: readonly string[]): tf.TensorInfo[] =>
  names.map((name) => inputs[name]!);

export const floatAttribute = (backend: TensorflowBackend, name: string, value: number) =>
  ({name, type: backend.binding.TF_ATTR_FLOAT, value}) satisfies OpAttribute;

export const sizeAttribute = (backend: TensorflowBackend, name: string, value: number) =>
  ({name, type: backend.binding.TF_ATTR_INT, value}) satisfies OpAttribute;

export const flagAttribute = (backend: TensorflowBackend, name: string, value: boolean) =>
  ({name, type: backend.binding.TF_ATTR_BOOL, value}) satisfies OpAttribute;

export const typeAttribute = (backend: TensorflowBackend, name: string, value: TensorType) =>
  ({name, type: backend.binding.TF_ATTR_TYPE, value: dataTypes[value]}) satisfies OpAttribute;

/** A tensor of these numbers, unknown to tfjs. */
export function upload(
  backend: TensorflowBackend,
  values: Float32Array | Int32Array,
  shape: number[] = [values.length],
): tf.TensorInfo {
  const dtype = values instanceof Int32Array ? 'int32' : 'float32';
  return {dataId: backend.write(values, shape, dtype), shape, dtype};
}

/** Tensors without elements. They stay as long as the process. */
let absent: {floats: tf.TensorInfo; ints: tf.TensorInfo} | undefined;

/** What stands for inputs that are left out. */
export function absentInputs(backend: TensorflowBackend): {
  floats: tf.TensorInfo;
  ints: tf.TensorInfo;
} {
  absent ??= {
    floats: upload(backend, new Float32Array(0)),
    ints: upload(backend, new Int32Array(0)),
  };
  return absent;
}

/** Runs `body` with a tensor of these numbers. */
export function withUpload<T>(
  backend: TensorflowBackend,
  values: Float32Array | Int32Array,
  body: (info: tf.TensorInfo) => T,
): T {
  const info = upload(backend, values);
  try {
    return body(info);
  } finally {
    backend.disposeData(info.dataId, true);
  }
}
