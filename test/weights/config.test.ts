import {mkdirSync, writeFileSync} from 'node:fs';
import path from 'node:path';
import {suite} from 'uvu';
import * as assert from 'uvu/assert';
import {
  configKind,
  emu14b,
  formatConfig,
  readConfig,
  readEmuConfig,
} from '../../src/weights/config.js';
import {throwsEmuError} from '../support/errors.js';
import {goldenPath} from '../support/goldens.js';
import {skip} from '../support/skip.js';
import {temporaryFolder} from '../support/temporary.js';
import {tinyConfig, writeOfficialConfig} from '../support/tinyEmu.js';

const root = temporaryFolder();
let count = 0;

/** A folder of configuration files, given as names and values (text as it is). */
function folder(files: Record<string, unknown>): string {
  const name = path.join(root, `${count++}`);
  mkdirSync(path.join(name, 'llama_config'), {recursive: true});
  for (const [file, value] of Object.entries(files)) {
    const text = typeof value === 'string' ? value : JSON.stringify(value);
    writeFileSync(path.join(name, file), text);
  }
  return name;
}

const refuses = (files: Record<string, unknown>, message: RegExp) => {
  const configFolder = folder(files);
  const error = throwsEmuError(() => readConfig({configFolder, mode: 'instruct'}), message);
  assert.is(error.exitCode, 3);
};

const test = suite('config');

test('without files: Emu-14B', () => {
  const config = readConfig({mode: 'pretrain'});
  assert.equal(config, emu14b('pretrain'));
  assert.equal(config.vision, {
    imageSize: 224,
    patchSize: 14,
    layers: 40,
    width: 1408,
    headWidth: 88,
    mlpRatio: 4.3637,
    layerNormEps: 1e-6,
  });
  assert.equal(config.causalFormer, {
    numTokens: 32,
    layers: 12,
    hiddenSize: 768,
    numHeads: 12,
    headDim: 64,
    intermediateSize: 3072,
    relativeBuckets: 32,
    relativeMaxDistance: 128,
    rmsNormEps: 1e-6,
  });
  assert.equal(config.llama, {
    vocabSize: 32004,
    hiddenSize: 5120,
    layers: 40,
    numHeads: 40,
    intermediateSize: 13824,
    rmsNormEps: 1e-6,
    ropeBase: 10000,
    contextLength: 2048,
  });
  assert.is(config.lora, undefined);
});

test('instruct has two more tokens and LoRA', () => {
  const {llama, lora} = readConfig({mode: 'instruct'});
  assert.is(llama.vocabSize, 32006);
  assert.equal(lora, {rank: 16, alpha: 16});
  assert.is(readConfig({mode: 'instruct', hasLora: false}).lora, undefined);
});

test('reads the official files', () => {
  const configFolder = folder({});
  writeOfficialConfig(configFolder);
  for (const mode of ['pretrain', 'instruct'] as const) {
    assert.equal(readConfig({configFolder, mode}), tinyConfig(mode));
  }
});

test('what the official files leave out is as in Emu-14B', () => {
  const configFolder = folder({'Emu-14B.json': {vision_cfg: {layers: 2}}});
  const config = readConfig({configFolder, mode: 'pretrain'});
  const {vision, ...rest} = emu14b('pretrain');
  assert.equal(config, {vision: {...vision, layers: 2}, ...rest});
});

test("reads and writes emu's own file", () => {
  for (const mode of ['pretrain', 'instruct'] as const) {
    const configFolder = folder({'config.json': formatConfig(tinyConfig(mode), mode)});
    assert.is(configKind(configFolder), 'emu');
    assert.equal(readConfig({configFolder, mode}), tinyConfig(mode));
    assert.is(readEmuConfig(path.join(configFolder, 'config.json')).mode, mode);
  }
});

test("another program's config.json is none of ours", () => {
  assert.is(configKind(folder({'config.json': {model_type: 'llama'}})), undefined);
  const both = folder({'config.json': {model_type: 'llama'}, 'Emu-14B.json': {}});
  assert.is(configKind(both), 'official');
});

test('names the file and the field that are wrong', () => {
  refuses({}, /no configuration in this folder/);
  refuses({'Emu-14B.json': '{'}, /Emu-14B\.json: not JSON/);
  refuses({'Emu-14B.json': '[]'}, /Emu-14B\.json: .*object/);
  refuses({'Emu-14B.json': {vision_cfg: {layers: -1}}}, /Emu-14B\.json: vision_cfg\.layers/);
  refuses({'Emu-14B.json': {vision_cfg: {width: 'x'}}}, /vision_cfg\.width/);
  refuses({'Emu-14B.json': {vision_cfg: {layers: 1e9}}}, /vision_cfg\.layers/);
  refuses({'Emu-14B.json': {vision_cfg: {patch_size: 15}}}, /224.*patch size 15/);
  refuses({'Emu-14B.json': {vision_cfg: {head_width: 100}}}, /1408.*head width 100/);
  refuses({'Emu-14B.json': {multimodal_cfg: {n_causal: 8}}}, /n_causal is 8.*32/);
  refuses({'llama_config/config.json': {num_attention_heads: 3}}, /number of heads 3/);
  refuses({'llama_config/config.json': {num_key_value_heads: 8}}, /grouped-query/);
  refuses({'llama_config/config.json': {hidden_act: 'gelu'}}, /hidden_act/);
  refuses({'cformer_t5_config.json': {is_gated_act: true}}, /is_gated_act/);
  refuses({'lora_config.json': {target_modules: ['q_proj']}}, /LoRA on q_proj/);
  refuses({'config.json': {format: 'emu'}}, /config\.json: mode/);
  const own = {format: 'emu', mode: 'pretrain', ...tinyConfig('pretrain'), extra: 1};
  refuses({'config.json': own}, /extra/);
});

const golden = goldenPath('tiny-config');
const goldenTest = "the golden set's configuration is read";
if (!golden) skip(test, goldenTest, 'the golden set is not here');
else {
  test(goldenTest, () => {
    const config = readConfig({configFolder: golden, mode: 'instruct'});
    assert.equal(config.vision.layers, 3);
    assert.equal(config.causalFormer.headDim, 12);
    assert.equal(config.llama.vocabSize, 32006);
    assert.equal(config.lora, {rank: 16, alpha: 16});
  });
}

test.run();
