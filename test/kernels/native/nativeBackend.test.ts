import tf from '#tfjs';
import {suite} from 'uvu';
import * as assert from 'uvu/assert';
import {availableBackends, selectBackend} from '../../../src/kernels/backend.js';
import {linear} from '../../../src/kernels/index.js';
import {addonProblem} from '../../../src/kernels/native/addon.js';
import {blockSize} from '../../../src/kernels/native/memoryPool.js';
import {activeNativeBackend, nativeKernel} from '../../../src/kernels/native/nativeBackend.js';
import {makeWeight} from '../../../src/kernels/weight.js';
import {skip} from '../../support/skip.js';

const test = suite('nativeBackend');

test('without a wish the native backend is chosen, or why not is said', () => {
  const before = process.env.EMU_BACKEND;
  delete process.env.EMU_BACKEND;
  const info = selectBackend();
  if (before !== undefined) process.env.EMU_BACKEND = before;
  if (availableBackends().includes('native')) {
    assert.is(info.name, 'native');
    assert.is(info.reason, undefined);
    assert.ok(info.threads >= 1);
  } else {
    assert.is(info.name, 'reference');
    assert.is(info.reason, addonProblem());
  }
});

test('backends, instruction sets and threads that cannot be are refused', () => {
  assert.throws(() => selectBackend({backend: 'gpu' as never}), /expected auto, native/);
  if (availableBackends().includes('native')) {
    assert.throws(() => selectBackend({isa: 'mmx'}), /not the instruction set 'mmx'/);
  }
  assert.is(selectBackend({backend: 'reference'}).name, 'reference');
});

test('memory comes in few sizes and wastes at most an eighth', () => {
  for (let bytes = 1; bytes < 2 ** 33; bytes = Math.ceil(bytes * 1.37)) {
    const size = blockSize(bytes);
    assert.ok(size >= bytes && size <= Math.max(64, bytes * 1.125 + 64), `${bytes} -> ${size}`);
    assert.is(blockSize(size), size);
  }
});

function testNative(name: string, body: () => void): void {
  if (!availableBackends().includes('native')) {
    skip(test, name, addonProblem() ?? '');
    return;
  }
  test(name, () => {
    selectBackend({backend: 'native'});
    body();
  });
}

const addressOf = (x: tf.Tensor) => {
  const array = activeNativeBackend()!.floats(x);
  return [array.buffer, array.byteOffset];
};

testNative('memory of a disposed tensor is used again, 64-byte aligned in its buffer', () => {
  const first = tf.exp(tf.zeros([1000]));
  const [buffer] = addressOf(first);
  first.dispose();
  const second = tf.exp(tf.zeros([1000]));
  assert.is(addressOf(second)[0], buffer);
  second.dispose();
});

testNative('memory that JavaScript may still see is not used again', () => {
  // Sin is tfjs's own kernel: it reads the values and might keep views on them.
  const first = tf.exp(tf.zeros([1000]));
  const [buffer] = addressOf(first);
  const sine = tf.sin(first);
  first.dispose();
  const second = tf.neg(tf.ones([1000]));
  assert.is.not(addressOf(second)[0], buffer);
  tf.dispose([second, sine]);
});

testNative('what dataSync gives stays as it was', () => {
  const first = tf.exp(tf.zeros([1000]));
  const values = first.dataSync();
  first.dispose();
  const second = tf.neg(tf.ones([1000]));
  assert.is(values[0], 1);
  second.dispose();
});

testNative('reshaped and cloned tensors keep shared data until the last is disposed', () => {
  const first = tf.exp(tf.zeros([6]));
  const reshaped = tf.reshape(first, [2, 3]);
  const cloned = tf.clone(first);
  first.dispose();
  cloned.dispose();
  const other = tf.neg(tf.ones([6]));
  assert.equal(Array.from(reshaped.dataSync()), [1, 1, 1, 1, 1, 1]);
  tf.dispose([reshaped, other]);
});

testNative('tensors move in from another backend', () => {
  selectBackend({backend: 'reference'});
  const x = tf.tensor1d([1, 4, 9]);
  selectBackend({backend: 'native'});
  assert.equal(Array.from(tf.sqrt(x).dataSync()), [1, 2, 3]);
  x.dispose();
});

testNative('a kernel that fails leaves no tensor behind', () => {
  tf.registerKernel(
    nativeKernel('EmuTestFailing', ({backend}) => {
      backend.allocate([10]);
      throw new Error('on purpose');
    }),
  );
  const backend = activeNativeBackend()!;
  const before = backend.numDataIds();
  assert.throws(() => tf.engine().runKernel('EmuTestFailing', {}), 'on purpose');
  assert.is(backend.numDataIds(), before);
  tf.unregisterKernel('EmuTestFailing', 'native');
});

testNative('the addon checks what it is given', () => {
  const {addon} = activeNativeBackend()!;
  const two = new Float32Array(2);
  assert.throws(
    () => addon.softmax(two, two, 1, 3),
    /softmax: expected a Float32Array of at least 3/,
  );
  assert.throws(() => addon.softmax(new Int32Array(3) as never, two, 1, 1), /Float32Array/);
  assert.throws(() => addon.softmax(two, two, 1, -1), /whole number/);
  assert.throws(() => addon.softmax(two, two, 1, 0.5), /whole number/);
  assert.throws(() => addon.setIsa('mmx'), /mmx/);
});

testNative('memory does not grow while a training step repeats', () => {
  const weight = makeWeight(new Uint8Array(64 * 96 * 2), 'bf16', [64, 96]);
  const trained = tf.variable(tf.randomNormal([32, 64]));
  const step = () =>
    tf.tidy(() => {
      const x = tf.randomNormal([40, 96]);
      const loss = (w: tf.Tensor) => {
        const hidden = tf.relu(linear(x, weight));
        const logits = linear(tf.concat([hidden, tf.slice(hidden, [0], [8])]), w);
        return tf.neg(tf.mean(tf.logSoftmax(tf.reshape(logits, [6, 8, 32]))));
      };
      const gradient = tf.grad(loss)(trained);
      trained.assign(tf.sub(trained, tf.mul(gradient, 0.01)));
      return gradient.dataSync()[0];
    });
  for (let i = 0; i < 200; i++) step();
  const before = {...tf.memory(), rss: process.memoryUsage().rss};
  for (let i = 0; i < 1000; i++) step();
  const after = {...tf.memory(), rss: process.memoryUsage().rss};
  assert.is(after.numTensors, before.numTensors);
  assert.is(after.numBytes, before.numBytes);
  const grownBy = (after.rss - before.rss) / 2 ** 20;
  assert.ok(grownBy < 60, `grew by ${grownBy.toFixed(0)} MiB`);
  tf.dispose([weight, trained]);
});

test.run();
