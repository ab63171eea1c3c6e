// Every tensor of the UNet golden, on every backend.
import tf from '#tfjs';
import {suite} from 'uvu';
import * as assert from 'uvu/assert';
import {collectTrace} from '../../src/model/trace.js';
import {assertClose, type NumberArray} from '../support/assertClose.js';
import {goldenUnet, loadGoldenUnet} from '../support/goldenDecoder.js';
import {onEveryBackend} from '../support/goldenModel.js';
import {goldens} from '../support/goldens.js';
import {skip} from '../support/skip.js';

const test = suite('unet goldens');
const tolerance = {atol: 2e-4, rtol: 1e-4};
const golden = goldens('unet');

if (!golden || !goldenUnet()) {
  skip(test, 'unet: all module outputs', 'the goldens are not in this clone');
} else {
  const floats = (name: string) => golden.get(name) as NumberArray;

  onEveryBackend(test, 'unet: all module outputs', () => {
    const {model, dispose} = loadGoldenUnet();
    const wanted = golden.names().filter((name) => !/^(in|out)\./.test(name));
    assert.ok(wanted.length > 0);
    const tensorsBefore = tf.memory().numTensors;
    tf.tidy(() => {
      const latents = golden.tensor<tf.Tensor4D>('in.latents');
      const context = golden.tensor<tf.Tensor3D>('in.context');
      const steps = (timestep: number) =>
        latents.shape.slice(0, 1).flatMap((n) => Array(n).fill(timestep));
      const seen = new Set<string>();
      const compare = (traceName: string, x: tf.Tensor) => {
        const name = traceName.replace(/^unet\./, '');
        if (!golden.has(name)) return;
        assertClose(x, floats(name), tolerance, name);
        seen.add(name);
      };
      const sample = collectTrace(compare, () =>
        model.forward(latents, steps(golden.json.timestep), context),
      );
      assert.equal(
        wanted.filter((name) => !seen.has(name)),
        [],
      );
      assertClose(sample, floats('out.sample'), tolerance, 'out.sample');
      const first = model.forward(latents, steps(golden.json.timestep_t0), context);
      assertClose(first, floats('out.sample_t0'), tolerance, 'out.sample_t0');
    });
    assert.is(tf.memory().numTensors, tensorsBefore);
    dispose();
  });
}

test.run();
