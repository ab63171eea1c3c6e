// TensorFlow's ops on types that tfjs has no name for (bfloat16, half, uint8): from handles to handles.
import type tf from '#tfjs';
import {flagAttribute, sizeAttribute, typeAttribute} from './customOp.js';
import {
  dataTypes,
  type Handle,
  type OpAttribute,
  type TensorflowBackend,
  type TensorType,
} from './tensorflowBackend.js';

/** The ops of one call. What they make is deleted after it, but for the result. */
export class RawOps {
  private readonly made: Handle[] = [];

  constructor(private readonly backend: TensorflowBackend) {}

  /** A tensor as TensorFlow holds it. */
  input(info: tf.TensorInfo): Handle {
    const [id] = this.backend.getInputTensorIds([info]);
    const {dtype, shape} = this.backend.tensorMap.get(info.dataId);
    return {id: id!, dtype, shape};
  }

  /** The same of data without a tensor. */
  stored(dataId: object): Handle {
    return this.input({dataId, shape: [], dtype: 'float32'});
  }

  /** The first output of an op; `attributes` without those of types, which the inputs tell. */
  run(op: string, attributes: readonly OpAttribute[], inputs: readonly Handle[]): Handle {
    const ids = inputs.map(({id}) => id);
    return this.keep(this.backend.binding.executeOp(op, [...attributes], ids, 1)[0]!);
  }

  /** A vector of whole numbers, for ops that take a shape or places as a tensor. */
  ints(values: readonly number[]): Handle {
    return this.upload([values.length], 'int32', Int32Array.from(values));
  }

  int(value: number): Handle {
    return this.upload([], 'int32', Int32Array.of(value));
  }

  byte(value: number): Handle {
    return this.upload([], 'uint8', Uint8Array.of(value));
  }

  float(value: number): Handle {
    return this.upload([], 'float32', Float32Array.of(value));
  }

  private upload(
    shape: number[],
    type: TensorType,
    values: Float32Array | Int32Array | Uint8Array,
  ): Handle {
    const dtype = dataTypes[type];
    return this.keep({id: this.backend.binding.createTensor(shape, dtype, values), dtype, shape});
  }

  /** The numbers rounded to another type; itself where it has that type. */
  cast(x: Handle, type: TensorType): Handle {
    if (x.dtype === dataTypes[type]) return x;
    const to = this.type('DstT', type);
    return this.run('Cast', [{...to, name: 'SrcT', value: x.dtype}, to], [x]);
  }

  /** The bytes as another type. A wider one takes away the last dimension, which must be its bytes. */
  bitcast(x: Handle, type: TensorType): Handle {
    const to = this.type('type', type);
    return this.run('Bitcast', [{...to, name: 'T', value: x.dtype}, to], [x]);
  }

  /** Itself where it has that shape. */
  reshape(x: Handle, shape: readonly number[]): Handle {
    if (x.shape.join() === shape.join()) return x;
    const types = [{...this.type('T', 'float32'), value: x.dtype}, this.type('Tshape', 'int32')];
    return this.run('Reshape', types, [x, this.ints(shape)]);
  }

  type(name: string, type: TensorType): OpAttribute {
    return typeAttribute(this.backend, name, type);
  }

  size(name: string, value: number): OpAttribute {
    return sizeAttribute(this.backend, name, value);
  }

  flag(name: string, value: boolean): OpAttribute {
    return flagAttribute(this.backend, name, value);
  }

  /** Deletes all handles but `result`. */
  end(result?: Handle): void {
    for (const {id} of this.made) if (id !== result?.id) this.backend.binding.deleteTensor(id);
  }

  private keep(handle: Handle): Handle {
    this.made.push(handle);
    return handle;
  }
}

/** Runs `body`, whose result, float32 or int32, becomes a tensor of tfjs. */
export function withRawOps(
  backend: TensorflowBackend,
  body: (ops: RawOps) => Handle,
): tf.TensorInfo {
  const ops = new RawOps(backend);
  let result: Handle | undefined;
  try {
    result = body(ops);
  } finally {
    ops.end(result);
  }
  return backend.createOutputTensor(result);
}
