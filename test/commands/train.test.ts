// `emu train` from the command line: every stage takes a recipe, and what it leaves is a model.
import {copyFileSync, mkdirSync, writeFileSync} from 'node:fs';
import path from 'node:path';
import {suite} from 'uvu';
import * as assert from 'uvu/assert';
import {readImage} from '../../src/data/image.js';
import {HIDDEN_SIZE, tokenId, writeRandomModel} from '../cli/randomModel.js';
import {assertFailure, fixture, runEmu} from '../cli/runEmu.js';
import {temporaryFolder} from '../support/temporary.js';

const test = suite('commands/train');
const folder = temporaryFolder();
const at = (name: string) => path.join(folder, name);

test('each stage names a recipe that is not there', async () => {
  for (const stage of ['pretrain', 'instruct', 'decoder']) {
    const args = ['train', stage, at('none.yaml'), '--out', at('none')];
    assertFailure(await runEmu(args), 1, /none\.yaml: no such file/);
    assertFailure(await runEmu(['train', stage, '--out', at('none')]), 2, /name a recipe/);
  }
});

/** A model that says "dog" after anything, and begins a picture after "dog". */
function writeDrawingModel(): string {
  return writeRandomModel(at('model'), (name, values) => {
    const set = (token: string, channel: number, value: number) => {
      values[tokenId(token) * HIDDEN_SIZE + channel] = value;
    };
    // What stands in a token's channels 0 and 1 outweighs all that the layers add.
    if (name.endsWith('embed_tokens.weight')) {
      for (let i = 0; i < values.length; i += HIDDEN_SIZE) values.set([1000, 0], i);
      set('dog', 0, 0);
      set('dog', 1, 1000);
    }
    if (/lm_head.*weight$/.test(name)) {
      values.fill(0);
      set('dog', 0, 9);
      set('[IMG]', 1, 9);
    }
    if (/model\.norm\.weight$/.test(name)) values.fill(1);
  });
}

test('a trained decoder draws what it is told, and what the model begins by itself', async () => {
  mkdirSync(at('pictures'));
  for (const name of ['cat.jpg', 'coffee.png']) {
    copyFileSync(fixture(name), path.join(at('pictures'), name));
    writeFileSync(path.join(at('pictures'), `${path.parse(name).name}.txt`), 'a cat');
  }
  writeDrawingModel();
  writeFileSync(
    at('decoder.yaml'),
    `
seed: 1
init: ./model
picture: {size: 16}
vae: {sizes: {blockChannels: [8, 8], latentChannels: 4, normGroups: 4}}
unet: {sizes: {blockChannels: [16, 16], attention: [true, true], layersPerBlock: 1, numHeads: 2, normGroups: 4}}
data: {sources: {own: {kind: pairs, folder: pictures}}}
phases:
  - {name: latents, objective: reconstruct, steps: 2, batch: 2, learningRate: 1.0e-3}
  - {name: draw, steps: 2, batch: 2, learningRate: 1.0e-3}
`,
  );
  const run = at('run');
  const trained = await runEmu(['train', 'decoder', at('decoder.yaml'), '--out', run]);
  assert.is(trained.code, 0, trained.stderr);
  assert.is(trained.stdout, `${run}\n`);
  const drawing = ['--model', run, '--steps', '2'];
  const out = at('dog.png');
  const drawn = await runEmu(['t2i', 'a cat dog', ...drawing, '-o', out]);
  assert.is(drawn.code, 0, drawn.stderr);
  const {width, height} = await readImage(out);
  assert.equal([width, height], [16, 16]);

  const own = at('own.png');
  const auto = await runEmu(['incontext', 'a cat', '--generate', 'auto', ...drawing, '-o', own]);
  assert.is(auto.code, 0, auto.stderr);
  assert.is(auto.stdout, `${own}\n`);
  assert.match(auto.stderr, /before the picture it says: dog/);
  assert.equal((await readImage(own)).data, (await readImage(out)).data, 'as told what it said');
  const text = await runEmu([
    'incontext',
    'a cat',
    '--generate',
    'auto',
    '-m',
    'emu-mini',
    '--json',
  ]);
  assert.is(text.code, 0, text.stderr);
  const {text: said, images} = JSON.parse(text.stdout);
  assert.ok(said.length > 0);
  assert.equal(images, []);
});

test.run();
