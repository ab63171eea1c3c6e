// A process of its own that proves a build before it is switched on: smokeChild.ts FILES (TensorflowFiles as JSON).
// Prints what it found as JSON; a wrong number or a library that cannot load ends it with an error.
import tf from '#tfjs';
import {selectBackend} from '../../kernels/backend.js';
import {rmsNorm} from '../../kernels/index.js';
import {rmsNormReference} from '../../kernels/rmsNorm/rmsNorm.reference.js';
import type {TensorflowFiles} from '../../kernels/tensorflow/layout.js';
import {loadTensorflow} from '../../kernels/tensorflow/loadTensorflow.js';

process.on('uncaughtException', (error) => {
  process.stderr.write(`${error.message}\n`, () => process.exit(1));
});

const TOLERANCE = 1e-5; // float32, sums of 64 numbers

function check(what: string, found: tf.Tensor, expected: tf.Tensor): void {
  const distance = tf.max(tf.abs(tf.sub(found, expected))).dataSync()[0]!;
  if (!(distance <= TOLERANCE)) throw new Error(`${what} is wrong by ${distance}`);
}

const info = loadTensorflow(JSON.parse(process.argv[2]!) as TensorflowFiles);
selectBackend({backend: 'tensorflow'});
tf.tidy(() => {
  const ones = tf.ones([64, 64]) as tf.Tensor2D;
  check('matMul', tf.matMul(ones, ones), tf.fill([64, 64], 64));
  const x = tf.div(tf.range(0, 64), 64);
  const weight = tf.ones([64]) as tf.Tensor1D;
  check('rmsNorm', rmsNorm(x, weight), rmsNormReference(x, weight, 1e-6));
  const gradient = (op: (input: tf.Tensor) => tf.Tensor) => tf.grad(op)(x);
  check(
    "rmsNorm's gradient",
    gradient((input) => rmsNorm(input, weight)),
    gradient((input) => rmsNormReference(input, weight, 1e-6)),
  );
});
process.stdout.write(`${JSON.stringify(info)}\n`, () => process.exit(0));
