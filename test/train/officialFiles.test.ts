// What a run writes for the official code, and a tuning's folder as a model of both modes.
import {copyFileSync, cpSync, mkdirSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import path from 'node:path';
import {suite} from 'uvu';
import * as assert from 'uvu/assert';
import {stringify} from 'yaml';
import {Emu} from '../../src/emu.js';
import {selectBackend} from '../../src/kernels/backend.js';
import {runStage, type StageName} from '../../src/train/run.js';
import {openCheckpoint} from '../../src/weights/checkpoint.js';
import {decodeFloat32} from '../../src/weights/decode.js';
import {openModel} from '../../src/weights/openModel.js';
import type {StoredTensor} from '../../src/weights/storedTensor.js';
import {runEmu} from '../cli/runEmu.js';
import {goldenCheckpoint} from '../support/goldenModel.js';
import {goldenPath} from '../support/goldens.js';
import {skip} from '../support/skip.js';
import {temporaryFolder} from '../support/temporary.js';
import {assertSameTensors, largestDifference, tracedLogits} from './officialSupport.js';
import {tinyRecipe, writeTinyRecipe} from './tinyRecipe.js';

const test = suite('official files');
const folder = temporaryFolder();
process.env.EMU_CACHE_DIR = folder;
const tinyFile = writeTinyRecipe(folder);
const plainFile = path.join(folder, 'plain.yaml');
writeFileSync(plainFile, tinyRecipe.replace(/,\s*stem: \{.*?\]\}/s, ''));
const image = path.resolve('fixtures/cat.jpg');

/** Runs a stage's recipe into a folder of the tests. */
async function train(stage: StageName, recipe: object, out: string): Promise<string> {
  const recipeFile = path.join(folder, `${out}.yaml`);
  writeFileSync(recipeFile, stringify(recipe));
  const run = path.join(folder, out);
  await runStage(stage, {recipeFile, out: run});
  return run;
}

const conversations = [
  {
    image: path.basename(image),
    conversations: [
      {from: 'human', value: '<image>\nWhat is it?'},
      {from: 'gpt', value: 'A cat of one metre.'},
    ],
  },
];
const conversationsFile = path.join(folder, 'conversations.json');
writeFileSync(conversationsFile, JSON.stringify(conversations));
const llava = {kind: 'llava', files: conversationsFile, images: path.dirname(image)};

/** A short tuning of a model, whose B matrices leave zero at once. */
const tuning = (init: string, save: object) => ({
  seed: 5,
  init,
  config: goldenPath('tiny-config'),
  data: {sources: {talk: llava}},
  phases: [{name: 'tune', steps: 3, batch: 2, learningRate: 0.05}],
  save: {official: true, ...save},
});

const namesOf = (tensors: ReadonlyMap<string, StoredTensor>) =>
  Object.fromEntries([...tensors].map(([name, {shape}]) => [name, [...shape]]).sort());

test('a model from nothing is complete for a strict loader', async () => {
  selectBackend({backend: 'auto'});
  const out = path.join(folder, 'nothing');
  const overrides = [
    'save={official: true, encoding: bf16}',
    'phases.0.steps=1',
    'phases.1.steps=1',
  ];
  await runStage('pretrain', {recipeFile: plainFile, out, overrides});
  const official = openModel(path.join(out, 'official'));
  const {tensors} = official.checkpoint;
  assert.is(official.location.layout, 'official');
  const own = openModel(out);
  assert.equal(official.config, own.config);
  for (const stored of own.checkpoint.tensors.values())
    assertSameTensors(tensors.get(stored.name)!, stored);
  assert.ok([...tensors.values()].every(({encoding}) => encoding === 'bf16'));
  // The names that only the official code knows, as its own file has them.
  const added = [...tensors.keys()].filter((name) => !own.checkpoint.tensors.has(name));
  assert.equal(added.sort(), [
    'cformer.cformer.embed_tokens.weight',
    'decoder.lm.model.layers.0.self_attn.rotary_emb.inv_freq',
    'visual.head.bias',
    'visual.head.weight',
    'visual.norm.bias',
    'visual.norm.weight',
  ]);
  const values = (name: string) => decodeFloat32(tensors.get(name)!.read(), 'bf16');
  assert.equal([...values('visual.norm.weight')], new Array(16).fill(1));
  assert.ok(values('cformer.cformer.embed_tokens.weight').every((value) => value === 0));
  assert.equal(tensors.get('visual.head.weight')!.shape, [1024, 16]);
  official.checkpoint.close();
  own.checkpoint.close();
});

test('a convolutional stem is refused in the recipe', async () => {
  let message = '';
  const out = path.join(folder, 'stem');
  await runStage('pretrain', {recipeFile: tinyFile, out, overrides: ['save.official=true']}).catch(
    (error: Error) => {
      message = error.message;
    },
  );
  assert.match(
    message,
    /^[^\n]*recipe\.yaml: [^\n]*convolutional stem has no official form[^\n]*$/,
  );
});

const pretrain = goldenCheckpoint('pretrain');
const instruct = goldenCheckpoint('instruct');
if (!pretrain || !instruct) skip(test, 'the official checkpoints trained', 'no golden checkpoints');
else {
  test('the official checkpoint trained has the names, shapes and encoding of the official one', async () => {
    const run = await train(
      'pretrain',
      {
        seed: 3,
        init: pretrain,
        config: goldenPath('tiny-config'),
        data: {sources: {pair: {kind: 'pairs', folder: pictures()}}},
        phases: [{name: 'all', steps: 2, batch: 2, learningRates: {llama: 0.001}}],
        save: {official: true, encoding: 'bf16'},
      },
      'golden-pretrain',
    );
    const before = openCheckpoint(pretrain);
    const after = openModel(path.join(run, 'official'));
    assert.equal(namesOf(after.checkpoint.tensors), namesOf(before.tensors));
    for (const [name, stored] of before.tensors) {
      const written = after.checkpoint.tensors.get(name)!;
      assert.is(written.encoding, 'bf16', name);
      if (/^(visual|ln_visual|cformer)\.|inv_freq$/.test(name)) assertSameTensors(written, stored);
    }
    const trained = 'decoder.lm.model.layers.1.mlp.up_proj.weight';
    assert.not.equal(
      after.checkpoint.tensors.get(trained)!.read(),
      before.tensors.get(trained)!.read(),
    );
    before.close();
    after.checkpoint.close();
  });

  for (const [base, file] of [
    ['pretrain', pretrain],
    ['instruct', instruct],
  ] as const)
    test(`Emu-instruct.pt of a tuned ${base} model gives the logits of the run's folder`, async () => {
      const run = await train('instruct', tuning(file, {encoding: 'f32'}), `tuned-${base}`);
      const golden = openCheckpoint(instruct);
      const official = openModel(path.join(run, 'official'));
      assert.is(official.location.mode, 'instruct');
      assert.equal(namesOf(official.checkpoint.tensors), namesOf(golden.tensors));
      golden.close();
      official.checkpoint.close();
      const own = await tracedLogits(run, 'vqa', {mode: 'instruct'});
      const whole = await tracedLogits(path.join(run, 'official'), 'vqa');
      const untuned = await tracedLogits(file, 'caption', {config: goldenPath('tiny-config')!});
      assert.ok(largestDifference(own, whole) < 1e-5, `${largestDifference(own, whole)}`);
      assert.ok(largestDifference(own, untuned) > 0.01, 'the tuning changes something');
    });

  test('a tuning’s folder answers by the tuning and goes on by its base', async () => {
    const run = path.join(folder, 'tuned-pretrain');
    const config = goldenPath('tiny-config')!;
    const both = await Emu.load(run);
    assert.is(both.mode, 'instruct');
    both.close();
    const base = await tracedLogits(pretrain, 'incontext', {config});
    assert.is(largestDifference(await tracedLogits(run, 'incontext'), base), 0);
    assert.is(
      largestDifference(
        await tracedLogits(run, 'caption', {mode: 'pretrain'}),
        await tracedLogits(pretrain, 'caption', {config}),
      ),
      0,
    );
    for (const task of ['caption', 'vqa'] as const) {
      const tuned = await tracedLogits(run, task);
      assert.is(largestDifference(tuned, await tracedLogits(run, task, {mode: 'instruct'})), 0);
      assert.ok(largestDifference(tuned, await tracedLogits(pretrain, task, {config})) > 0.01);
    }
    let message = '';
    await Emu.load(pretrain, {config, mode: 'instruct'}).catch((error: Error) => {
      message = error.message;
    });
    assert.match(message, /without instruct mode/);
  });

  test('emu models and emu trace take a tuning whose base lies elsewhere', async () => {
    const home = path.join(folder, 'home');
    const place = path.join(home, 'models', 'tuned');
    mkdirSync(place, {recursive: true});
    cpSync(path.join(folder, 'tuned-pretrain'), place, {recursive: true});
    const env = {EMU_HOME: home};
    const listed = await runEmu(['models', '--json'], {env});
    assert.is(listed.code, 0, listed.stderr);
    const {models} = JSON.parse(listed.stdout) as {models: {name: string; available: boolean}[]};
    assert.ok(models.some(({name, available}) => name === 'tuned' && available));
    const file = path.join(folder, 'trace.safetensors');
    const traced = await runEmu(['trace', image, '-m', 'tuned', '-o', file], {env});
    assert.is(traced.code, 0, traced.stderr);
    const names = [...openCheckpoint(file).tensors.keys()];
    assert.ok(names.includes('llm.layers.2.self_attn') && names.includes('llm.logits'));
  });

  test('a tuning that does not fit its base, and one without its base, are one line', async () => {
    const place = path.join(folder, 'misfit');
    mkdirSync(place);
    for (const name of ['model.safetensors', 'config.json', 'vocab.json'])
      copyFileSync(path.join(folder, 'nothing', name), path.join(place, name));
    const {metadata, close} = openCheckpoint(
      path.join(folder, 'tuned-pretrain', 'instruct.safetensors'),
    );
    close();
    assert.is(metadata.base, pretrain);
    const fits = readFileSync(path.join(folder, 'tuned-pretrain', 'instruct.safetensors'));
    // Without the base's name the model beside it is its base.
    writeFileSync(path.join(place, 'instruct.safetensors'), renameKey(fits, '"base"', '"bass"'));
    const misfit = await runEmu(['trace', image, '-m', place, '-o', path.join(place, 'x')]);
    assert.is(misfit.code, 3);
    assert.match(misfit.stderr, /^emu: [^\n]*instruct\.safetensors: [^\n]*another base[^\n]*\n$/);
    const lost = path.join(folder, 'lost');
    cpSync(path.join(folder, 'tuned-pretrain'), lost, {recursive: true});
    writeFileSync(
      path.join(lost, 'instruct.safetensors'),
      renameKey(fits, 'pytorch_model.bin', 'pytorch_model.nib'),
    );
    const gone = await runEmu(['trace', image, '-m', lost, '-o', path.join(lost, 'x')]);
    assert.is(gone.code, 3);
    assert.match(gone.stderr, /^emu: [^\n]*pytorch_model\.nib: no such file or folder[^\n]*\n$/);
    rmSync(lost, {recursive: true});
  });

  test('a recipe whose LoRA is not the one that would go on is refused', async () => {
    let message = '';
    const recipe = {...tuning(instruct, {}), lora: {rank: 4}};
    await train('instruct', recipe, 'other-rank').catch((error: Error) => {
      message = error.message;
    });
    assert.match(message, /has rank 16 and alpha 16, the recipe's lora 4 and 16/);
  });
}

/** A folder with one captioned picture. */
function pictures(): string {
  const place = path.join(folder, 'pictures');
  mkdirSync(place, {recursive: true});
  copyFileSync(image, path.join(place, 'cat.jpg'));
  writeFileSync(path.join(place, 'cat.txt'), 'a cat that looks at you');
  return place;
}

/** The bytes of a file with one word of its header changed to another of the same length. */
function renameKey(bytes: Buffer, from: string, to: string): Buffer {
  const copy = Buffer.from(bytes);
  copy.write(to, copy.indexOf(from));
  return copy;
}

test.run();
