// diffusers folders: read strictly, written so that they read back to the byte.
import {readdirSync, readFileSync, writeFileSync} from 'node:fs';
import path from 'node:path';
import {suite} from 'uvu';
import * as assert from 'uvu/assert';
import {EmuError, ModelError} from '../../src/errors.js';
import type {Checkpoint} from '../../src/weights/checkpoint.js';
import {WeightsError} from '../../src/weights/checkTensors.js';
import {
  emuDecoder,
  readNoiseScheduleConfig,
  readUnetConfig,
  readVaeConfig,
} from '../../src/weights/diffusionConfig.js';
import {
  type DiffusionFormat,
  openUnet,
  openVae,
  writeNoiseSchedule,
  writeUnet,
  writeVae,
} from '../../src/weights/diffusionFolder.js';
import {unetTensors, vaeTensors} from '../../src/weights/diffusionTensors.js';
import type {TensorToWrite} from '../../src/weights/safetensors.js';
import {throwsEmuError} from '../support/errors.js';
import {goldenSchedule, goldenUnet, goldenVae} from '../support/goldenDecoder.js';
import {goldenPath} from '../support/goldens.js';
import {skip} from '../support/skip.js';
import {temporaryFolder} from '../support/temporary.js';
import {tinyUnetConfig, tinyVaeConfig} from '../support/tinyDiffusion.js';

const test = suite('diffusion folder');
const root = temporaryFolder();
let count = 0;
const newFolder = () => path.join(root, String(++count));

/** Every tensor of the list; element k of tensor i is i + k / 1000. */
function tensorsOf(list: ReturnType<typeof unetTensors>): TensorToWrite[] {
  return list.required.map(({name, shape}, i) => {
    const length = shape.reduce((product, size) => product * size, 1);
    const values = Float32Array.from({length}, (_, k) => i + k / 1000);
    return {name, shape, encoding: 'f32', data: new Uint8Array(values.buffer)};
  });
}

/** Copies of a checkpoint's tensors. */
function read(checkpoint: Checkpoint): TensorToWrite[] {
  return [...checkpoint.tensors.values()].map((tensor) => {
    const {name, shape, encoding} = tensor;
    return {name, shape, encoding, data: Uint8Array.from(tensor.read())};
  });
}

const byName = (tensors: readonly TensorToWrite[]) =>
  [...tensors].sort((a, b) => (a.name < b.name ? -1 : 1));

for (const format of ['safetensors', 'bin'] as DiffusionFormat[]) {
  test(`a UNet in ${format} comes back as it was written`, () => {
    const folder = newFolder();
    const tensors = tensorsOf(unetTensors(tinyUnetConfig));
    writeUnet(folder, tinyUnetConfig, tensors, format);
    const {config, checkpoint} = openUnet(folder);
    assert.equal(config, tinyUnetConfig);
    assert.equal(byName(read(checkpoint)), byName(tensors));
    checkpoint.close();
    const names = ['config.json', `diffusion_pytorch_model.${format}`];
    assert.equal(readdirSync(folder).sort(), names);
  });

  test(`an autoencoder in ${format} comes back as it was written`, () => {
    const folder = newFolder();
    const tensors = tensorsOf(vaeTensors(tinyVaeConfig));
    writeVae(folder, tinyVaeConfig, tensors, format);
    const {config, checkpoint} = openVae(folder);
    assert.equal(config, tinyVaeConfig);
    assert.equal(byName(read(checkpoint)), byName(tensors));
    checkpoint.close();
  });
}

test('the newest tensors are the ones that are read', () => {
  const folder = newFolder();
  const tensors = tensorsOf(unetTensors(tinyUnetConfig));
  writeUnet(folder, tinyUnetConfig, tensors);
  const half = tensors.map(({name, shape, data}) => {
    const {length} = data as Uint8Array;
    return {name, shape, encoding: 'f16' as const, data: new Uint8Array(length / 2)};
  });
  writeUnet(folder, tinyUnetConfig, half, 'bin');
  const {checkpoint} = openUnet(folder);
  assert.is(checkpoint.format, 'pytorch');
  assert.is(checkpoint.tensors.get('conv_in.bias')!.encoding, 'f16');
  checkpoint.close();
});

test('missing, unexpected and misshapen tensors are named', () => {
  const folder = newFolder();
  const tensors = tensorsOf(unetTensors(tinyUnetConfig)).map((tensor) =>
    tensor.name === 'conv_out.bias' ? {...tensor, name: 'conv_out.offset'} : tensor,
  );
  writeUnet(folder, tinyUnetConfig, tensors);
  const error = throwsEmuError(
    () => openUnet(folder),
    /1 missing \(conv_out\.bias\), 1 unexpected \(conv_out\.offset\); does it belong to .*config\.json\?/,
  ) as WeightsError;
  assert.instance(error, WeightsError);
  assert.equal(error.missing, ['conv_out.bias']);
  assert.equal(error.unexpected, ['conv_out.offset']);

  writeUnet(folder, {...tinyUnetConfig, contextSize: 7}, tensorsOf(unetTensors(tinyUnetConfig)));
  throwsEmuError(() => openUnet(folder), /of another shape \(expected \[12, 7\] for .*attn2\.to_k/);
});

test('a configuration that emu does not compute is refused', () => {
  const folder = newFolder();
  writeUnet(folder, tinyUnetConfig, tensorsOf(unetTensors(tinyUnetConfig)));
  const file = path.join(folder, 'config.json');
  const written = JSON.parse(readFileSync(file, 'utf8'));
  const refuses = (change: Record<string, unknown>, message: RegExp) => {
    writeFileSync(file, JSON.stringify({...written, ...change}));
    assert.instance(
      throwsEmuError(() => openUnet(folder), message),
      ModelError,
    );
  };
  refuses({use_linear_projection: true}, /config\.json: use_linear_projection: .*expected false/);
  refuses({class_embed_type: 'timestep'}, /class_embed_type: .*expected null/);
  refuses({down_block_types: ['DownBlock2D', 'AttnDownBlock2D']}, /down_block_types\.1: /);
  refuses({up_block_types: ['UpBlock2D']}, /block_out_channels has 2 entries, up_block_types 1/);
  refuses({norm_num_groups: 5}, /block_out_channels: 8 is not a multiple of norm_num_groups 5/);
  refuses({attention_head_dim: 5}, /8 is not a multiple of attention_head_dim 5/);
  refuses({in_channels: 'four'}, /in_channels: /);
  // Without a key diffusers' default stands; a key of a newer diffusers does not matter.
  const {freq_shift: _, ...rest} = written;
  writeFileSync(file, JSON.stringify({...rest, reverse_transformer_layers_per_block: null}));
  assert.equal(readUnetConfig(file), tinyUnetConfig);
  writeFileSync(file, '{"num_train_timesteps": 1000}');
  throwsEmuError(() => readNoiseScheduleConfig(file), /beta_schedule: .*expected "scaled_linear"/);
  writeFileSync(file, '{');
  throwsEmuError(() => readVaeConfig(file), /config\.json: not JSON/);
  throwsEmuError(() => readVaeConfig(path.join(folder, 'none.json')), /none\.json: no such file/);
});

test('a folder without a checkpoint is a ModelError', () => {
  assert.throws(
    () => openUnet(newFolder()),
    (error: unknown) => error instanceof EmuError,
  );
});

const goldenParts = [
  ['unet', goldenUnet(), openUnet, writeUnet],
  ['vae', goldenVae(), openVae, writeVae],
] as const;
for (const [name, source, open, write] of goldenParts) {
  const title = `the official ${name} comes back to the byte`;
  if (!source) {
    skip(test, title, 'the goldens are not in this clone');
    continue;
  }
  test(title, () => {
    const {config, checkpoint} = open(source);
    const tensors = read(checkpoint);
    checkpoint.close();
    for (const format of ['safetensors', 'bin'] as DiffusionFormat[]) {
      const folder = newFolder();
      write(folder, config as never, tensors, format);
      const again = open(folder);
      assert.equal(again.config, config);
      assert.equal(byName(read(again.checkpoint)), byName(tensors));
      again.checkpoint.close();
      // What diffusers wrote stands in our configuration too, but for keys with its own defaults.
      const json = (file: string) =>
        JSON.parse(readFileSync(path.join(file, 'config.json'), 'utf8'));
      const own = json(folder);
      for (const [key, value] of Object.entries(json(source)))
        if (key in own) assert.equal(own[key], value, key);
    }
  });
}

test('a noise schedule is read as it was written', () => {
  const written = {
    numSteps: 500,
    betaStart: 0.001,
    betaEnd: 0.02,
    prediction: 'v_prediction',
  } as const;
  const folder = newFolder();
  writeNoiseSchedule(folder, written);
  const {stepsOffset, endsClean, ...read} = readNoiseScheduleConfig(
    path.join(folder, 'scheduler_config.json'),
  );
  assert.equal(read, written);
  assert.equal([stepsOffset, endsClean], [1, false]);
});

const scheduleFile = goldenSchedule();
const scheduleTest = 'the official noise schedule is read';
if (!scheduleFile) skip(test, scheduleTest, 'the goldens are not in this clone');
else
  test(scheduleTest, () => {
    const json = JSON.parse(readFileSync(scheduleFile, 'utf8'));
    assert.equal(readNoiseScheduleConfig(scheduleFile), {
      numSteps: json.num_train_timesteps,
      betaStart: json.beta_start,
      betaEnd: json.beta_end,
      prediction: json.prediction_type ?? 'epsilon',
      stepsOffset: json.steps_offset,
      endsClean: json.set_alpha_to_one,
    });
  });

const manifestFile = goldenPath('manifest-full.json');
const full = 'the full-size names and shapes are those of the official code';
if (!manifestFile) skip(test, full, 'the golden manifest is not here');
else
  test(full, () => {
    const {files} = JSON.parse(readFileSync(manifestFile, 'utf8'));
    const {unet, vae} = emuDecoder();
    for (const [name, {required}, read, config] of [
      ['unet', unetTensors(unet), readUnetConfig, unet],
      ['vae', vaeTensors(vae), readVaeConfig, vae],
    ] as const) {
      const {tensors, config_used} = files[`pretrain/${name}/diffusion_pytorch_model.bin`];
      const entries = (list: readonly {name: string; shape: readonly number[]}[]) =>
        list.map(({name, shape}) => `${name} [${shape.join(', ')}]`).sort();
      assert.equal(entries(required), entries(tensors));
      const file = path.join(root, `${name}.json`);
      writeFileSync(file, JSON.stringify(config_used));
      assert.equal(read(file), config);
    }
  });

test.run();
