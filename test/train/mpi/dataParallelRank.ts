// One rank of dataParallel.test.ts: 20 steps of a small model on its share of each global batch.
// One line of JSON on stdout: the losses, and a hash of the weights at the end.
import {createHash} from 'node:crypto';
import {writeSync} from 'node:fs';
import os from 'node:os';
import tf from '#tfjs';
import {gelu, linear, softmaxCrossEntropy, sumOfSquares} from '../../../src/kernels/index.js';
import {Random} from '../../../src/random.js';
import {AdamW} from '../../../src/train/adamw.js';
import {type Communicator, withCommunicator} from '../../../src/train/mpi/communicator.js';
import {selectRankBackend} from '../../../src/train/mpi/selectRankBackend.js';
import {sumGradients} from '../../../src/train/mpi/sumGradients.js';

const STEPS = 20;
const SIZE = 12;
const HIDDEN = 24;
const CLASSES = 10;

/** A sequence of 0 to 9 rows; one that has a picture adds a learned vector to each. */
interface Sequence {
  readonly rows: Float32Array;
  readonly labels: number[];
  readonly hasPicture: boolean;
}

/** The global batch of a step: the same on any number of ranks. */
function globalBatch(step: number): Sequence[] {
  const random = new Random(7, step);
  // Three sequences leave a fourth rank without any.
  return Array.from({length: step % 5 === 4 ? 3 : 8}, () => {
    const labels = Array.from({length: random.below(10)}, () => random.below(CLASSES));
    const rows = Float32Array.from({length: labels.length * SIZE}, (_, i) =>
      i % SIZE === labels[Math.floor(i / SIZE)] ? 3 : random.normal(),
    );
    return {rows, labels, hasPicture: random.chance(0.2)};
  });
}

function initial(): Map<string, tf.Variable> {
  const random = new Random(1);
  const variable = (...shape: number[]) => {
    const size = shape.reduce((product, n) => product * n, 1);
    return tf.variable(
      tf.tensor(
        Float32Array.from({length: size}, () => 0.2 * random.normal()),
        shape,
      ),
    );
  };
  return new Map(
    Object.entries({
      'head.weight': variable(CLASSES, HIDDEN),
      'in.weight': variable(HIDDEN, SIZE),
      'in.bias': variable(HIDDEN),
      picture: variable(SIZE),
    }),
  );
}

/** Σ over the rows of the sequences of -log p(label), divided by `count`. */
function loss(
  variables: ReadonlyMap<string, tf.Variable>,
  sequences: readonly Sequence[],
  count: number,
): tf.Scalar {
  const get = (name: string) => variables.get(name) as tf.Tensor;
  const rows = sequences.map(({rows, labels, hasPicture}) => {
    const x = tf.tensor2d(rows, [labels.length, SIZE]);
    return hasPicture ? tf.add(x, get('picture')) : x;
  });
  const hidden = gelu(linear(tf.concat(rows, 0), get('in.weight'), get('in.bias')));
  const labels = tf.tensor1d(
    sequences.flatMap(({labels}) => labels),
    'int32',
  );
  const losses = softmaxCrossEntropy(linear(hidden, get('head.weight')), labels);
  return tf.div(tf.sum(losses), count) as tf.Scalar;
}

function train(communicator: Communicator, threads: number): void {
  const {rank, size, coreSharers} = communicator;
  const variables = initial();
  const optimizer = new AdamW({beta1: 0.9, beta2: 0.98, eps: 1e-6, weightDecay: 0.05});
  const losses: number[] = [];
  for (let step = 0; step < STEPS; step++) {
    const share = globalBatch(step).filter(({labels}, i) => i % size === rank && labels.length > 0);
    const [count] = communicator.sumNumbers([share.reduce((n, {labels}) => n + labels.length, 0)]);
    tf.tidy(() => {
      const gradients: Record<string, tf.Tensor> = {};
      let local = 0;
      if (share.length > 0) {
        const {value, grads} = tf.variableGrads(
          () => loss(variables, share, count!),
          [...variables.values()],
        );
        [local] = value.dataSync() as unknown as [number];
        for (const [name, {name: id}] of variables) if (grads[id]) gradients[name] = grads[id];
      }
      const sums = sumGradients(communicator, gradients, variables);
      const norm = Math.sqrt(sumOfSquares(Object.values(sums)));
      optimizer.step(variables, sums, () => 0.02, undefined, Math.min(1, 1 / norm));
      losses.push(communicator.sumNumbers([local])[0]!);
    });
  }
  const hash = createHash('sha256');
  for (const [, variable] of variables) hash.update(variable.dataSync());
  const facts = {
    rank,
    losses,
    weights: hash.digest('hex'),
    threads,
    fairThreads: Math.max(1, Math.floor(os.availableParallelism() / coreSharers)),
  };
  writeSync(1, `${JSON.stringify(facts)}\n`);
}

await withCommunicator((communicator) => {
  const {threads} = selectRankBackend(communicator);
  train(communicator, threads);
});
