// Each stage learns eight pictures by heart, then other texts for the same pictures: trained on with the
// captions and answers swapped, the model says the new ones.
import {writeFileSync} from 'node:fs';
import path from 'node:path';
import {suite} from 'uvu';
import * as assert from 'uvu/assert';
import {readImage} from '../../src/data/image.js';
import {Emu, type Item, type TextOptions} from '../../src/emu.js';
import {selectBackend} from '../../src/kernels/backend.js';
import {loadAddon} from '../../src/kernels/native/addon.js';
import {runStage, type StageName} from '../../src/train/run.js';
import {testedBackends} from '../support/backends.js';
import {temporaryFolder} from '../support/temporary.js';
import {
  drawn,
  pictureFile,
  pictureSources,
  questions,
  saidOf,
  smallModel,
  writePictures,
} from './captionedPictures.js';
import {metricsOf} from './runResults.js';

const test = suite('overfit');
let folder: string;

/** Trains by a recipe in a folder of its own, beside its pictures; the run's folder. */
async function train(stage: StageName, name: string, shift: number, text: string) {
  const home = path.join(folder, name);
  await writePictures(path.join(home, 'pictures'), shift);
  const recipeFile = path.join(home, 'recipe.yaml');
  writeFileSync(recipeFile, `seed: 2\ndata: {sources: ${pictureSources}}\nlogEvery: 1\n${text}`);
  const out = path.join(home, 'run');
  await runStage(stage, {recipeFile, out});
  const losses = metricsOf(out).map(({loss}) => loss as number);
  const last = losses.slice(-5);
  assert.ok(
    last.every((loss) => loss < 0.05),
    `${name}: ends with losses of ${last}`,
  );
  return out;
}

const pretrain = (from: string, steps: number) => `
${from}
vocabulary: words
phases:
  - {name: read, steps: ${steps}, batch: 24, sources: {captions: 1, questions: 2}, regressionWeight: 0,
     warmupSteps: 10, finalShare: 0.1, learningRates: {vision: 0.003, causalFormer: 0.003, llama: 0.003}}
`;

const instruct = (init: string, steps: number) => `
init: ${init}
lora: {rank: 8, alpha: 16, dropout: 0}
phases:
  - {name: answer, steps: ${steps}, batch: 16, sources: {questions: 1}, learningRate: 0.01, warmupSteps: 10, finalShare: 0.1}
`;

/** What the model says of each picture, greedily. */
async function sayAll(emu: Emu, items: readonly Item[], options: TextOptions): Promise<string[]> {
  const said: string[] = [];
  for (const i of drawn.keys()) {
    const picture = await readImage(pictureFile(path.join(folder, 'first/pictures'), i));
    const all: Item[] = [{type: 'image', picture}, ...items];
    for await (const event of emu.generateText(all, {...options, numBeams: 1, maxTokens: 12}))
      if (event.type === 'done') said.push(event.result.text);
  }
  return said;
}

async function assertCaptions(run: string, shift: number): Promise<void> {
  const emu = await Emu.load(run);
  const said = await sayAll(emu, [], {task: 'caption'});
  emu.close();
  const captions = drawn.map((_, i) => saidOf(i, shift).caption);
  assert.equal(said, captions);
}

async function assertAnswers(run: string, shift: number): Promise<void> {
  const emu = await Emu.load(run);
  for (const [k, text] of questions.entries()) {
    const said = await sayAll(emu, [{type: 'text', text}], {task: 'vqa'});
    const answers = drawn.map((_, i) => saidOf(i, shift).answers[k]);
    assert.equal(said, answers);
  }
  emu.close();
}

async function learnAndLearnAgain(): Promise<void> {
  const first = await train('pretrain', 'first', 0, pretrain(`model: ${smallModel}`, 200));
  await assertCaptions(first, 0);
  const swapped = await train('pretrain', 'swapped', 3, pretrain(`init: ${first}`, 100));
  await assertCaptions(swapped, 3);
  // Its base has read other answers: what it says, LoRA has learned.
  const tuned = await train('instruct', 'tuned', 5, instruct(first, 80));
  await assertAnswers(tuned, 5);
  const retuned = await train('instruct', 'retuned', 2, instruct(tuned, 80));
  await assertAnswers(retuned, 2);
}

for (const backend of testedBackends()) {
  if (backend === 'reference' && loadAddon()) continue; // slow, and the numbers are tested elsewhere
  test(`pretrain learns captions, instruct answers; both learn others for the same pictures (${backend})`, async () => {
    selectBackend({backend});
    folder = temporaryFolder();
    await learnAndLearnAgain();
  });
}

test.run();
