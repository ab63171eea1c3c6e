// Named, shape-checked tensors from a checkpoint. Names are exact: what a model asks for must be
// there, and what is there must be asked for.
import tf from '#tfjs';
import {makeWeight} from '../kernels/weight.js';
import {countNoun, sameShape, WeightsError} from './checkTensors.js';
import type {Checkpoint} from './checkpoint.js';
import {decodeFloat32} from './decode.js';
import {listNames} from './printable.js';
import type {StoredTensor} from './storedTensor.js';

/** What all scopes of one checkpoint share. */
interface Shared {
  readonly checkpoint: Checkpoint;
  readonly tensors: Map<string, tf.Tensor>;
}

export class Weights {
  private constructor(
    private readonly shared: Shared,
    private readonly prefix: string,
  ) {}

  /**
   * Takes the checkpoint's tensors as they are asked for; `close` stays with the one who opened it.
   */
  static open(checkpoint: Checkpoint): Weights {
    return new Weights({checkpoint, tensors: new Map()}, '');
  }

  /** The same weights under `prefix.`: scope('visual').scope('blocks.0'). */
  scope(prefix: string): Weights {
    return new Weights(this.shared, `${this.prefix}${prefix}.`);
  }

  has(name: string): boolean {
    return this.shared.checkpoint.tensors.has(this.prefix + name);
  }

  /**
   * The tensor of that name, made on the first call and owned by these weights. f32, f16 and bf16
   * stay as stored (a mapped view where possible); f64 and whole numbers become float32. Throws
   * WeightsError when it is missing or of another shape.
   */
  tensor(name: string, shape: readonly number[]): tf.Tensor {
    const {checkpoint, tensors} = this.shared;
    const full = this.prefix + name;
    const stored = checkpoint.tensors.get(full);
    if (!stored) {
      throw new WeightsError(
        checkpoint.path,
        `weights: ${full} is missing (${checkpoint.tensors.size} tensors read)`,
        {missing: [full]},
        'is it a checkpoint of this model and mode?',
      );
    }
    if (!sameShape(stored.shape, shape)) {
      throw new WeightsError(
        checkpoint.path,
        `weights: expected ${full} of shape [${shape.join(', ')}], got [${stored.shape.join(', ')}]`,
        {mismatched: [full]},
        'a model of other sizes needs its configuration: --config DIR',
      );
    }
    let tensor = tensors.get(full);
    if (!tensor) {
      tensor = tf.keep(makeTensor(stored)); // not to be freed by a tidy around the first call
      tensors.set(full, tensor);
    }
    return tensor;
  }

  /**
   * Throws WeightsError listing the tensors in this scope that nobody asked for, save the allowed
   * ones.
   */
  finish(allowUnused: readonly RegExp[] = []): void {
    const {checkpoint, tensors} = this.shared;
    const unexpected = [...checkpoint.tensors.keys()].filter(
      (name) =>
        name.startsWith(this.prefix) &&
        !tensors.has(name) &&
        !allowUnused.some((allowed) => allowed.test(name)),
    );
    if (unexpected.length === 0) return;
    throw new WeightsError(
      checkpoint.path,
      `weights: ${countNoun(unexpected.length, 'unexpected tensor')}: ${listNames(unexpected)}`,
      {unexpected},
      'is it a checkpoint of this model and mode?',
    );
  }

  /** Frees every tensor handed out, of all scopes. */
  dispose(): void {
    for (const tensor of this.shared.tensors.values()) tensor.dispose();
    this.shared.tensors.clear();
  }
}

function makeTensor(stored: StoredTensor): tf.Tensor {
  const {encoding} = stored;
  const shape = [...stored.shape];
  if (encoding === 'f32' || encoding === 'f16' || encoding === 'bf16') {
    return makeWeight(stored.read(), encoding, shape);
  }
  const values = decodeFloat32(stored.read(), encoding);
  return makeWeight(new Uint8Array(values.buffer), 'f32', shape);
}
