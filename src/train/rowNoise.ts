// The random part of the image decoder's objective. A row's numbers depend on the seed, the step and the row's
// number in it: a resumed run draws the same, on any number of ranks and in parts of any size.
import tf from '#tfjs';
import {Random} from '../random.js';

export interface RowNoise {
  /** [B, L, h, w], standard normal: what is to be predicted. */
  readonly noise: tf.Tensor4D;
  /** The same shape: what samples the latents' distribution. */
  readonly latentNoise: tf.Tensor4D;
  readonly timesteps: readonly number[];
  /** Whose condition is not shown. */
  readonly isDropped: readonly boolean[];
}

export interface NoiseOptions {
  readonly shape: readonly [channels: number, height: number, width: number];
  /** Timesteps there are. */
  readonly numSteps: number;
  readonly dropCondition: number;
}

const ROWS_A_STEP = 2 ** 20;
/** Stream of the rows that are drawn the same each time, above those of all steps. */
const FIXED = 2 ** 52;

/** Draws of some rows of a step; without a step those of validation: always the same, nothing dropped. */
export function drawNoise(
  seed: number,
  step: number | undefined,
  rows: readonly number[],
  {shape, numSteps, dropCondition}: NoiseOptions,
): RowNoise {
  const length = shape.reduce((product, n) => product * n, 1);
  const first = step === undefined ? FIXED : 1 + step * ROWS_A_STEP;
  const drawn = rows.map((row) => {
    const random = new Random(seed, first + row);
    const timestep = random.below(numSteps);
    const isDropped = random.chance(dropCondition) && step !== undefined;
    const normals = () => Float32Array.from({length}, () => random.normal());
    return {timestep, isDropped, noise: normals(), latentNoise: normals()};
  });
  const joined = (of: 'noise' | 'latentNoise') => {
    const values = new Float32Array(rows.length * length);
    for (const [i, row] of drawn.entries()) values.set(row[of], i * length);
    return tf.tensor4d(values, [rows.length, ...shape]);
  };
  return {
    noise: joined('noise'),
    latentNoise: joined('latentNoise'),
    timesteps: drawn.map(({timestep}) => timestep),
    isDropped: drawn.map(({isDropped}) => isDropped),
  };
}
