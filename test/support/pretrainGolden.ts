// The pretraining runs of the goldens, step by step: what their tests share.

import * as assert from 'uvu/assert';
import tf from '#tfjs';
import {EmuModel} from '../../src/model/emu.js';
import {AdamW} from '../../src/train/adamw.js';
import {countPredictions, textLabels} from '../../src/train/data/labels.js';
import {clipFactor, globalNorm, gradientsOf} from '../../src/train/gradients.js';
import {type PicturedDocuments, splitRows} from '../../src/train/microBatches.js';
import {documentLosses, type ObjectiveOptions} from '../../src/train/objective.js';
import {type Tower, towerOf} from '../../src/train/parameters.js';
import {learningRateFactor} from '../../src/train/schedule.js';
import {Variables} from '../../src/train/variables.js';
import {loadGoldenModel} from './goldenModel.js';
import {goldens} from './goldens.js';
import {
  checkCurve,
  checkGradients,
  checkSnapshot,
  type Limits,
  poolPixels,
} from './trainingGolden.js';

export const whole = goldens('train_pretrain');

export const lossLimits: Limits = [
  [10, 1e-5],
  [50, 1e-3],
  [200, 5e-3],
];
export const normLimits: Limits = [
  [10, 1e-4],
  [50, 5e-3],
  [200, 2e-2],
];
export const deltaLimits: Limits = [
  [10, 1e-3],
  [100, 5e-3],
  [200, 1e-2],
];

interface GoldenBatch {
  readonly images: number[];
  readonly input_ids: number[][];
  readonly attention_mask: number[][];
}

export interface GoldenText {
  readonly prompt: string;
  readonly image: number | null;
  readonly kwargs: {max_new_tokens: number};
  readonly sequences: number[][];
}

/** The golden model as variables, its optimizer, and steps on batches as the run's setup says. */
export function start(decays?: (name: string, value: tf.Tensor) => boolean) {
  const {schedule, optimizer: setup} = whole!.json;
  let variables!: Variables;
  const loaded = loadGoldenModel('pretrain', (weights, config) => {
    variables = new Variables((name, shape) => weights.tensor(name, shape));
    return new EmuModel(variables, config);
  });
  const {model, tokenizer} = loaded;
  const initial = new Map(
    [...variables.all].map(([name, value]) => [name, value.dataSync().slice() as Float32Array]),
  );
  const [beta1, beta2] = setup.betas;
  const optimizer = new AdamW({beta1, beta2, eps: setup.eps, weightDecay: setup.weight_decay});
  const base: Record<Tower, number> = {
    vision: schedule.base_lr.vit,
    causalFormer: schedule.base_lr.cformer,
    llama: schedule.base_lr.llama,
  };
  let rateSum = 0;

  const {imageSize} = loaded.config.vision;
  const pixelsPerPicture = 3 * imageSize ** 2;
  const documentsOf = ({images, input_ids: ids, attention_mask: mask}: GoldenBatch) => ({
    ids,
    labels: ids.map((row) => textLabels(row, tokenizer.ids)),
    lengths: mask.map((row) => row.lastIndexOf(1) + 1),
    pixels: tf.tidy(() => poolPixels(whole!, images).dataSync().slice() as Float32Array),
  });
  /** A golden batch in parts of so many rows. */
  const split = (batch: GoldenBatch, rows: number) =>
    splitRows(documentsOf(batch), rows, tokenizer.ids.image, loaded.config);
  const part = (documents: PicturedDocuments, totals: ObjectiveOptions['totals']) => () => () => {
    const {pixels} = documents;
    const shape = [pixels.length / pixelsPerPicture, 3, imageSize, imageSize] as const;
    const embeds = shape[0] > 0 ? model.encodeImages(tf.tensor4d(pixels, [...shape])) : undefined;
    const options = {textWeight: 1, regressionWeight: 1, reduction: 'mean', totals} as const;
    return documentLosses(model, documents, embeds, tokenizer.ids, options);
  };

  /** One step over the parts of a batch; `check` sees the gradients before they are clipped. */
  const step = (
    number: number,
    parts: readonly PicturedDocuments[],
    check: (grads: Record<string, tf.Tensor>) => void = () => {},
  ) =>
    tf.tidy(() => {
      const counts = parts.map((documents) => countPredictions(documents, tokenizer.ids));
      const totals = {
        text: counts.reduce((sum, {text}) => sum + text, 0),
        regression: counts.reduce((sum, {regression}) => sum + regression, 0),
      };
      const {grads, losses} = gradientsOf(
        parts.map((documents) => part(documents, totals)),
        variables.all,
      );
      check(grads);
      const norm = globalNorm(grads);
      const {warmup: warmupSteps, steps: totalSteps} = schedule;
      const factor = learningRateFactor(number, {warmupSteps, totalSteps, finalShare: 0});
      rateSum += factor * Math.max(...Object.values(base));
      optimizer.step(
        variables.all,
        grads,
        (name) => factor * base[towerOf(name)],
        (name) => decays?.(name, variables.all.get(name)!) ?? true,
        clipFactor(norm, setup.clip),
      );
      return {ce: losses.text!, mse: losses.regression!, total: losses.loss!, norm, totals};
    });
  const dispose = () => {
    optimizer.dispose();
    variables.dispose();
    loaded.dispose();
  };
  return {model, tokenizer, variables, initial, split, part, step, dispose, rateSum: () => rateSum};
}

export type Started = ReturnType<typeof start>;

/** Runs the golden's batches and checks every step's curve, gradients and snapshots. */
export function follow(
  run: Started,
  steps: number,
  // biome-ignore lint/suspicious/noExplicitAny: the golden's own form
  {curve, snapshots}: any,
  prefix = '',
): void {
  for (let number = 1; number <= steps; number++) {
    const check = (grads: Record<string, tf.Tensor>) => {
      if (number === 1) checkGradients(grads, whole!, prefix);
    };
    const found = run.step(number, run.split(whole!.json.batches[number - 1], 4), check);
    for (const name of ['ce', 'mse', 'total'] as const)
      checkCurve(curve, name, number, found[name], lossLimits);
    checkCurve(curve, 'grad_norm', number, found.norm, normLimits);
    if (curve.n_ce) assert.is(found.totals.text, curve.n_ce[number - 1]);
    if (curve.n_reg) assert.is(found.totals.regression, curve.n_reg[number - 1]);
    const rateSum = run.rateSum();
    const snapshot = {golden: whole!, snapshots, prefix, deltaLimits, rateSum};
    checkSnapshot(number, run.variables.all, run.initial, snapshot);
  }
}
