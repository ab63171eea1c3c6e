// Instruction tuning over 100 steps, of the LoRA matrices and with the turn tokens' embeddings, against
// PyTorch's curves.

import {suite} from 'uvu';
import * as assert from 'uvu/assert';
import tf from '#tfjs';
import {continueGreedily} from '../../src/model/continueGreedily.js';
import {EmuModel} from '../../src/model/emu.js';
import {AdamW} from '../../src/train/adamw.js';
import {answerLabels, countPredictions} from '../../src/train/data/labels.js';
import {clipFactor, globalNorm, gradientsOf} from '../../src/train/gradients.js';
import {type Documents, documentLosses} from '../../src/train/objective.js';
import {learningRateFactor} from '../../src/train/schedule.js';
import {Variables} from '../../src/train/variables.js';
import {
  closeTo,
  goldenCheckpoint,
  loadGoldenModel,
  onEveryBackend,
  stepsHere,
} from '../support/goldenModel.js';
import {goldens} from '../support/goldens.js';
import {skip} from '../support/skip.js';
import {
  checkCurve,
  checkGradients,
  checkSnapshot,
  type Limits,
  poolPixels,
} from '../support/trainingGolden.js';

const test = suite('training goldens: instruct');
const golden = goldens('train_instruct');

const lossLimits: Limits = [
  [10, 1e-5],
  [50, 1e-4],
  [100, 1e-3],
];
const normLimits: Limits = [
  [10, 1e-4],
  [50, 5e-4],
  [100, 5e-3],
];
const deltaLimits: Limits = [
  [10, 1e-3],
  [50, 2e-3],
  [100, 5e-3],
];

interface GoldenBatch {
  readonly images: number[];
  readonly input_ids: number[][];
  readonly attention_mask: number[][];
}

/** The golden's tuning run on the current backend, checked step by step. */
async function follow(withRows: boolean): Promise<void> {
  const {json} = golden!;
  const expected = withRows ? json.with_rows : json;
  const prefix = withRows ? 'with_rows.' : '';
  let variables!: Variables;
  let model!: EmuModel;
  const loaded = loadGoldenModel('instruct', (weights, config, {ids}) => {
    const tokenRows = withRows ? [ids.user!, ids.assistant!] : undefined;
    const {vocabSize, hiddenSize} = config.llama;
    const table = weights
      .scope('decoder.lm.base_model.model.model')
      .tensor('embed_tokens.weight', [vocabSize, hiddenSize]);
    variables = new Variables(
      (name, shape) =>
        name === 'embed_rows' ? tf.gather(table, tokenRows!) : weights.tensor(name, shape),
      {weights, isFrozen: (name) => !/\.lora_[AB]\.|^embed_rows$/.test(name)},
    );
    const lora = {...config.lora!, ...(tokenRows ? {tokenRows} : {})};
    model = new EmuModel(variables, {...config, lora});
    return model;
  });
  const {tokenizer} = loaded;
  const trainable = [...json.trainable, ...(withRows ? ['embed_rows'] : [])];
  assert.equal([...variables.all.keys()].sort(), trainable.sort());
  const initial = new Map(
    [...variables.all].map(([name, value]) => [name, value.dataSync().slice() as Float32Array]),
  );
  const features = model.encodeImages(golden!.tensor<tf.Tensor4D>('pool.pixels'));
  closeTo(features.dataSync(), golden!.get('image_features').data as Float32Array, {
    atol: 2e-4,
    rtol: 1e-4,
    name: 'image_features',
  });
  const documentsOf = ({input_ids: ids, attention_mask: mask}: GoldenBatch): Documents => ({
    ids,
    labels: ids.map((row) => answerLabels(row, tokenizer.ids)),
    lengths: mask.map((row) => row.lastIndexOf(1) + 1),
  });
  const terms = (batch: GoldenBatch) => () => () => {
    const documents = documentsOf(batch);
    const totals = countPredictions(documents, tokenizer.ids);
    const embeds = batch.images.length
      ? (tf.gather(features, tf.tensor1d(batch.images, 'int32')) as tf.Tensor3D)
      : undefined;
    const options = {textWeight: 1, regressionWeight: 0, reduction: 'mean', totals} as const;
    return documentLosses(model, documents, embeds, tokenizer.ids, options);
  };

  const {betas, eps, weight_decay: weightDecay, clip} = json.optimizer;
  const optimizer = new AdamW({beta1: betas[0], beta2: betas[1], eps, weightDecay});
  const {steps: totalSteps, warmup: warmupSteps, base_lr: peak} = json.schedule;
  const steps = stepsHere(totalSteps);
  let rateSum = 0;
  for (let step = 1; step <= steps; step++) {
    tf.tidy(() => {
      const batch: GoldenBatch = json.batches[step - 1];
      const {grads, losses} = gradientsOf([terms(batch)], variables.all);
      if (step === 1) checkGradients(grads, golden!, prefix);
      const norm = globalNorm(grads);
      checkCurve(expected.curve, 'ce', step, losses.loss!, lossLimits);
      checkCurve(expected.curve, 'grad_norm', step, norm, normLimits);
      assert.is(
        countPredictions(documentsOf(batch), tokenizer.ids).text,
        expected.curve.n_ce[step - 1],
      );
      const lr = peak * learningRateFactor(step, {warmupSteps, totalSteps, finalShare: 0});
      rateSum += lr;
      optimizer.step(
        variables.all,
        grads,
        () => lr,
        () => true,
        clipFactor(norm, clip),
      );
    });
    const {snapshots} = expected;
    const check = {golden: golden!, snapshots, prefix, deltaLimits, rateSum};
    checkSnapshot(step, variables.all, initial, check);
  }

  if (steps === totalSteps) {
    const last = tf.tidy(() => terms(json.batches[0])()().loss.dataSync()[0]!);
    checkCurve({ce: [expected.loss_of_batch_1_after_training.ce]}, 'ce', 1, last, [[1, 1e-3]]);
    const {prompt, image, kwargs, sequences} = expected.greedy_after;
    const embeds = tf.tidy(() => {
      const pictures = model.encodeImages(poolPixels(golden!, [image]));
      const ids = tokenizer.encode(prompt, {bos: true});
      return model.embedPrompt([ids], tokenizer.ids.image, pictures);
    });
    const found = await continueGreedily(model.llama, embeds, tokenizer.ids, kwargs.max_new_tokens);
    assert.equal(found, sequences[0]);
  }
  features.dispose();
  optimizer.dispose();
  variables.dispose();
  loaded.dispose();
}

if (!golden || !goldenCheckpoint('instruct')) {
  skip(test, 'instruction tuning: curves, updates, texts', 'the goldens are not in this clone');
} else {
  onEveryBackend(test, 'tuning the LoRA matrices follows the curve', () => follow(false));
  onEveryBackend(test, 'so does tuning them with the turn tokens', () => follow(true));
}

test.run();
