// What withholds a drawing: CLIP's embedding of it beside those of concepts (diffusers 0.15.1,
// pipelines/stable_diffusion/safety_checker.py). P size of CLIP's projection.
import tf from '#tfjs';
import {linear} from '../../kernels/index.js';
import type {WeightSource} from '../layers.js';
import {ClipVision, type ClipVisionConfig} from './clipVision.js';

const NUM_CONCEPTS = 17;
const NUM_SPECIAL_CONCEPTS = 3;
/** Taken from the other thresholds once a special concept is found. */
const ADJUSTMENT = 0.01;

export interface SafetyVerdict {
  readonly isFlagged: boolean;
  /** Cosine less threshold of each concept, in thousandths; above 0 is found. */
  readonly conceptScores: readonly number[];
  readonly specialScores: readonly number[];
}

export class SafetyChecker {
  readonly vision: ClipVision;
  private readonly concepts: tf.Tensor2D;
  private readonly specials: tf.Tensor2D;
  private readonly thresholds: readonly number[];
  private readonly specialThresholds: readonly number[];

  constructor(weights: WeightSource, config: ClipVisionConfig) {
    this.vision = new ClipVision(weights, config);
    const {projectionSize: size} = config;
    const concepts = [NUM_CONCEPTS, size];
    const specials = [NUM_SPECIAL_CONCEPTS, size];
    this.concepts = weights.tensor('concept_embeds', concepts) as tf.Tensor2D;
    this.specials = weights.tensor('special_care_embeds', specials) as tf.Tensor2D;
    const read = (name: string, count: number) =>
      Array.from(weights.tensor(name, [count]).dataSync());
    this.thresholds = read('concept_embeds_weights', NUM_CONCEPTS);
    this.specialThresholds = read('special_care_embeds_weights', NUM_SPECIAL_CONCEPTS);
  }

  /** pixels [1, 3, size, size], as `clipPixels` makes them of a picture */
  check(pixels: tf.Tensor4D): SafetyVerdict {
    const [concepts, specials] = tf.tidy(() => {
      const embedding = unit(this.vision.forward(pixels));
      return [this.concepts, this.specials].map((embeds) =>
        Array.from(linear(embedding, unit(embeds)).dataSync()),
      ) as [number[], number[]];
    });
    // A special concept found lowers the thresholds after it, those of the other special ones too.
    let adjustment = 0;
    const score = (cosine: number, threshold: number) =>
      Math.round((cosine - threshold + adjustment) * 1000) / 1000;
    const specialScores = specials.map((cosine, i) => {
      const found = score(cosine, this.specialThresholds[i]!);
      if (found > 0) adjustment = ADJUSTMENT;
      return found;
    });
    const conceptScores = concepts.map((cosine, i) => score(cosine, this.thresholds[i]!));
    return {isFlagged: conceptScores.some((value) => value > 0), conceptScores, specialScores};
  }
}

/** Rows of length 1: [R, P] -> [R, P] */
function unit(rows: tf.Tensor2D): tf.Tensor2D {
  return tf.tidy(() => tf.div(rows, tf.norm(rows, 'euclidean', 1, true)) as tf.Tensor2D);
}
