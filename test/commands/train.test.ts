// `emu train` from the command line: every stage takes a recipe, and what it leaves is a model.
import {copyFileSync, mkdirSync, writeFileSync} from 'node:fs';
import path from 'node:path';
import {suite} from 'uvu';
import * as assert from 'uvu/assert';
import {readImage} from '../../src/data/image.js';
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

test('a trained decoder draws', async () => {
  mkdirSync(at('pictures'));
  for (const name of ['cat.jpg', 'coffee.png']) {
    copyFileSync(fixture(name), path.join(at('pictures'), name));
    writeFileSync(path.join(at('pictures'), `${path.parse(name).name}.txt`), 'a tiger');
  }
  writeFileSync(
    at('decoder.yaml'),
    `
seed: 1
init: emu-mini
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
  const out = at('tiger.png');
  const drawing = ['--model', run, '--steps', '2', '-o', out, '--no-safety'];
  const drawn = await runEmu(['t2i', 'a tiger', ...drawing]);
  assert.is(drawn.code, 0, drawn.stderr);
  const {width, height} = await readImage(out);
  assert.equal([width, height], [16, 16]);
});

test.run();
