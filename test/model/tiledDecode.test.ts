// Large pictures decoded in tiles: what depends on near pixels alone comes out as in one pass, and where
// tiles differ the picture has no seam.
import tf from '#tfjs';
import {suite} from 'uvu';
import * as assert from 'uvu/assert';
import {selectBackend} from '../../src/kernels/backend.js';
import {decodeTiled} from '../../src/model/diffusion/tiledDecode.js';
import {random, toTensor} from '../support/parity.js';

const test = suite('tiledDecode');
selectBackend({backend: 'reference'});
const FACTOR = 2;

/** A decoder of single latents, [1, 3, h, w] -> [1, 2 h, 2 w, 3]; `add` is added to all of a tile. */
const decoder = (add: (latents: tf.Tensor4D) => tf.Tensor = () => tf.scalar(0)) => {
  const tiles: number[][] = [];
  const toPictures = (latents: tf.Tensor4D) => {
    tiles.push(latents.shape.slice(2));
    return tf.tidy(() => {
      const pixels = tf.transpose(tf.add(latents, add(latents)), [0, 2, 3, 1]) as tf.Tensor4D;
      const [, rows, columns] = pixels.shape;
      return tf.image.resizeNearestNeighbor(pixels, [FACTOR * rows, FACTOR * columns]);
    });
  };
  return {vae: {factor: FACTOR, toPictures}, tiles};
};

test('tiles give what one pass gives', async () => {
  for (const [rows, columns] of [
    [8, 64],
    [64, 65],
    [65, 20],
    [112, 113],
    [200, 70],
  ] as const) {
    const latents = toTensor(random([1, 3, rows, columns], rows)) as tf.Tensor4D;
    const before = tf.memory().numTensors;
    const {vae, tiles} = decoder();
    const pixels = await decodeTiled(vae, latents);
    assert.is(tf.memory().numTensors, before, 'tensors');
    assert.ok(tiles.every(([height, width]) => height! <= 64 && width! <= 64));
    assert.is(tiles.length > 1, rows > 64 || columns > 64);
    const whole = tf.tidy(() => vae.toPictures(latents).dataSync());
    assert.is(pixels.length, whole.length);
    const apart = pixels.reduce((most, x, i) => Math.max(most, Math.abs(x - whole[i]!)), 0);
    assert.ok(apart < 1e-6, `${rows}x${columns}: ${apart} apart`);
    latents.dispose();
  }
});

test('tiles that disagree pass into each other without a seam', async () => {
  // Each tile is as bright as its own corner says: the left one 0, the right one 1.
  const corner = (latents: tf.Tensor4D) =>
    tf.reshape(tf.slice4d(latents, [0, 0, 0, 0], [1, 1, 1, 1]), []);
  const [rows, columns] = [8, 100];
  const values = Float32Array.from({length: 3 * rows * columns}, (_, i) =>
    i % columns >= 36 ? 1 : 0,
  );
  const latents = tf.tensor4d(values, [1, 3, rows, columns]);
  const {vae, tiles} = decoder((own) => tf.sub(corner(own), own));
  const pixels = await decodeTiled(vae, latents);
  assert.equal(tiles, [
    [8, 64],
    [8, 64],
  ]);
  const width = FACTOR * columns;
  const row = Array.from({length: width}, (_, x) => pixels[3 * x]!);
  assert.equal([row[0], row[width - 1]], [0, 1]);
  const steps = row.slice(1).map((value, x) => value - row[x]!);
  assert.ok(Math.max(...steps) < 0.04, `largest step ${Math.max(...steps)}`);
  assert.ok(Math.min(...steps) >= -1e-6, 'it only rises');
  latents.dispose();
});

test.run();
