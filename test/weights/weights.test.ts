import path from 'node:path';
import tf from '#tfjs';
import {suite} from 'uvu';
import * as assert from 'uvu/assert';
import {availableBackends, selectBackend} from '../../src/kernels/backend.js';
import {type Checkpoint, openCheckpoint} from '../../src/weights/checkpoint.js';
import {WeightsError} from '../../src/weights/checkTensors.js';
import {type TensorToWrite, writeSafetensors} from '../../src/weights/safetensors.js';
import {Weights} from '../../src/weights/weights.js';
import {throwsEmuError} from '../support/errors.js';
import {temporaryFolder} from '../support/temporary.js';

const folder = temporaryFolder();

const bytes = (array: ArrayBufferView) => new Uint8Array(array.buffer);

const tensors: TensorToWrite[] = [
  {name: 'a.b.f32', shape: [2, 2], encoding: 'f32', data: bytes(Float32Array.of(1, -2, 3.5, 0))},
  // 1, -2, 0.5 in each 16-bit format
  {
    name: 'a.b.f16',
    shape: [3],
    encoding: 'f16',
    data: bytes(Uint16Array.of(0x3c00, 0xc000, 0x3800)),
  },
  {
    name: 'a.b.bf16',
    shape: [3],
    encoding: 'bf16',
    data: bytes(Uint16Array.of(0x3f80, 0xc000, 0x3f00)),
  },
  {name: 'a.f64', shape: [2], encoding: 'f64', data: bytes(Float64Array.of(1e-3, -7))},
  {name: 'a.i64', shape: [2], encoding: 'i64', data: bytes(BigInt64Array.of(-5n, 6n))},
  {name: 'other', shape: [], encoding: 'u8', data: Uint8Array.of(9)},
];

const file = path.join(folder, 'weights.safetensors');
writeSafetensors(file, tensors);

function withWeights(run: (weights: Weights, checkpoint: Checkpoint) => void): void {
  const checkpoint = openCheckpoint(file);
  const weights = Weights.open(checkpoint);
  try {
    run(weights, checkpoint);
  } finally {
    weights.dispose();
    checkpoint.close();
  }
}

const test = suite('weights');

for (const backend of availableBackends()) {
  test(`hands out tensors of every encoding (${backend})`, () => {
    selectBackend({backend});
    withWeights((weights) => {
      const inner = weights.scope('a').scope('b');
      const f32 = inner.tensor('f32', [2, 2]);
      assert.is(f32.dtype, 'float32');
      assert.equal(f32.shape, [2, 2]);
      assert.equal([...f32.dataSync()], [1, -2, 3.5, 0]);
      assert.equal([...inner.tensor('f16', [3]).dataSync()], [1, -2, 0.5]);
      assert.equal([...inner.tensor('bf16', [3]).dataSync()], [1, -2, 0.5]);
      const outer = weights.scope('a');
      assert.equal([...outer.tensor('f64', [2]).dataSync()], [Math.fround(1e-3), -7]);
      assert.equal([...outer.tensor('i64', [2]).dataSync()], [-5, 6]);
      assert.equal([...weights.tensor('other', []).dataSync()], [9]);
    });
  });

  test(`makes a tensor once, keeps it through tidies, frees it on dispose (${backend})`, () => {
    selectBackend({backend});
    const before = tf.memory().numTensors;
    withWeights((weights) => {
      const first = tf.tidy(() => weights.tensor('a.b.f32', [2, 2]) && undefined);
      assert.is(first, undefined);
      const tensor = weights.tensor('a.b.f32', [2, 2]);
      assert.is(weights.scope('a.b').tensor('f32', [2, 2]), tensor);
      assert.is(tensor.isDisposed, false);
      assert.is(tf.memory().numTensors, before + 1);
    });
    assert.is(tf.memory().numTensors, before);
  });
}

test('a missing name and a wrong shape are errors that say which', () => {
  withWeights((weights) => {
    const missing = throwsEmuError(
      () => weights.scope('a').tensor('nothing', [1]),
      /weights\.safetensors: weights: a\.nothing is missing \(6 tensors read\)/,
    ) as WeightsError;
    assert.instance(missing, WeightsError);
    assert.is(missing.exitCode, 3);
    assert.equal(missing.missing, ['a.nothing']);
    for (const shape of [[4], [2, 2, 1], [2, 3], []]) {
      const error = throwsEmuError(
        () => weights.tensor('a.b.f32', shape),
        /expected a\.b\.f32 of shape \[.*\], got \[2, 2\]/,
      ) as WeightsError;
      assert.equal(error.mismatched, ['a.b.f32']);
    }
  });
});

test('finish names what was not asked for', () => {
  withWeights((weights) => {
    weights.tensor('a.b.f32', [2, 2]);
    const error = throwsEmuError(
      () => weights.finish([/^a\.b\./]),
      /3 unexpected tensors: a\.f64, a\.i64, other/,
    ) as WeightsError;
    assert.equal(error.unexpected, ['a.f64', 'a.i64', 'other']);
    weights.finish([/./]);
    assert.ok(weights.has('other') && !weights.scope('a').has('other'));
    const scope = weights.scope('a');
    throwsEmuError(() => scope.finish(), /4 unexpected/);
    scope.finish([/^a\./]);
  });
});

test.run();
