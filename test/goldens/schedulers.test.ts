// The solvers against the official ones: their timesteps, their steps on given noise, and whole runs with the
// golden UNet.
import tf from '#tfjs';
import {suite} from 'uvu';
import * as assert from 'uvu/assert';
import {NoiseSchedule} from '../../src/model/diffusion/noiseSchedule.js';
import {
  createScheduler,
  type SchedulerName,
  schedulerNames,
} from '../../src/model/diffusion/schedulers/index.js';
import {assertClose} from '../support/assertClose.js';
import {
  goldenSchedule,
  goldenUnet,
  loadGoldenSchedule,
  loadGoldenUnet,
} from '../support/goldenDecoder.js';
import {closeTo, onEveryBackend} from '../support/goldenModel.js';
import {type GoldenTensor, goldens} from '../support/goldens.js';
import {skip} from '../support/skip.js';

const test = suite('schedulers goldens');
const golden = goldens('schedulers');

/** The names of the golden set, which are those of no command line. */
const ours: Record<string, SchedulerName> = {
  pndm: 'pndm',
  ddim: 'ddim',
  euler: 'euler',
  dpmpp2m: 'dpm++2m',
};
const nameIn = (run: string) => ours[Object.keys(ours).find((theirs) => run.startsWith(theirs))!]!;

/** Row `i` of a golden [n, ...] as [1, ...]. */
const row = ({shape, data}: GoldenTensor, i: number): tf.Tensor4D => {
  const size = data.length / shape[0]!;
  const values = (data as Float32Array).subarray(i * size, (i + 1) * size);
  return tf.tensor4d(values, [1, ...shape.slice(1)] as [number, number, number, number], 'float32');
};
/** Trajectories grow to ~100 in these random networks. */
const trajectory = {atol: 2e-3, rtol: 1e-4};

if (!golden || !goldenUnet() || !goldenSchedule()) {
  skip(test, 'timesteps, steps and trajectories', 'the goldens are not in this clone');
} else {
  const schedule = loadGoldenSchedule();

  test('alphas', () => {
    const wanted = golden.get('alphas_cumprod').data as Float32Array;
    closeTo(schedule.alphasCumprod, wanted, {atol: 0, rtol: 0, name: 'alphas_cumprod'});
    assert.is(schedule.alphaBefore(-1), Math.fround(golden.json.final_alpha_cumprod));
  });

  test('timesteps', () => {
    for (const [run, wanted] of Object.entries(golden.json.timesteps as Record<string, number[]>)) {
      const steps = Number(run.split('_')[1]);
      const {timesteps} = createScheduler(nameIn(run), {schedule, steps});
      if (nameIn(run) === 'euler')
        closeTo(timesteps, wanted, {atol: 1e-4, rtol: 1e-6, name: run}); // torch's are float32
      else assert.equal(timesteps, wanted, run);
    }
  });

  onEveryBackend(test, 'steps on given noise', () => {
    const outputs = golden.get('steps_only.model_outputs');
    for (const [theirs, name] of Object.entries(ours)) {
      const wanted = golden.get(`steps_only.${theirs}.latents`);
      const calls = wanted.shape[0]! - 1;
      const before = tf.memory().numTensors;
      const steps = name === 'pndm' ? calls - 1 : calls;
      const scheduler = createScheduler(name, {schedule, steps});
      assert.is(scheduler.timesteps.length, calls);
      tf.tidy(() => {
        let latents = row(wanted, 0);
        for (let i = 0; i < calls; i++) {
          latents = scheduler.step(row(outputs, i), latents, i);
          assertClose(latents, row(wanted, i + 1), {atol: 1e-5, rtol: 1e-5}, `${theirs} ${i}`);
        }
      });
      scheduler.dispose();
      assert.is(tf.memory().numTensors, before, `${name}: tensors left behind`);
    }
  });

  onEveryBackend(test, 'trajectories', () => {
    const {model, dispose} = loadGoldenUnet();
    tf.tidy(() => {
      const context = golden.tensor<tf.Tensor3D>('context');
      const initial = golden.tensor<tf.Tensor4D>('initial_latents');
      for (const [run, facts] of Object.entries(golden.json.trajectories as Record<string, Run>)) {
        const scheduler = createScheduler(nameIn(run), {schedule, steps: facts.steps});
        closeTo([scheduler.initNoiseSigma], [facts.init_noise_sigma], {
          atol: 0,
          rtol: 1e-6,
          name: `${run}: sigma`,
        });
        const wanted = golden.get(`${run}.latents`);
        let latents = tf.mul(initial, scheduler.initNoiseSigma) as tf.Tensor4D;
        assertClose(latents, row(wanted, 0), trajectory, `${run} 0`);
        for (const [i, timestep] of scheduler.timesteps.entries())
          latents = tf.tidy(() => {
            const input = scheduler.scaleInput(latents, i);
            const both = model.forward(tf.concat([input, input]), [timestep, timestep], context);
            const [shown, empty] = tf.split(both, 2) as [tf.Tensor4D, tf.Tensor4D];
            const noise = tf.add(empty, tf.mul(tf.sub(shown, empty), facts.guidance_scale));
            const stepped = scheduler.step(noise as tf.Tensor4D, latents, i);
            assertClose(stepped, row(wanted, i + 1), trajectory, `${run} ${i + 1}`);
            return stepped;
          });
        assertClose(latents, row(golden.get(`${run}.final`), 0), trajectory, `${run}: final`);
        scheduler.dispose();
      }
    });
    dispose();
  });
}

interface Run {
  readonly steps: number;
  readonly guidance_scale: number;
  readonly init_noise_sigma: number;
}

test('a run from a picture leaves steps out', () => {
  const schedule = new NoiseSchedule({numSteps: 1000, betaStart: 0.00085, betaEnd: 0.012});
  for (const name of schedulerNames) {
    const whole = createScheduler(name, {schedule, steps: 10});
    const {timesteps} = createScheduler(name, {schedule, steps: 10, skip: 4});
    const distinct = (all: readonly number[]) => [...new Set(all)];
    assert.equal(distinct(timesteps), distinct(whole.timesteps).slice(4), name);
    const one = createScheduler(name, {schedule, steps: 1});
    assert.is(one.timesteps.length, 1, name);
  }
});

test.run();
