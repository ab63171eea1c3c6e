// Runs of the decoder stage: eight pictures learned from their captions, resumed to the bit, saved as what
// diffusers and emu read.
import {mkdirSync, readdirSync, readFileSync, writeFileSync} from 'node:fs';
import path from 'node:path';
import sharp from 'sharp';
import {suite} from 'uvu';
import * as assert from 'uvu/assert';
import tf from '#tfjs';
import {readImage} from '../../src/data/image.js';
import {drawnPixels} from '../../src/data/preprocess.js';
import {Emu} from '../../src/emu.js';
import {selectBackend} from '../../src/kernels/backend.js';
import {NoiseSchedule} from '../../src/model/diffusion/noiseSchedule.js';
import {Unet} from '../../src/model/diffusion/unet.js';
import {Vae} from '../../src/model/diffusion/vae.js';
import {EmuModel} from '../../src/model/emu.js';
import {regressImages} from '../../src/model/regressImages.js';
import {noisePredictionLoss} from '../../src/train/noisePrediction.js';
import {drawNoise} from '../../src/train/rowNoise.js';
import {runStage} from '../../src/train/run.js';
import type {TrainingProgress} from '../../src/train/train.js';
import {openInitialModel} from '../../src/train/trainedModel.js';
import {openCheckpoint} from '../../src/weights/checkpoint.js';
import {readNoiseScheduleConfig} from '../../src/weights/diffusionConfig.js';
import {openUnet, openVae} from '../../src/weights/diffusionFolder.js';
import {locateModel} from '../../src/weights/locate.js';
import {Weights} from '../../src/weights/weights.js';
import {variants} from '../support/backends.js';
import {goldenUnet, goldenVae} from '../support/goldenDecoder.js';
import {goldenPath} from '../support/goldens.js';
import {skip} from '../support/skip.js';
import {temporaryFolder} from '../support/temporary.js';
import {writeTinyRecipe} from './tinyRecipe.js';

const test = suite('decoder');
const folder = temporaryFolder();
process.env.EMU_CACHE_DIR = folder;
const at = (...names: string[]) => path.join(folder, ...names);
selectBackend({backend: 'auto'});

const PICTURE_SIZE = 16;
const captions = ['a', 'the'].flatMap((article) =>
  ['disc', 'box', 'bar', 'shape'].map((shape) => `${article} ${shape}`),
);
await writePictures();
const modelRecipe = writeModelRecipe();
const recipeFile = at('decoder.yaml');
writeFileSync(
  recipeFile,
  `
seed: 5
init: ./model
vae: {sizes: {blockChannels: [8, 16, 16], latentChannels: 4, normGroups: 4}}
unet: {sizes: {blockChannels: [32, 32], attention: [true, true], layersPerBlock: 1, numHeads: 4, normGroups: 8}}
picture: {size: ${PICTURE_SIZE}}
data:
  sources:
    own: {kind: pairs, folder: pictures}
phases:
  - {name: latents, objective: reconstruct, steps: 4, batch: 4, learningRate: 3.0e-3, klWeight: 1.0e-6}
  - {name: draw, steps: 4, batch: 4, microBatch: 3, learningRate: 4.0e-3, warmupSteps: 2}
ema: 0.98
save: {encoding: f32}
logEvery: 1
`,
);

/** Eight pictures of one rectangle each, with captions beside them. */
async function writePictures(): Promise<void> {
  mkdirSync(at('pictures'));
  for (const [i, caption] of captions.entries()) {
    const colour = `hsl(${45 * i}, ${60 + 5 * i}%, ${30 + 6 * i}%)`;
    const left = 2 + (i % 4) * 2;
    const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="16" height="16">
      <rect width="16" height="16" fill="${i % 2 ? '#fff' : '#224'}"/>
      <rect x="${left}" y="${14 - left}" width="${6 + (i % 3)}" height="${5 + (i % 2)}" fill="${colour}"/></svg>`;
    writeFileSync(at('pictures', `${i}.png`), await sharp(Buffer.from(svg)).png().toBuffer());
    writeFileSync(at('pictures', `${i}.txt`), caption);
  }
}

/** The tiny recipe on these pictures: first to name them, then to regress them from their names. */
function writeModelRecipe(): string {
  const file = writeTinyRecipe(folder);
  const sources = `  sources:
    seen: {kind: pairs, folder: pictures, order: pictureFirst}
    told: {kind: pairs, folder: pictures, order: textFirst}
`;
  const phases = `phases:
  - name: read
    regressionWeight: 0
    steps: 150
    batch: 8
    learningRates: {vision: 3.0e-3, causalFormer: 3.0e-3, llama: 3.0e-3}
    sources: {seen: 1}
  - name: regress
    steps: 250
    batch: 8
    learningRates: {llama: 5.0e-3}
    sources: {told: 1}
`;
  const text = readFileSync(file, 'utf8')
    .replace('  sources:\n', sources)
    .replace(/phases:[\s\S]*?(?=logEvery)/, phases);
  writeFileSync(file, text);
  return file;
}

interface Run {
  readonly out: string;
  readonly recipe?: string;
  readonly stopAfter?: number;
  readonly resume?: boolean;
  readonly overrides?: string[];
}

/** Trains into a folder; stops after so many steps when told. */
async function train({out, recipe = recipeFile, stopAfter = Infinity, ...options}: Run) {
  const stop = new AbortController();
  const seen: TrainingProgress[] = [];
  const onProgress = (progress: TrainingProgress) => {
    seen.push(progress);
    if (seen.length >= stopAfter) stop.abort();
  };
  const {signal} = stop;
  await runStage('decoder', {recipeFile: recipe, out: at(out), signal, onProgress, ...options});
  const bytes = ['unet', 'vae'].map((part) =>
    readFileSync(at(out, part, 'diffusion_pytorch_model.safetensors')),
  );
  return {seen, losses: seen.map(({loss}) => loss), bytes};
}

/** Mean loss of fixed draws by what a run's folder holds, each picture with the context of the `shift`-th next. */
async function lossOf(out: string, shift: number): Promise<number> {
  const initial = openInitialModel(at(out));
  const tokenizer = initial.tokenizer('pretrain');
  const [unetPart, vaePart] = [openUnet(at(out, 'unet')), openVae(at(out, 'vae'))];
  const weights = [unetPart, vaePart].map(({checkpoint}) => Weights.open(checkpoint));
  const unet = new Unet(weights[0]!, unetPart.config);
  const vae = new Vae(weights[1]!, vaePart.config);
  const scheduleFile = at(out, 'scheduler', 'scheduler_config.json');
  const schedule = new NoiseSchedule(readNoiseScheduleConfig(scheduleFile));
  const model = new EmuModel(initial.weights, initial.config);
  const size = PICTURE_SIZE;
  const pictures = await Promise.all(
    captions.map(async (_, i) =>
      drawnPixels(await readImage(at('pictures', `${i}.png`)), size, 'crop'),
    ),
  );
  const mean = tf.tidy(() => {
    const pixels = pictures.map((values) => tf.tensor4d(values, [1, 3, size, size]));
    const latents = vae.toLatents(tf.concat(pixels));
    const spread = Math.sqrt(tf.moments(latents).variance.dataSync()[0]!);
    assert.ok(Math.abs(spread - 1) < 0.05, `latents are scaled to a spread of 1, got ${spread}`);
    const prompts = captions.map((caption) => tokenizer.encode(`${caption}[IMG]`, {bos: true}));
    const all = regressImages(model, prompts, tokenizer.ids);
    const shown = captions.map((_, i) => (i + shift) % captions.length);
    const context = tf.gather(all, tf.tensor1d(shown, 'int32'));
    const numDraws = 48;
    let sum = 0;
    for (let draw = 0; draw < numDraws; draw++) {
      const rows = captions.map((_, i) => 8 * draw + i);
      const shape = latents.shape.slice(1) as [number, number, number];
      const options = {shape, numSteps: 1000, dropCondition: 0};
      const {noise, timesteps} = drawNoise(9, undefined, rows, options);
      const batch = {latents, noise, timesteps, context};
      sum += noisePredictionLoss(unet, schedule, batch).loss.dataSync()[0]!;
    }
    return sum / numDraws;
  });
  for (const source of weights) source.dispose();
  for (const {checkpoint} of [unetPart, vaePart]) checkpoint.close();
  initial.close();
  return mean;
}

test.before(async () => {
  await runStage('pretrain', {recipeFile: modelRecipe, out: at('model')});
});

test('eight pictures are learned to the end, by what their captions regress', async () => {
  selectBackend({backend: 'auto'});
  const steps = ['phases.0.steps=300', 'phases.0.batch=8', 'phases.1.steps=400'];
  const overrides = [...steps, 'phases.1.batch=16', 'phases.1.microBatch=16'];
  const {seen} = await train({out: 'overfit', overrides});
  const pixels = seen[299]!.loss;
  assert.ok(pixels < 0.25 * seen[0]!.loss, `autoencoder: ${seen[0]!.loss} to ${pixels}`);
  const [own, others] = [await lossOf('overfit', 0), await lossOf('overfit', 3)];
  assert.ok(own < 0.05, `loss ${own}`);
  assert.ok(
    others > 3 * own,
    `loss ${others} with the contexts of other pictures, ${own} with their own`,
  );
});

const all = variants();
const native = all.findLast(({backend}) => backend === 'native');
const backends = all.filter((variant) => variant.backend !== 'native' || variant === native);
for (const {name, backend, isa} of backends)
  test(`a resumed run equals one in one go (${name})`, async () => {
    selectBackend({backend, ...(isa ? {isa} : {})});
    const whole = await train({out: `whole-${backend}`});
    assert.is(whole.losses.length, 8);
    assert.ok(whole.losses.every(Number.isFinite));
    // Once inside either phase; tfjs's cpu takes its time.
    for (const stopAfter of backend === 'reference' ? [6] : [2, 6]) {
      const out = `parts-${backend}-${stopAfter}`;
      const first = await train({out, stopAfter});
      const second = await train({out, resume: true});
      assert.equal([...first.losses, ...second.losses], whole.losses);
      assert.ok(
        second.bytes.every((part, i) => part.equals(whole.bytes[i]!)),
        'the same weights, byte for byte',
      );
    }
  });

test('parts of a batch are trained on as the whole', async () => {
  selectBackend({backend: 'auto'});
  const parts = await train({out: 'by-three'});
  const whole = await train({out: 'by-four', overrides: ['phases.1.microBatch=4']});
  for (const [i, loss] of parts.losses.entries())
    assert.ok(Math.abs(loss - whole.losses[i]!) < 1e-4 * loss, `step ${i}: ${parts.losses}`);
});

test('the run’s folder is a model with a decoder, the averages of the UNet', async () => {
  const {decoderFolder, layout} = locateModel(at('overfit'));
  assert.is(decoderFolder, at('overfit'));
  assert.is(layout, 'emu');
  (await Emu.load(at('overfit'))).close();
  const [state] = readdirSync(at('overfit')).filter((name) => name.startsWith('checkpoint-700'));
  const checkpoint = openCheckpoint(at('overfit', state!));
  const [unet, vae] = [openUnet(at('overfit/unet')), openVae(at('overfit/vae'))];
  const same = (stored: {read(): Uint8Array}, name: string) =>
    Buffer.from(stored.read()).equals(Buffer.from(checkpoint.tensors.get(name)!.read()));
  for (const [name, stored] of unet.checkpoint.tensors)
    assert.ok(same(stored, `ema.unet.${name}`), `unet ${name}`);
  // What the UNet was trained on, not its average.
  for (const [name, stored] of vae.checkpoint.tensors)
    assert.ok(same(stored, `vae.${name}`), `vae ${name}`);
  assert.ok(vae.config.scalingFactor !== 1, 'the scale was measured');
  const model = (run: string) => readFileSync(at(run, 'model.safetensors'));
  assert.ok(model('overfit').equals(model('model')), 'the model is as it was');
  for (const part of [checkpoint, unet.checkpoint, vae.checkpoint]) part.close();
});

test('a run goes on from a decoder’s folder: other condition, weights, validation', async () => {
  selectBackend({backend: 'auto'});
  const file = at('more.yaml');
  writeFileSync(
    file,
    readFileSync(recipeFile, 'utf8')
      .replace('init: ./model', 'init: ./overfit')
      .replace(/^vae: .*\n/m, '')
      .replace(/^unet: .*$/m, 'validation: {every: 2, batch: 8, batches: 2}')
      .replace(
        /phases:[\s\S]*(?=ema)/,
        'phases:\n  - {name: draw, steps: 4, batch: 8, learningRate: 1.0e-6, condition: causalFormer, minSnrGamma: 0.1, dropCondition: 1}\n',
      )
      .replace(/^ema: .*\n/m, ''),
  );
  await train({out: 'more', recipe: file});
  const bytes = (run: string) => readFileSync(at(run, 'vae/diffusion_pytorch_model.safetensors'));
  assert.ok(bytes('more').equals(bytes('overfit')), 'the autoencoder is frozen');
  const lines = readFileSync(at('more/metrics.jsonl'), 'utf8').trim().split('\n');
  const metrics = lines.map((line) => JSON.parse(line) as Record<string, number>);
  const trained = metrics.filter(({loss}) => loss !== undefined);
  for (const {loss, unweighted} of trained)
    assert.ok(
      loss! < 0.9 * unweighted!,
      `${loss} of ${unweighted}: timesteps with little noise count less`,
    );
  // Validation draws the same noise each time: a step of 1e-6 changes the fifth digit at most.
  const [first, second] = metrics.flatMap(({validationLoss}) => validationLoss ?? []);
  assert.ok(Math.abs(first! - second!) < 1e-3 * first!, `${first}, ${second}`);
});

test('training leaves no tensor behind', async () => {
  selectBackend({backend: 'auto'});
  const counts: Record<string, number[]> = {latents: [], draw: []};
  await runStage('decoder', {
    recipeFile,
    out: at('leaks'),
    onProgress: ({phase}) => counts[phase]!.push(tf.memory().numTensors),
  });
  for (const [phase, each] of Object.entries(counts))
    assert.is(new Set(each.slice(1)).size, 1, `${phase}: tensors after each step: ${each}`);
});

test('recipes that cannot be are refused in one line', async () => {
  const refuses = async (overrides: string[], message: RegExp, recipe = recipeFile) => {
    const error: Error = await train({out: `no-${message.source.length}`, recipe, overrides}).then(
      () => assert.unreachable(`${overrides} passed`),
      (caught) => caught,
    );
    assert.match(error.message, message);
    assert.not.match(error.message, /\n/);
  };
  await refuses(['data.pack=2'], /data\.pack: a row of the decoder holds one sample/);
  await refuses(['phases.0.objective=denoise'], /vae\.sizes: it is random at first/);
  await refuses(['picture.size=20'], /picture\.size: expected a multiple of 8, got 20/);
  await refuses(['unet.folder=x'], /unet: needs either folder .* or sizes/);
  await refuses(
    ['unet.sizes.normGroups=5'],
    /unet\.sizes.*32 is not a multiple of norm_num_groups 5/,
  );
  const bare = at('bare.yaml');
  writeFileSync(bare, readFileSync(recipeFile, 'utf8').replace(/^unet: .*\n/m, ''));
  await refuses([], /has no image decoder of its own; give unet:/, bare);
});

const officialModel = goldenPath('tiny-pretrain/multimodal_encoder/pytorch_model.bin');
const officialTest = 'the official decoder is trained further and saved as the release has it';
if (!officialModel || !goldenPath('examples/dog.png')) {
  skip(test, officialTest, 'the goldens are not in this clone');
} else
  test(officialTest, async () => {
    selectBackend({backend: 'auto'});
    const examples = path.dirname(goldenPath('examples/dog.png')!);
    const table = at('table.jsonl');
    writeFileSync(
      table,
      ['dog.png', 'panda.png', 'cat.jpg']
        .map(
          (image) => `${JSON.stringify({image, caption: `a picture of ${image.slice(0, 3)}`})}\n`,
        )
        .join(''),
    );
    const file = at('official.yaml');
    const source = path.resolve(path.dirname(officialModel), '..');
    writeFileSync(
      file,
      `
seed: 1
init: ${source}
config: ${goldenPath('tiny-config')}
picture: {size: 64, fit: stretch}
data:
  sources:
    examples: {kind: pairs, folder: ${examples}, table: ${table}}
phases:
  - {name: draw, steps: 2, batch: 2, learningRate: 1.0e-4}
save: {encoding: f32, official: true}
logEvery: 1
`,
    );
    const {losses} = await train({out: 'official', recipe: file});
    assert.ok(losses.every((loss) => loss > 0 && loss < 10));
    const official = at('official', 'official');
    const release = path.join(official, 'pretrain');
    const config = goldenPath('tiny-config')!;
    assert.is(locateModel(official, {config}).decoderFolder, release);
    assert.is(locateModel(at('official')).decoderFolder, at('official'));
    const read = (open: typeof openUnet | typeof openVae, part: string) => {
      const {config, checkpoint} = open(part);
      const tensors = new Map(
        [...checkpoint.tensors].map(([name, stored]) => [name, Buffer.from(stored.read())]),
      );
      checkpoint.close();
      return {config, tensors};
    };
    // Both formats hold the same bytes; the frozen part is the source's.
    const own = read(openUnet, at('official/unet'));
    assert.equal(read(openUnet, path.join(release, 'unet')), own);
    const before = read(openUnet, goldenUnet()!);
    assert.equal([...own.tensors.keys()].sort(), [...before.tensors.keys()].sort());
    const changed = [...own.tensors].filter(
      ([name, bytes]) => !bytes.equals(before.tensors.get(name)!),
    );
    assert.is(changed.length, own.tensors.size, 'every tensor of the UNet was trained');
    const vae = read(openVae, path.join(release, 'vae'));
    assert.equal(vae.tensors, read(openVae, goldenVae()!).tensors);
    const scheduler = (root: string) =>
      JSON.parse(readFileSync(path.join(root, 'scheduler/scheduler_config.json'), 'utf8'));
    assert.equal(scheduler(release), scheduler(source));
    for (const part of ['safety_checker', 'feature_extractor'])
      assert.equal(readdirSync(path.join(release, part)), readdirSync(path.join(source, part)));
  });

test.run();
