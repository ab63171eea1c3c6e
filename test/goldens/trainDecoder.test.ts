// The decoder stage against PyTorch's run: loss, gradients, AdamW and the moving average, step by step.

import {suite} from 'uvu';
import * as assert from 'uvu/assert';
import tf from '#tfjs';
import {sumOfSquares} from '../../src/kernels/index.js';
import {Unet} from '../../src/model/diffusion/unet.js';
import {collectTrace} from '../../src/model/trace.js';
import {AdamW} from '../../src/train/adamw.js';
import {Ema} from '../../src/train/ema.js';
import {type NoisePredictionBatch, noisePredictionLoss} from '../../src/train/noisePrediction.js';
import {Variables} from '../../src/train/variables.js';
import {goldenUnet, loadGoldenSchedule, loadGoldenUnet} from '../support/goldenDecoder.js';
import {closeTo, onEveryBackend, stepsHere} from '../support/goldenModel.js';
import {goldens} from '../support/goldens.js';
import {skip} from '../support/skip.js';

const test = suite('decoder training goldens');
const golden = goldens('train_decoder');

/** Limits up to a step, as the golden set's README suggests them. */
type Limits = readonly (readonly [step: number, rtol: number])[];
const lossLimits: Limits = [
  [10, 1e-5],
  [50, 1e-4],
  [100, 5e-4],
];
const gradientNormLimits: Limits = [
  [10, 1e-4],
  [50, 2e-4],
  [100, 2e-3],
];
const deltaLimits: Limits = [
  [1, 3e-3],
  [10, 1e-3],
  [50, 1e-3],
  [100, 2e-3],
];

function limitAt(step: number, limits: Limits): number {
  return (limits.find(([last]) => step <= last) ?? limits.at(-1)!)[1];
}

function near(actual: number, wanted: number, rtol: number, name: string, atol = 0): void {
  const isNear = Math.abs(actual - wanted) <= atol + rtol * Math.abs(wanted);
  assert.ok(isNear, `${name}: got ${actual}, expected ${wanted}, rtol ${rtol}`);
}

type NumbersByName = Record<string, number>;

/** Square root of the sum of squares, in float64. */
function norm(values: ArrayLike<number>, origin?: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += (values[i]! - (origin?.[i] ?? 0)) ** 2;
  return Math.sqrt(sum);
}

function train(numSteps: number): void {
  const {json} = golden!;
  const floats = (name: string) => golden!.get(name).data as Float32Array;
  const rows = <T extends tf.Tensor>(x: T, picks: number[]): T =>
    tf.gather(x, tf.tensor1d(picks, 'int32'));
  let variables!: Variables;
  const {model, dispose} = loadGoldenUnet((weights) => {
    variables = new Variables((name, shape) => weights.tensor(name, shape));
    return variables;
  });
  const {all} = variables;
  const schedule = loadGoldenSchedule();
  const ema = new Ema(all, json.ema.decay);
  const {betas, eps, weight_decay: weightDecay} = json.optimizer;
  const optimizer = new AdamW({beta1: betas[0], beta2: betas[1], eps, weightDecay});
  const initial = new Map([...all].map(([name, value]) => [name, value.dataSync().slice()]));
  const names = new Map([...all].map(([name, variable]) => [variable.name, name]));
  const pool = golden!.tensor<tf.Tensor4D>('latents_pool');
  const contexts = golden!.tensor<tf.Tensor3D>('contexts');
  const allNoise = golden!.tensor<tf.Tensor>('noise');

  const batchOf = (step: number): NoisePredictionBatch => ({
    latents: rows(pool, json.latent_index[step - 1]),
    noise: tf.squeeze(rows(allNoise, [step - 1]), [0]),
    timesteps: json.timesteps[step - 1],
    context: rows(contexts, json.context_index[step - 1]),
    drop: {
      samples: json.drop_condition[step - 1].map(Boolean),
      unconditional: rows(contexts, [json.empty_context]),
    },
  });

  const checkSnapshot = (step: number) => {
    const lrSum = (json.curve.lr as number[]).slice(0, step).reduce((sum, lr) => sum + lr, 0);
    const tolerance = {atol: 2e-7 + 0.1 * lrSum, rtol: 0};
    for (const key of golden!.names()) {
      const match = new RegExp(`^step${step}\\.(ema\\.)?(.+\\.(?:weight|bias))$`).exec(key);
      if (!match || match[2]!.startsWith('grad.')) continue;
      const values = (match[1] ? ema.averages : all).get(match[2]!)!.dataSync();
      closeTo(values, floats(key), {...tolerance, name: key});
    }
    const wanted = json.snapshots[step] as Record<string, NumbersByName> | undefined;
    for (const [kind, byName] of Object.entries(wanted ?? {})) {
      for (const [name, value] of Object.entries(byName)) {
        const tensor = (kind.startsWith('ema_') ? ema.averages : all).get(name)!.dataSync();
        const label = `${kind} of ${name} after step ${step}`;
        if (!kind.endsWith('delta_norm')) near(norm(tensor), value, 1e-5, label);
        else {
          // The difference of two float32 numbers is known to their spacing.
          const spacing = kind.startsWith('ema_') ? 1.2e-7 * norm(tensor) : 0;
          const delta = norm(tensor, initial.get(name));
          near(delta, value, limitAt(step, deltaLimits), label, spacing);
        }
      }
    }
  };

  const checkGradients = (grads: Record<string, tf.Tensor>) => {
    for (const [name, value] of Object.entries<number>(json.snapshots.grad_norms_step1))
      near(norm(grads[name]!.dataSync()), value, 1e-4, `norm of the gradient of ${name}`);
    for (const key of golden!.names().filter((key) => key.startsWith('step1.grad.'))) {
      const wanted = floats(key);
      const largest = wanted.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
      const {[key.slice('step1.grad.'.length)]: grad} = grads;
      closeTo(grad!.dataSync(), wanted, {atol: 3e-4 * largest, rtol: 0, name: key});
    }
  };

  const runStep = (step: number) => {
    const batch = batchOf(step);
    let perSample: ArrayLike<number> = [];
    let predicted: ArrayLike<number> = [];
    const keep = (name: string, x: tf.Tensor) => {
      if (name === 'unet.conv_out') predicted = x.dataSync().slice();
    };
    const {value, grads} = tf.variableGrads(() => {
      const run = () => noisePredictionLoss(model, schedule, batch);
      const result = step === 1 ? collectTrace(keep, run) : run();
      perSample = result.perSample.dataSync().slice();
      return result.loss;
    }, [...all.values()]);
    const byName = Object.fromEntries(
      Object.entries(grads).map(([id, grad]) => [names.get(id)!, grad]),
    );
    const {loss, grad_norm: gradientNorm, lr} = json.curve as Record<string, number[]>;
    const rtol = limitAt(step, lossLimits);
    near(value.dataSync()[0]!, loss![step - 1]!, rtol, `loss of step ${step}`);
    for (const [j, wanted] of (json.per_sample_loss[step - 1] as number[]).entries())
      near(perSample[j]!, wanted, rtol, `loss of sample ${j} of step ${step}`);
    near(
      Math.sqrt(sumOfSquares(Object.values(byName))),
      gradientNorm![step - 1]!,
      limitAt(step, gradientNormLimits),
      `gradient norm of step ${step}`,
    );
    if (step === 1) {
      const {latents, noise, timesteps} = batch;
      const noisy = schedule.addNoise(latents, noise, timesteps).dataSync();
      closeTo(noisy, floats('step1.noisy_latents'), {atol: 1e-6, rtol: 0, name: 'noisy latents'});
      closeTo(predicted, floats('step1.pred'), {atol: 2e-4, rtol: 1e-4, name: 'prediction'});
      checkGradients(byName);
    }
    optimizer.step(all, byName, () => lr![step - 1]!);
    ema.update();
  };

  const checkEvaluation = () => {
    const {timestep, latents: latentPicks, contexts: contextPicks} = json.eval;
    const noise = golden!.tensor<tf.Tensor4D>('eval.noise');
    const timesteps = latentPicks.map(() => timestep);
    const noisy = schedule.addNoise(rows(pool, latentPicks), noise, timesteps);
    const tolerance = {atol: 1e-3, rtol: 0};
    closeTo(noisy.dataSync(), floats('eval.noisy_latents'), {...tolerance, name: 'eval latents'});
    const context = rows(contexts, contextPicks);
    const averaged = new Unet(ema.weights(), model.config);
    for (const [unet, kind] of [
      [model, 'raw'],
      [averaged, 'ema'],
    ] as const) {
      const out = unet.forward(noisy, timesteps, context);
      const name = `eval.${kind}_out`;
      closeTo(out.dataSync(), floats(name), {...tolerance, name});
      const mse = tf.mean(tf.square(tf.sub(out, noise))).dataSync()[0]!;
      near(mse, json.eval[`mse_${kind}`], 5e-4, `mse_${kind}`);
    }
  };

  const alphas = floats('alphas_cumprod');
  closeTo(schedule.alphasCumprod, alphas, {atol: 0, rtol: 1e-6, name: 'alphas_cumprod'});
  for (let step = 1; step <= numSteps; step++) {
    const before = tf.memory().numTensors;
    tf.tidy(() => runStep(step));
    if (step > 1) assert.is(tf.memory().numTensors, before, `tensors after step ${step}`);
    checkSnapshot(step);
  }
  if (numSteps === json.schedule.steps) tf.tidy(checkEvaluation);

  for (const owner of [ema, optimizer, variables]) owner.dispose();
  tf.dispose([pool, contexts, allNoise]);
  dispose();
}

if (!golden || !goldenUnet()) {
  skip(test, 'decoder training: loss, update, average', 'the goldens are not in this clone');
} else {
  onEveryBackend(test, 'decoder training: loss, update, average', () => {
    train(stepsHere(golden.json.schedule.steps));
  });
}

test.run();
