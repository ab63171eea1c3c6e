// From prompt to picture against the official pipeline, and what its safety checker thinks of pictures.
import path from 'node:path';
import tf from '#tfjs';
import {suite} from 'uvu';
import * as assert from 'uvu/assert';
import {clipPixels} from '../../src/data/preprocess.js';
import type {Picture} from '../../src/data/picture.js';
import {readImage} from '../../src/data/image.js';
import {Emu, type Item} from '../../src/emu.js';
import {SafetyChecker} from '../../src/model/diffusion/safetyChecker.js';
import {collectTrace, collectTraceOf} from '../../src/model/trace.js';
import {openSafetyChecker} from '../../src/weights/safetyFolder.js';
import {Weights} from '../../src/weights/weights.js';
import {assertClose, type NumberArray} from '../support/assertClose.js';
import {closeTo, goldenCheckpoint, onEveryBackend} from '../support/goldenModel.js';
import {goldenPath, goldens} from '../support/goldens.js';
import {skip} from '../support/skip.js';

const test = suite('pipeline goldens');
const golden = goldens('pipeline');
const folder = goldenPath('tiny-pretrain');
const examples = goldenPath('examples');

interface Scene {
  readonly inputs: readonly string[];
  readonly guidance_scale: number;
  readonly steps: number;
  readonly height: number;
  readonly width: number;
  readonly has_nsfw: boolean;
}

interface Verdict {
  readonly special_scores: readonly number[];
  readonly concept_scores: readonly number[];
  readonly has_nsfw: boolean;
}

const isPicture = (input: string) => /\.(png|jpe?g)$/.test(input);
const toItem = async (input: string): Promise<Item> =>
  isPicture(input)
    ? {type: 'image', picture: await readImage(path.join(examples!, path.basename(input)))}
    : {type: 'text', text: input};
const floats = (name: string) => golden!.get(name).data as Float32Array;

if (!golden || !folder || !examples || !goldenCheckpoint('pretrain')) {
  skip(test, 'drawings and safety checker', 'the goldens are not in this clone');
} else {
  const scenes = Object.entries(golden.json as Record<string, Scene>).filter(
    ([, scene]) => scene.inputs !== undefined,
  );

  for (const [name, scene] of scenes)
    onEveryBackend(test, `${name}: from prompt to pixels`, async (backend) => {
      const emu = await Emu.load(folder, {
        config: goldenPath('tiny-config')!,
        backend,
      });
      const items = await Promise.all(scene.inputs.map(toItem));
      const {shape} = golden.get('initial_latents');
      const latents = {shape, data: floats('initial_latents')};
      const {steps, width, height, guidance_scale: guidance} = scene;
      const options = {steps, width, height, guidance, latents};
      const found = new Map<string, Float32Array>();
      const keep = (traceName: string, x: tf.Tensor) =>
        found.set(traceName, Float32Array.from(x.dataSync()));
      let drawn: {picture: Picture; isFlagged: boolean} | undefined;
      await collectTraceOf(keep, async () => {
        for await (const event of emu.generateImage(items, options))
          if (event.type === 'picture') drawn = event;
      });
      const latentsName = `${name}.final_latents`;
      const trajectory = {atol: 2e-3, rtol: 1e-4, name: latentsName};
      closeTo(found.get('latents')!, floats(latentsName), trajectory);
      const pixelsName = `${name}.image_nhwc`;
      const pixels = {atol: 1e-3, rtol: 0, name: pixelsName};
      closeTo(found.get('vae.pictures')!, floats(pixelsName), pixels);
      assert.is(drawn!.isFlagged, scene.has_nsfw);
      const bytes = golden.get(`${name}.pil_u8`).data as Uint8Array;
      closeTo(drawn!.picture.data, bytes, {atol: 1, rtol: 0, name: `${name}.pil_u8`});
      emu.close();
    });

  onEveryBackend(test, 'safety checker', () => {
    const {vision, image, checkpoint} = openSafetyChecker(folder)!;
    const weights = Weights.open(checkpoint);
    const checker = new SafetyChecker(weights, vision);
    for (let i = 0; golden.json[`safety.${i}`]; i++) {
      const key = `safety.${i}`;
      const wanted = golden.json[key] as Verdict;
      const {shape, data} = golden.get(`${key}.image_hwc`);
      const [height, width] = shape as [number, number];
      const picture = {width, height, data: toBytes(data as Float32Array)};
      const values = clipPixels(picture, image);
      const tolerance = {atol: 1e-6, rtol: 1e-6, name: `${key}.pixel_values`};
      closeTo(values, floats(`${key}.pixel_values`), tolerance);
      const size = image.cropSize;
      const compare = (name: string, x: tf.Tensor) => {
        const full = name.replace('safety', key);
        if (!golden.has(full)) return;
        assertClose(x, golden.get(full) as NumberArray, {atol: 2e-4, rtol: 1e-4}, full);
      };
      const pixels = tf.tensor4d(values, [1, 3, size, size]);
      const verdict = collectTrace(compare, () => checker.check(pixels));
      pixels.dispose();
      const scores = {atol: 1.1e-3, rtol: 0, name: `${key} scores`}; // they are in thousandths
      closeTo(verdict.specialScores, wanted.special_scores, scores);
      closeTo(verdict.conceptScores, wanted.concept_scores, scores);
      assert.is(verdict.isFlagged, wanted.has_nsfw, key);
    }
    weights.dispose();
    checkpoint.close();
  });
}

/** PIL's picture of an array in 0..1, as the pipeline hands it to the safety checker. */
function toBytes(values: Float32Array): Uint8Array {
  return Uint8Array.from(values, (value) => Math.round(value * 255));
}

test.run();
