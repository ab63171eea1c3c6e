import {readFileSync, writeFileSync} from 'node:fs';
import path from 'node:path';
import {fileURLToPath} from 'node:url';
import {suite} from 'uvu';
import * as assert from 'uvu/assert';
import {openCheckpoint} from '../../src/weights/checkpoint.js';
import {decodeFloat32} from '../../src/weights/decode.js';
import {writePytorch} from '../../src/weights/pytorchWriter.js';
import type {StoredEncoding} from '../../src/weights/storedTensor.js';
import {throwsEmuError} from '../support/errors.js';
import {goldenPath} from '../support/goldens.js';
import {skip} from '../support/skip.js';
import {temporaryFolder} from '../support/temporary.js';

const fixtures = fileURLToPath(new URL('./fixtures', import.meta.url));
const fixture = (name: string) => path.join(fixtures, name);
const folder = temporaryFolder();

interface Expected {
  readonly [file: string]: {readonly [name: string]: {shape: number[]; values: number[]}};
}
const expected: Expected = JSON.parse(readFileSync(fixture('expected.json'), 'utf8'));

const test = suite('pytorch');

for (const [file, tensors] of Object.entries(expected)) {
  test(`reads ${file} as PyTorch does`, () => {
    const checkpoint = openCheckpoint(fixture(file));
    assert.is(checkpoint.format, 'pytorch');
    assert.equal([...checkpoint.tensors.keys()], Object.keys(tensors));
    for (const [name, {shape, values}] of Object.entries(tensors)) {
      const stored = checkpoint.tensors.get(name)!;
      assert.is(stored.name, name);
      assert.equal(stored.shape, shape);
      assert.equal([...decodeFloat32(stored.read(), stored.encoding)], values, name);
    }
    checkpoint.close();
  });
}

test('keeps strides in elements, and encodings', () => {
  const {tensors, close} = openCheckpoint(fixture('strided.pt'));
  assert.equal(tensors.get('transposed')!.strides, [1, 6]);
  assert.equal(tensors.get('slice')!.strides, [6, 2]);
  assert.is(tensors.get('cube')!.encoding, 'bf16');
  assert.is(tensors.get('empty')!.read().length, 0);
  close();
  const types = openCheckpoint(fixture('types.pt'));
  assert.equal(
    [...types.tensors.values()].map(({encoding}) => encoding),
    ['f64', 'f32', 'f16', 'bf16', 'i64', 'i32', 'i16', 'i8', 'u8', 'bool'],
  );
  types.close();
});

test('says which key the state dict stood under', () => {
  assert.equal(openCheckpoint(fixture('module.pt')).metadata, {wrapper: 'module'});
  assert.equal(openCheckpoint(fixture('strided.pt')).metadata, {});
});

test('refuses what is no plain checkpoint, saying what it is', () => {
  const open = (name: string) => () => openCheckpoint(fixture(name));
  for (const [name, message] of [
    ['evil.pt', /names posix\.system/],
    ['numpy.pt', /names numpy\.core\.multiarray\._reconstruct/],
    ['legacy.pt', /before 1\.6.*torch\.save/],
    ['script.pt', /TorchScript/],
    ['nothing.pt', /no tensors.*epoch/],
    ['expanded.pt', /expanded tensor/],
  ] as const) {
    const error = throwsEmuError(open(name), message);
    assert.is(error.exitCode, 3);
    assert.ok(error.message.startsWith(fixture(name)));
  }
});

test('writes what it reads, plain and wrapped', () => {
  const file = path.join(folder, 'written.pt');
  const encodings: StoredEncoding[] = [
    'f64',
    'f32',
    'f16',
    'bf16',
    'i64',
    'i32',
    'i16',
    'i8',
    'u8',
  ];
  const tensors = encodings.map((encoding, index) => ({
    name: `tensor.${encoding}`,
    shape: [3, index],
    encoding,
    data: () =>
      Uint8Array.from({length: (3 * index * Number(/\d+/.exec(encoding)![0])) / 8}, (_, i) => i),
  }));
  for (const wrapper of [undefined, 'module']) {
    writePytorch(file, tensors, wrapper ? {wrapper} : {});
    const read = openCheckpoint(file);
    assert.equal(read.metadata, wrapper ? {wrapper} : {});
    for (const {name, shape, encoding, data} of tensors) {
      const stored = read.tensors.get(name)!;
      assert.equal([stored.shape, stored.encoding], [shape, encoding]);
      assert.equal(Buffer.from(stored.read()), Buffer.from(data()));
    }
    read.close();
  }
});

test('does not write wrong sizes, equal names or types that PyTorch lacks', () => {
  const file = path.join(folder, 'wrong.pt');
  const tensor = {name: 'a', shape: [2], encoding: 'f32', data: new Uint8Array(8)} as const;
  throwsEmuError(() => writePytorch(file, [tensor, tensor]), /two tensors/);
  throwsEmuError(() => writePytorch(file, [{...tensor, shape: [3]}]), /takes 12 bytes, got 8/);
  throwsEmuError(() => writePytorch(file, [{...tensor, encoding: 'u64', shape: [1]}]), /u64/);
  throwsEmuError(() => openCheckpoint(file), /no such file/);
});

/** Sums in float64 by PyTorch 1.13.1. */
const goldenSums: Record<string, Record<string, number>> = {
  'tiny-pretrain/multimodal_encoder/pytorch_model.bin': {
    'visual.pos_embed': -6.743339538574219,
    'visual.blocks.2.mlp.fc1.weight': -0.9391450881958008,
    'ln_visual.weight': 78.728515625,
    'decoder.lm.model.embed_tokens.weight': 542.5325350556523,
    'decoder.lm.stu_regress_head.weight': 3.1645907759666443,
    'cformer.cformer.block.0.layer.0.SelfAttention.relative_attention_bias.weight': 2.73150634765625,
    'cformer.projection.bias': -0.545074462890625,
  },
  'tiny-instruct/Emu-instruct.pt': {
    'visual.patch_embed.proj.weight': -3.913208103738725,
    'decoder.lm.base_model.model.lm_head.weight': 569.8401191821322,
    'decoder.lm.base_model.model.model.layers.2.self_attn.o_proj.lora_B.default.weight': 2.6434106826782227,
    'cformer.causal_tokens': 5.485771179199219,
  },
};

for (const [file, sums] of Object.entries(goldenSums)) {
  const name = `reads ${file} as PyTorch does`;
  const golden = process.env.EMU_GOLDENS ? undefined : goldenPath(file);
  if (!golden) {
    skip(test, name, 'the visible golden set is not here');
    continue;
  }
  test(name, () => {
    const checkpoint = openCheckpoint(golden);
    for (const [tensor, sum] of Object.entries(sums)) {
      const stored = checkpoint.tensors.get(tensor)!;
      const values = decodeFloat32(stored.read(), stored.encoding);
      assert.is(
        values.reduce((total, value) => total + value, 0),
        sum,
        tensor,
      );
    }
    checkpoint.close();
  });
}

test('a big-endian archive is refused', () => {
  const file = path.join(folder, 'big.pt');
  const data = new Uint8Array(4);
  writePytorch(file, [{name: 'a', shape: [1], encoding: 'f32', data}]);
  const bytes = readFileSync(file);
  bytes.write('bigbig', bytes.indexOf('little'), 'latin1');
  writeFileSync(file, bytes);
  throwsEmuError(() => openCheckpoint(file), /byte order/);
});

test.run();
