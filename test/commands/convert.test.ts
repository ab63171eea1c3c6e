// `emu convert`: from the official files into emu's own and back to the byte, and LoRA merged.
import {cpSync, existsSync, mkdirSync, readFileSync, writeFileSync} from 'node:fs';
import path from 'node:path';
import {suite} from 'uvu';
import * as assert from 'uvu/assert';
import {encode} from '../../src/kernels/encoding.js';
import {selectBackend} from '../../src/kernels/backend.js';
import {type Checkpoint, openCheckpoint} from '../../src/weights/checkpoint.js';
import {formatConfig, specialTokens} from '../../src/weights/config.js';
import {convertModel} from '../../src/weights/convertModel.js';
import {emuTensors} from '../../src/weights/emuTensors.js';
import {writePytorch} from '../../src/weights/pytorchWriter.js';
import {writeSafetensors} from '../../src/weights/safetensors.js';
import {formatTuning, isTuned, tuningFile} from '../../src/weights/tuning.js';
import {assertFailure, root, runEmu} from '../cli/runEmu.js';
import {writeRandomModel} from '../cli/randomModel.js';
import {goldenCheckpoint} from '../support/goldenModel.js';
import {goldenPath} from '../support/goldens.js';
import {throwsEmuError} from '../support/errors.js';
import {skip} from '../support/skip.js';
import {tinyConfig, tinyTensors, writeOfficialConfig, writeRelease} from '../support/tinyEmu.js';
import {temporaryFolder} from '../support/temporary.js';
import {assertSameTensors, largestDifference, tracedLogits} from '../train/officialSupport.js';

const test = suite('convert');
const folder = temporaryFolder();
const place = (...names: string[]) => path.join(folder, ...names);

async function convert(...args: string[]): Promise<string[]> {
  const {code, stdout, stderr} = await runEmu(['convert', ...args, '--json', '-q']);
  assert.is(code, 0, stderr);
  return (JSON.parse(stdout) as {files: string[]}).files;
}

function assertEqualCheckpoints(actual: Checkpoint, expected: Checkpoint): void {
  assert.equal([...actual.tensors.keys()].sort(), [...expected.tensors.keys()].sort());
  for (const [name, stored] of expected.tensors)
    assertSameTensors(actual.tensors.get(name)!, stored);
}

for (const mode of ['pretrain', 'instruct'] as const) {
  const name = `official, emu's own, official again: every byte of ${mode}`;
  const file = goldenCheckpoint(mode);
  if (!file) skip(test, name, 'no golden checkpoint');
  else
    test(name, async () => {
      const own = place(mode, 'own');
      await convert(file, own, '--config', goldenPath('tiny-config')!);
      const [again] = await convert(own, place(mode, 'again'), '--format', 'official');
      const official = openCheckpoint(file);
      assertEqualCheckpoints(openCheckpoint(own), official);
      const written = openCheckpoint(again!);
      assertEqualCheckpoints(written, official);
      assert.equal(written.metadata, official.metadata);
      // With its configuration files it is a model without --config.
      const config = goldenPath('tiny-config')!;
      const logits = await tracedLogits(place(mode, 'again'), 'vqa');
      assert.is(largestDifference(logits, await tracedLogits(file, 'vqa', {config})), 0);
    });
}

const instruct = goldenCheckpoint('instruct');
const merging = 'the merged model gives the logits of the model with LoRA';
if (!instruct) skip(test, merging, 'no golden checkpoint');
else
  test(merging, async () => {
    selectBackend({backend: 'auto'});
    const config = goldenPath('tiny-config')!;
    const args = ['--config', config, '--merge-lora', '--encoding', 'f32'];
    const [merged] = await convert(instruct, place('merged'), ...args);
    const {tensors} = openCheckpoint(merged!);
    assert.ok([...tensors.keys()].every((name) => !/lora|base_model/.test(name)));
    const wanted = await tracedLogits(instruct, 'vqa', {config});
    const difference = largestDifference(await tracedLogits(place('merged'), 'vqa'), wanted);
    assert.ok(difference < 1e-4, `${difference}`);
  });

/** A tuning beside the random model, of random matrices and rows for two new tokens. */
function writeTuned(): string {
  const model = writeRandomModel(place('tuned'));
  const {mode, format, ...config} = JSON.parse(
    readFileSync(path.join(model, 'config.json'), 'utf8'),
  );
  const {tokens} = JSON.parse(readFileSync(path.join(model, 'vocab.json'), 'utf8'));
  const all = [...tokens, '[USER]', '[ASSISTANT]'];
  const llama = {...config.llama, vocabSize: all.length};
  const tuned = {
    ...config,
    llama,
    lora: {rank: 2, alpha: 3, tokenRows: [all.length - 2, all.length - 1]},
  };
  const write = (
    file: string,
    isWanted: (name: string) => boolean,
    sizes: object,
    metadata = {},
  ) => {
    let state = 3;
    const random = () => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return state / 2 ** 31 - 1;
    };
    const list = emuTensors(sizes as never).required.filter(({name}) => isWanted(name));
    const written = list.map(({name, shape}) => {
      const length = shape.reduce((product, size) => product * size, 1);
      const data = encode(Float32Array.from({length}, random), 'f32');
      return {name, shape, encoding: 'f32' as const, data};
    });
    writeSafetensors(path.join(model, file), written, metadata);
  };
  write('model.safetensors', () => true, {...config, llama});
  write(tuningFile, isTuned, tuned, formatTuning(tuned));
  writeFileSync(path.join(model, 'config.json'), formatConfig({...config, llama}, 'pretrain'));
  writeFileSync(path.join(model, 'vocab.json'), JSON.stringify({tokens: all}));
  return model;
}

test('a base and its tuning become both files of the release, and one merged model', async () => {
  const tuned = writeTuned();
  const logits = await tracedLogits(tuned, 'vqa');
  const files = await convert(tuned, place('release'), '--format', 'official');
  assert.equal(files, [
    place('release', 'pretrain', 'multimodal_encoder', 'pytorch_model.bin'),
    place('release', 'Emu-instruct.pt'),
  ]);
  const whole = await tracedLogits(files[1]!, 'vqa');
  assert.ok(largestDifference(whole, logits) < 1e-5);
  const base = await tracedLogits(place('release', 'pretrain'), 'incontext');
  assert.is(largestDifference(base, await tracedLogits(tuned, 'incontext')), 0);
  await convert(tuned, place('one'), '--merge-lora');
  const merged = await tracedLogits(place('one'), 'vqa');
  assert.is(merged.vocabSize, logits.vocabSize);
  const difference = largestDifference(merged, logits);
  assert.ok(difference < 1e-4, `${difference}`);
  // Emu's own form keeps the two files.
  const own = await convert(tuned, place('copy'));
  assert.equal(
    own.map((file) => path.basename(file)),
    ['model.safetensors', tuningFile],
  );
  assert.is(largestDifference(await tracedLogits(place('copy'), 'vqa'), logits), 0);
});

const LLAMA_TOKENS = 32000;

/** The tiny model with the vocabulary of LLaMA: the instruct model's has two tokens more. */
function pairConfig(mode: 'pretrain' | 'instruct') {
  const {llama, ...others} = tinyConfig(mode);
  return {...others, llama: {...llama, vocabSize: LLAMA_TOKENS + specialTokens[mode]}};
}

/** A release whose two checkpoints share their base; `change` makes another of the instruct model's. */
function writePair(
  folder: string,
  change: (name: string, data: Uint8Array) => Uint8Array = (_, data) => data,
): {pretrain: string; instruct: string; config: string} {
  const random = (seed: number, length: number) => {
    let state = seed;
    return Float32Array.from({length}, () => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return state / 2 ** 32 - 0.5;
    });
  };
  const write = (mode: 'pretrain' | 'instruct') => {
    // The numbers of a name are the same in both; a table with more rows begins with those of the other.
    const tensors = tinyTensors(pairConfig(mode)).map((tensor) => {
      const plain = tensor.name.replace('base_model.model.', '');
      const seed = [...plain].reduce((sum, letter) => sum * 31 + letter.charCodeAt(0), 7) >>> 0;
      const {length} = tensor.data as Uint8Array;
      const data = new Uint8Array(random(seed, length / 4).buffer);
      return {...tensor, data: mode === 'instruct' ? change(plain, data) : data};
    });
    const release = writeRelease(folder, mode);
    writePytorch(release, tensors, mode === 'instruct' ? {wrapper: 'module'} : {});
    return release;
  };
  const config = path.join(folder, 'config');
  writeOfficialConfig(config);
  const file = path.join(config, 'llama_config/config.json');
  const llama = JSON.parse(readFileSync(file, 'utf8'));
  writeFileSync(file, JSON.stringify({...llama, vocab_size: LLAMA_TOKENS}));
  const [pretrain, instruct] = [write('pretrain'), write('instruct')];
  const decoder = path.join(folder, 'pretrain');
  cpSync(path.join(root, 'models/emu-mini/scheduler'), path.join(decoder, 'scheduler'), {
    recursive: true,
  });
  mkdirSync(path.join(decoder, 'unet'));
  writeFileSync(path.join(decoder, 'unet/config.json'), '{}');
  return {pretrain, instruct, config};
}

test('two checkpoints of one base become one model with both modes, which answers as they do', async () => {
  selectBackend({backend: 'auto'});
  const {pretrain, instruct, config} = writePair(place('pair'));
  const out = place('both');
  const args = ['convert', pretrain, out, '--instruct', instruct, '--config', config];
  const {code, stdout, stderr} = await runEmu([...args, '--json']);
  assert.is(code, 0, stderr);
  const {files, shared, compared, different} = JSON.parse(stdout);
  assert.ok(shared);
  assert.is(compared, emuTensors(pairConfig('pretrain')).required.length);
  assert.equal(different, []);
  const names = ['model.safetensors', tuningFile, 'unet', 'scheduler'];
  assert.equal(
    files,
    names.map((name) => path.join(out, name)),
  );
  assert.match(stderr, /^emu: all \d+ tensors of the base are equal: one model with both modes/);
  assert.ok(existsSync(path.join(out, 'scheduler/scheduler_config.json')));
  for (const [task, whole] of [
    ['vqa', instruct],
    ['incontext', pretrain],
  ] as const) {
    const wanted = await tracedLogits(whole, task, {config});
    const logits = await tracedLogits(out, task);
    assert.is(logits.vocabSize, wanted.vocabSize);
    assert.is(largestDifference(logits, wanted), 0, task);
  }
  // The delta: LoRA and the tables, nothing of the towers. Written again it is the same.
  const delta = openCheckpoint(path.join(out, tuningFile));
  assert.ok([...delta.tensors.keys()].every((name) => /lora_|embed_tokens|lm_head/.test(name)));
  const own = {format: 'emu', mergesLora: false} as const;
  const [, again] = convertModel(out, place('both-again'), own).files;
  const copy = openCheckpoint(again!);
  assertEqualCheckpoints(copy, delta);
  assert.equal(copy.metadata, delta.metadata);
  const released = {...own, format: 'official'} as const;
  const [, official] = convertModel(out, place('both-official'), released).files;
  const whole = await tracedLogits(official!, 'vqa');
  assert.is(largestDifference(whole, await tracedLogits(instruct, 'vqa', {config})), 0);
});

test('where a tensor of the base differs, it is named and both models are kept whole', async () => {
  const {pretrain, instruct, config} = writePair(place('unlike'), (name, data) => {
    if (name === 'cformer.projection.weight') data[5]! ^= 1;
    return data;
  });
  const out = place('apart');
  const args = ['convert', pretrain, out, '--instruct', instruct, '--config', config];
  const {code, stdout, stderr} = await runEmu([...args, '--json']);
  assert.is(code, 0, stderr);
  const {shared, different} = JSON.parse(stdout);
  assert.not(shared);
  assert.equal(different, ['cformer.projection.weight']);
  assert.match(
    stderr,
    /1 of \d+ tensors of the base differ, so both models are kept whole: cformer\.projection\.weight\n/,
  );
  for (const [task, whole, mode] of [
    ['vqa', instruct, 'instruct'],
    ['incontext', pretrain, 'pretrain'],
  ] as const) {
    const wanted = await tracedLogits(whole, task, {config});
    const logits = await tracedLogits(path.join(out, mode), task);
    assert.is(largestDifference(logits, wanted), 0, task);
  }
  assert.ok(existsSync(path.join(out, 'pretrain/unet')));
  const swapped = {format: 'emu', mergesLora: false, instruct: pretrain, config} as const;
  throwsEmuError(
    () => convertModel(instruct, place('x'), swapped),
    /instruct mode .*but pretrain mode is asked for here/,
  );
});

test('what cannot be converted is one line', async () => {
  const tuned = place('tuned');
  const taken = await runEmu(['convert', tuned, place('one')]);
  assertFailure(taken, 1, /one: already holds a model; name another folder/);
  const plain = writeRandomModel(place('plain'));
  const failed = await runEmu(['convert', plain, place('none'), '--merge-lora']);
  assertFailure(failed, 1, /model\.safetensors: it has no LoRA matrices to merge/);
  const both = ['convert', tuned, place('none'), '--merge-lora', '--format', 'official'];
  assertFailure(await runEmu(both), 2, /a merged model has no official form/);
  assertFailure(await runEmu(['convert', 'nowhere/x', place('none')]), 3, /no such file or folder/);
});

test.run();
