import {cpSync, existsSync, mkdirSync, writeFileSync} from 'node:fs';
import path from 'node:path';
import {suite} from 'uvu';
import * as assert from 'uvu/assert';
import {WeightsError} from '../../src/weights/checkTensors.js';
import {formatConfig, type Mode} from '../../src/weights/config.js';
import {dataFolder} from '../../src/userFolders.js';
import {knownModels, locateModel} from '../../src/weights/locate.js';
import {openModel} from '../../src/weights/openModel.js';
import {writePytorch} from '../../src/weights/pytorchWriter.js';
import {type TensorToWrite, writeSafetensors} from '../../src/weights/safetensors.js';
import {throwsEmuError} from '../support/errors.js';
import {goldenPath} from '../support/goldens.js';
import {skip} from '../support/skip.js';
import {temporaryFolder} from '../support/temporary.js';
import {tinyConfig, tinyTensors, writeOfficialConfig, writeRelease} from '../support/tinyEmu.js';

const root = temporaryFolder();
const config = path.join(root, 'config');
writeOfficialConfig(config);
const release = path.join(root, 'release');
const pretrainFile = writeRelease(release, 'pretrain');
const instructFile = writeRelease(release, 'instruct');
let count = 0;

/** A checkpoint file of these tensors in a folder of its own. */
function checkpoint(tensors: readonly TensorToWrite[]): string {
  const folder = path.join(root, `${count++}`);
  mkdirSync(folder);
  const file = path.join(folder, 'pytorch_model.bin');
  writePytorch(file, tensors);
  return file;
}

/** emu's own layout: model.safetensors, config.json, vocab.json. */
function ownModel(folder: string, mode: Mode, tensors = tinyTensors(tinyConfig(mode))): string {
  mkdirSync(folder, {recursive: true});
  writeSafetensors(path.join(folder, 'model.safetensors'), tensors);
  writeFileSync(path.join(folder, 'config.json'), formatConfig(tinyConfig(mode), mode));
  writeFileSync(path.join(folder, 'vocab.json'), '{}');
  return folder;
}

const refuses = (run: () => unknown, message: RegExp) => {
  const error = throwsEmuError(run, message);
  assert.is(error.exitCode, 3);
  return error;
};

const test = suite('locate');

test('opens the release by folder and by file', () => {
  const cases: [string, string, Mode][] = [
    [path.join(release, 'pretrain'), pretrainFile, 'pretrain'],
    [pretrainFile, pretrainFile, 'pretrain'],
    [instructFile, instructFile, 'instruct'],
  ];
  for (const [model, file, mode] of cases) {
    const opened = openModel(model, {config});
    assert.is(opened.location.checkpoint, file);
    assert.is(opened.location.mode, mode);
    assert.is(opened.location.layout, 'official');
    assert.is(opened.location.configFolder, config);
    assert.equal(opened.config, tinyConfig(mode));
    assert.is(opened.location.tokenizer, undefined);
    opened.checkpoint.close();
    assert.is(locateModel(model, {config}).mode, mode);
  }
});

test('a copy of the whole release holds two models: the mode or the person chooses', () => {
  refuses(
    () => openModel(release, {config}),
    /holds two models; name .*pretrain or .*instruct\.pt/,
  );
  assert.is(locateModel(release, {config, mode: 'pretrain'}).checkpoint, pretrainFile);
  assert.is(locateModel(release, {config, mode: 'instruct'}).checkpoint, instructFile);
});

test('a checkpoint of the other mode is an error that names the right file', () => {
  refuses(
    () => openModel(instructFile, {config, mode: 'pretrain'}),
    /a checkpoint of instruct mode .*name pretrain\/multimodal_encoder\/pytorch_model\.bin/,
  );
  refuses(
    () => openModel(pretrainFile, {config, mode: 'instruct'}),
    /a checkpoint of pretrain mode .*name Emu-instruct\.pt/,
  );
  const swapped = path.join(root, 'swapped', 'multimodal_encoder');
  mkdirSync(swapped, {recursive: true});
  cpSync(instructFile, path.join(swapped, 'pytorch_model.bin'));
  refuses(() => openModel(path.dirname(swapped), {config}), /a checkpoint of instruct mode/);
});

test('configuration, tokenizer and decoder are found beside the checkpoint', () => {
  const folder = path.join(root, 'beside', 'pretrain');
  cpSync(path.join(release, 'pretrain'), folder, {recursive: true});
  writeOfficialConfig(folder);
  writeFileSync(path.join(folder, 'llama_config', 'tokenizer.model'), 'x');
  mkdirSync(path.join(folder, 'unet'));
  writeFileSync(path.join(folder, 'unet', 'config.json'), '{}');
  for (const model of [folder, path.join(folder, 'multimodal_encoder', 'pytorch_model.bin')]) {
    const {location, checkpoint} = openModel(model);
    checkpoint.close();
    assert.is(location.configFolder, folder);
    assert.is(location.tokenizer, path.join(folder, 'llama_config', 'tokenizer.model'));
    assert.is(location.decoderFolder, folder);
  }
});

test('the tokenizer may stand in --config', () => {
  const folder = path.join(root, 'with tokenizer');
  cpSync(config, folder, {recursive: true});
  writeFileSync(path.join(folder, 'tokenizer.json'), '{}');
  const location = locateModel(instructFile, {config: folder});
  assert.is(location.tokenizer, path.join(folder, 'tokenizer.json'));
});

test("emu's own layout carries its configuration", () => {
  for (const mode of ['pretrain', 'instruct'] as const) {
    const folder = ownModel(path.join(root, `own ${mode}`), mode);
    for (const model of [folder, path.join(folder, 'model.safetensors')]) {
      const opened = openModel(model);
      opened.checkpoint.close();
      assert.is(opened.location.layout, 'emu');
      assert.is(opened.location.mode, mode);
      assert.is(opened.location.tokenizer, path.join(folder, 'vocab.json'));
      assert.equal(opened.config, tinyConfig(mode));
    }
  }
  const wrong = ownModel(
    path.join(root, 'own wrong'),
    'instruct',
    tinyTensors(tinyConfig('pretrain')),
  );
  refuses(() => openModel(wrong), /no LoRA matrices in it, but .*config\.json says/);
});

test('names: the packaged models, then the data folder', () => {
  const home = path.join(root, 'home');
  ownModel(path.join(home, 'models', 'my model'), 'pretrain');
  mkdirSync(path.join(home, 'models', 'empty'));
  const env = {EMU_HOME: home};
  const names = [...knownModels(env).keys()];
  assert.ok(names.includes('my model') && !names.includes('empty'));
  assert.is(locateModel('my model', {env}).name, 'my model');
  const error = refuses(() => locateModel('emu-15b', {env}), /known models: .*my model/);
  assert.is(error.file, 'emu-15b');
  refuses(() => locateModel('./emu-15b', {env}), /no such file/);
  refuses(() => locateModel('weights.pt', {env}), /no such file/);
});

test('the data folder', () => {
  assert.is(dataFolder({EMU_HOME: '/a/b'}), path.resolve('/a/b'));
  assert.is(dataFolder({XDG_DATA_HOME: '/x'}), path.join('/x', 'emu'));
  assert.match(dataFolder({}), /emu$/);
});

const miniTest = 'the packaged emu-mini opens by its name';
if (!knownModels({EMU_HOME: root}).has('emu-mini')) skip(test, miniTest, 'it is not packaged yet');
else {
  test(miniTest, () => {
    openModel('emu-mini').checkpoint.close();
  });
}

test('what is no folder of configuration is said', () => {
  refuses(() => openModel(instructFile, {config: root}), /no folder with configuration/);
});

test('other sizes than Emu-14B need a configuration: all differences are counted', () => {
  const error = refuses(() => openModel(pretrainFile), /expected tensors.*missing.*--config/);
  assert.instance(error, WeightsError);
  const {missing, mismatched, unexpected} = error as WeightsError;
  assert.ok(missing.length > 900 && mismatched.length > 50);
  assert.equal(unexpected, []);
});

test('missing, unexpected and misshapen tensors are named with their counts', () => {
  const tensors = tinyTensors(tinyConfig('pretrain'));
  const gone = 'visual.blocks.1.attn.q_bias';
  const extra: TensorToWrite = {
    name: 'visual.extra',
    shape: [1],
    encoding: 'u8',
    data: Uint8Array.of(0),
  };
  const wrong = tensors.map((tensor) =>
    tensor.name === 'ln_visual.weight' ? {...tensor, shape: [2, 4]} : tensor,
  );
  const file = checkpoint([...wrong.filter(({name}) => name !== gone), extra]);
  const error = refuses(
    () => openModel(file, {config}),
    /1 missing \(visual\.blocks\.1\.attn\.q_bias\), 1 unexpected \(visual\.extra\), 1 of another shape \(expected \[8\] for ln_visual\.weight, got \[2, 4\]\)/,
  ) as WeightsError;
  assert.equal(error.missing, [gone]);
  assert.equal(error.unexpected, ['visual.extra']);
  assert.equal(error.mismatched, ['ln_visual.weight']);
});

test('what the official code stores without need may be there or not', () => {
  const extra = (name: string, ...shape: number[]): TensorToWrite => ({
    name,
    shape,
    encoding: 'u8',
    data: new Uint8Array(shape.reduce((product, size) => product * size, 1)),
  });
  const file = checkpoint([
    ...tinyTensors(tinyConfig('pretrain')),
    extra('visual.norm.weight', 8),
    extra('visual.head.bias', 4),
    extra('cformer.cformer.embed_tokens.weight', 32, 6),
    extra('decoder.lm.model.layers.1.self_attn.rotary_emb.inv_freq', 2),
  ]);
  openModel(file, {config}).checkpoint.close();
});

const toPeft07 = (tensors: readonly TensorToWrite[]) =>
  tensors.map((tensor) => ({
    ...tensor,
    name: tensor.name.replace(/([qkvo]_proj)\.weight$/, '$1.base_layer.weight'),
  }));

test('the names of peft >= 0.7 mean the same tensors', () => {
  const tensors = tinyTensors(tinyConfig('instruct'));
  const file = checkpoint(toPeft07(tensors));
  const {checkpoint: opened, location} = openModel(file, {config});
  assert.is(location.mode, 'instruct');
  for (const {name, data} of tensors) {
    assert.equal(Buffer.from(opened.tensors.get(name)!.read()), Buffer.from(data as Uint8Array));
  }
  opened.close();
});

test('other peft names are refused, never guessed', () => {
  const tensors = tinyTensors(tinyConfig('instruct'));
  const rename = (from: RegExp, to: string) =>
    checkpoint(tensors.map((tensor) => ({...tensor, name: tensor.name.replace(from, to)})));
  refuses(
    () => openModel(rename(/lora_A\.default/, 'lora_A.other'), {config}),
    /adapter "default", got "other"/,
  );
  refuses(
    () => openModel(rename(/lora_A\.default\./, 'lora_A.'), {config}),
    /adapter "default", got none/,
  );
  refuses(
    () => openModel(rename(/mlp\.up_proj\.weight/, 'mlp.up_proj.base_layer.weight'), {config}),
    /no q, k, v or o projection/,
  );
  refuses(
    () =>
      openModel(
        checkpoint([
          ...tensors,
          ...toPeft07(tensors).filter(({name}) => name.includes('base_layer')),
        ]),
        {config},
      ),
    /has both/,
  );
  refuses(
    () => openModel(checkpoint(tensors.filter(({name}) => !name.includes('lora_'))), {config}),
    /wrapped by peft, but has no LoRA/,
  );
});

test('a checkpoint of something else is said', () => {
  const other: TensorToWrite = {
    name: 'conv_in.weight',
    shape: [1],
    encoding: 'u8',
    data: Uint8Array.of(0),
  };
  refuses(() => openModel(checkpoint([other])), /no Emu model.*conv_in\.weight/);
});

const goldenConfig = goldenPath('tiny-config');
for (const [mode, relative] of [
  ['pretrain', 'tiny-pretrain'],
  ['instruct', 'tiny-instruct/Emu-instruct.pt'],
] as const) {
  const name = `the golden ${mode} model has the names and shapes expected`;
  const golden = goldenPath(relative);
  if (!golden || !goldenConfig) skip(test, name, 'the golden set is not here');
  else {
    test(name, () => {
      const {location, checkpoint: opened} = openModel(golden, {config: goldenConfig});
      opened.close();
      assert.is(location.mode, mode);
      // The clone's own part of the set has no image decoder.
      const hasDecoder = mode === 'pretrain' && existsSync(path.join(golden, 'unet'));
      assert.is(location.decoderFolder, hasDecoder ? golden : undefined);
    });
  }
}

test.run();
