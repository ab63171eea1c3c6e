// Which files of a repository are fetched.
import {suite} from 'uvu';
import * as assert from 'uvu/assert';
import {planModel} from '../../src/hub/plan.js';
import {throwsEmuError} from '../support/errors.js';

const hash = 'a'.repeat(64);
const planOf = (paths: readonly string[], isInstruct = false) => {
  const files = paths.map((path) => ({path, size: 10, hash}));
  const plan = planModel('a/b', files, {isInstruct});
  return {paths: plan.files.map((file) => file.path), model: plan.model};
};

const test = suite('hub/plan');

const release = [
  '.gitattributes',
  'Emu-instruct.pt',
  'Emu-pretrain.pt',
  'README.md',
  'assets/picture.png',
  'pretrain/feature_extractor/preprocessor_config.json',
  'pretrain/multimodal_encoder/pytorch_model.bin',
  'pretrain/safety_checker/config.json',
  'pretrain/safety_checker/pytorch_model.bin',
  'pretrain/scheduler/scheduler_config.json',
  'pretrain/unet/config.json',
  'pretrain/unet/diffusion_pytorch_model.bin',
  'pretrain/unet/diffusion_pytorch_model.safetensors',
  'pretrain/unet/model.py',
  'pretrain/vae/config.json',
  'pretrain/vae/diffusion_pytorch_model.bin',
];

test('the release: pretrain/, its encoder last; or the instruct checkpoint', () => {
  assert.equal(planOf(release), {
    model: 'pretrain',
    paths: [
      'README.md',
      'pretrain/feature_extractor/preprocessor_config.json',
      'pretrain/safety_checker/config.json',
      'pretrain/scheduler/scheduler_config.json',
      'pretrain/unet/config.json',
      'pretrain/vae/config.json',
      'pretrain/safety_checker/pytorch_model.bin',
      'pretrain/vae/diffusion_pytorch_model.bin',
      'pretrain/unet/diffusion_pytorch_model.safetensors',
      'pretrain/multimodal_encoder/pytorch_model.bin',
    ],
  });
  assert.equal(planOf(release, true), {
    model: 'Emu-instruct.pt',
    paths: ['README.md', 'Emu-instruct.pt'],
  });
});

test("emu's own layout comes whole, safetensors before what pickles", () => {
  const own = ['LICENSE', 'config.json', 'vocab.json', 'unet/config.json', 'x/config.json'];
  const weights = ['instruct.safetensors', 'model.safetensors'];
  const unet = 'unet/diffusion_pytorch_model.safetensors';
  const others = [
    'pytorch_model.bin',
    'setup.py',
    'run.sh',
    'a.exe',
    'model.safetensors.index.json',
  ];
  const expected = ['LICENSE', 'config.json', 'unet/config.json', 'vocab.json', unet];
  assert.equal(planOf([...own, ...weights, unet, ...others]), {
    model: '',
    paths: [...expected, ...weights],
  });
  const tuned = planOf([...own, ...weights, unet], true);
  assert.equal(tuned.model, '');
  assert.equal([...tuned.paths].sort(), [...expected, ...weights].sort());
});

test('what emu cannot open is said', () => {
  const refused: [string[], boolean, RegExp][] = [
    [[], false, /none of its 0 files is a model/],
    [['model-00001-of-00002.safetensors', 'model.safetensors.index.json'], false, /shards/],
    [['a.gguf'], false, /GGUF/],
    [['model.safetensors'], true, /holds neither Emu-instruct\.pt nor instruct\.safetensors/],
  ];
  for (const [paths, isInstruct, says] of refused)
    assert.is(throwsEmuError(() => planOf(paths, isInstruct), says).exitCode, 3);
});

test.run();
