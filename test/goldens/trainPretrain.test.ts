// The pretraining objective over 200 steps, and its first 20 in two parts each, against PyTorch's curves.
import * as tf from '@tensorflow/tfjs';
import {suite} from 'uvu';
import * as assert from 'uvu/assert';
import {selectBackend} from '../../src/kernels/backend.js';
import {loadAddon} from '../../src/kernels/native/addon.js';
import {EmuModel} from '../../src/model/emu.js';
import {AdamW} from '../../src/train/adamw.js';
import {clipFactor, globalNorm, gradientsOf} from '../../src/train/gradients.js';
import {textLabels} from '../../src/train/data/labels.js';
import {type PicturedDocuments, splitRows} from '../../src/train/microBatches.js';
import {
  countPredictions,
  documentLosses,
  type ObjectiveOptions,
} from '../../src/train/objective.js';
import {isMatrix, type Tower, towerOf} from '../../src/train/parameters.js';
import {learningRateFactor} from '../../src/train/schedule.js';
import {Variables} from '../../src/train/variables.js';
import {continueGreedily} from '../../src/model/continueGreedily.js';
import {goldenCheckpoint, loadGoldenModel, onEveryBackend} from '../support/goldenModel.js';
import {goldens} from '../support/goldens.js';
import {skip} from '../support/skip.js';
import {
  checkCurve,
  checkGradients,
  checkSnapshot,
  type Limits,
  poolPixels,
} from '../support/trainingGolden.js';

const test = suite('training goldens: pretrain');
const whole = goldens('train_pretrain');
const split = goldens('train_accumulate');

const lossLimits: Limits = [
  [10, 1e-5],
  [50, 1e-3],
  [200, 5e-3],
];
const normLimits: Limits = [
  [10, 1e-4],
  [50, 5e-3],
  [200, 2e-2],
];
const deltaLimits: Limits = [
  [10, 1e-3],
  [100, 5e-3],
  [200, 1e-2],
];

interface GoldenBatch {
  readonly images: number[];
  readonly input_ids: number[][];
  readonly attention_mask: number[][];
}

interface GoldenText {
  readonly prompt: string;
  readonly image: number | null;
  readonly kwargs: {max_new_tokens: number};
  readonly sequences: number[][];
}

/** The golden model as variables, its optimizer, and steps on batches as the run's setup says. */
function start(decays?: (name: string, value: tf.Tensor) => boolean) {
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

function stepsHere(total: number): number {
  return tf.getBackend() === 'native' ? total : Math.min(total, 20);
}

type Started = ReturnType<typeof start>;

/** Runs the golden's batches and checks every step's curve, gradients and snapshots. */
function follow(
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

if (!whole || !goldenCheckpoint('pretrain')) {
  skip(test, 'pretraining: curves, updates, texts', 'the goldens are not in this clone');
} else {
  const {json} = whole;
  const known = new Set<string>(Object.values<string[]>(json.groups).flat());

  onEveryBackend(test, 'pretraining follows the curve', async () => {
    const run = start();
    const texts = async (wanted: readonly GoldenText[]) => {
      const {model, tokenizer} = run;
      for (const {prompt, image, kwargs, sequences} of wanted) {
        const ids = tokenizer.encode(prompt, {bos: true});
        const embeds = tf.tidy(() => {
          const pictures =
            image === null ? undefined : model.encodeImages(poolPixels(whole, [image]));
          return model.embedPrompt([ids], tokenizer.ids.image, pictures);
        });
        const found = await continueGreedily(
          model.llama,
          embeds,
          tokenizer.ids,
          kwargs.max_new_tokens,
        );
        assert.equal(found, sequences[0], prompt);
      }
    };
    for (const name of run.variables.all.keys())
      assert.ok(known.has(name), `${name} is in a group`);
    await texts(json.greedy_before);
    const steps = stepsHere(json.schedule.steps);
    follow(run, steps, json);
    if (steps === json.schedule.steps) {
      await texts(json.greedy_after);
      const {ce, mse} = json.loss_of_batch_1_after_training;
      tf.tidy(() => {
        const {n_ce, n_reg} = json.curve;
        const [documents] = run.split(json.batches[0], 4);
        const terms = run.part(documents!, {text: n_ce[0], regression: n_reg[0]})()();
        checkCurve({ce: [ce], mse: [mse]}, 'ce', 1, terms.text!.dataSync()[0]!, [[1, 5e-3]]);
        checkCurve({ce: [ce], mse: [mse]}, 'mse', 1, terms.regression!.dataSync()[0]!, [[1, 5e-3]]);
      });
    }
    run.dispose();
  });

  onEveryBackend(test, 'pretraining without decay of norms, biases and tables', () => {
    const excluded = new Set<string>(json.no_decay_names_of_second_run);
    const run = start(isMatrix);
    for (const [name, value] of run.variables.all)
      assert.is(isMatrix(name, value), !excluded.has(name), name);
    follow(
      run,
      stepsHere(json.decay_excluded.curve.ce.length),
      json.decay_excluded,
      'decay_excluded.',
    );
    run.dispose();
  });
}

if (!whole || !goldenCheckpoint('pretrain') || !loadAddon()?.isas().includes('avx512bf16')) {
  skip(test, 'losses in bf16', 'the goldens or AVX-512 BF16 are missing');
} else {
  // Measured: at most 2.6 % off (steps 5 to 13: Adam's first updates take small gradients' noise for
  // large), 0.7 % at step 20.
  test('products in bf16 keep the losses within 4 %', () => {
    selectBackend({backend: 'native', compute: 'bf16'});
    const run = start();
    const {batches, curve} = whole.json;
    let furthest = 0;
    for (let number = 1; number <= 20; number++) {
      const found = run.step(number, run.split(batches[number - 1], 4));
      for (const name of ['ce', 'mse', 'total'] as const) {
        checkCurve(curve, name, number, found[name], [[20, 4e-2]]);
        furthest = Math.max(furthest, Math.abs(found[name] / curve[name][number - 1] - 1));
      }
    }
    assert.ok(furthest > 1e-4, `off by ${furthest}: was anything rounded?`);
    run.dispose();
    selectBackend({backend: 'native'});
  });
}

if (!whole || !split || !goldenCheckpoint('pretrain')) {
  skip(test, 'accumulation over micro-batches', 'the goldens are not in this clone');
} else {
  onEveryBackend(test, 'a step in two parts is the step in one', () => {
    const {curve, snapshots} = split.json;
    const parts = start();
    const unsplit = start();
    for (let number = 1; number <= curve.ce.length; number++) {
      const batch = whole.json.batches[number - 1];
      const check = (grads: Record<string, tf.Tensor>) => {
        if (number === 1) checkGradients(grads, split);
      };
      const found = parts.step(number, parts.split(batch, 2), check);
      const one = unsplit.step(number, unsplit.split(batch, 4));
      for (const name of ['ce', 'mse', 'total'] as const) {
        checkCurve(curve, name, number, found[name], lossLimits);
        assert.ok(Math.abs(found[name] - one[name]) < 1e-5, `step ${number}: ${name} in one`);
      }
      checkCurve(curve, 'grad_norm', number, found.norm, normLimits);
      assert.ok(Math.abs(found.norm - one.norm) < 1e-5 * one.norm, `step ${number}: norm in one`);
      const rateSum = parts.rateSum();
      checkSnapshot(number, parts.variables.all, parts.initial, {
        golden: split,
        snapshots,
        deltaLimits,
        rateSum,
      });
    }
    parts.dispose();
    unsplit.dispose();
  });
}

test.run();
