// What of a model a device holds, computed from headers.
import {suite} from 'uvu';
import * as assert from 'uvu/assert';
import {type EmuConfig, emu14b} from '../../src/weights/config.js';
import {emuTensors} from '../../src/weights/emuTensors.js';
import {heldBytes} from '../../src/weights/memory.js';
import {
  checkCachePlaced,
  layerOf,
  layersThatFit,
  placeModel,
  type SizedTensor,
  workBytes,
} from '../../src/weights/placement.js';
import type {StoredEncoding} from '../../src/weights/storedTensor.js';
import {throwsEmuError} from '../support/errors.js';
import {tinyConfig} from '../support/tinyEmu.js';

const test = suite('placement');

test('as many layers as fit, from the first on', () => {
  const layers = [3, 3, 2, 1];
  const fitting = (budget: number) => layersThatFit(layers, 10, budget);
  assert.equal([9, 10, 12, 13, 16, 17, 18, 19, 100].map(fitting), [
    undefined,
    ...[0, 0, 1, 2, 2, 3, 4, 4],
  ]);
  assert.is(layersThatFit([], 10, 10), 0);
  assert.is(layersThatFit(layers, 10, Number.POSITIVE_INFINITY), 4);
  // A small layer after one that does not fit stays with it: what is on the device is in one piece.
  assert.is(layersThatFit([1, 100, 1], 0, 50), 1);
});

test("a tensor's layer is that of the language model, wrapped by peft or not", () => {
  assert.is(layerOf('decoder.lm.model.layers.12.mlp.up_proj.weight'), 12);
  const lora = 'decoder.lm.base_model.model.model.layers.3.self_attn.q_proj.lora_A.default.weight';
  assert.is(layerOf(lora), 3);
  for (const name of [
    'visual.blocks.3.attn.proj.weight',
    'cformer.cformer.block.1.layer.0.SelfAttention.q.weight',
    'decoder.lm.model.norm.weight',
    'embed_rows',
  ])
    assert.is(layerOf(name), undefined);
});

const sized = (config: EmuConfig, encoding: StoredEncoding): SizedTensor[] =>
  emuTensors(config).required.map((tensor) => ({...tensor, encoding}));

const total = (tensors: readonly SizedTensor[], keep: (name: string) => boolean) =>
  tensors
    .filter(({name}) => keep(name))
    .reduce((sum, {encoding, shape}) => sum + heldBytes(encoding, shape), 0);

const quiet = () => undefined;
const on = (gigabytes: number) => ({bytes: gigabytes * 1e9, device: 'the GPU'}) as const;

test('Emu in 16 bits is placed by its bytes, its caches and its work', () => {
  const config = emu14b('pretrain');
  const tensors = sized(config, 'bf16');
  const place = (gigabytes: number) =>
    placeModel('emu.bin', config, tensors, {memory: on(gigabytes), start: quiet})!;
  const whole = place(80);
  assert.equal([whole.deviceLayers, whole.hostLayers, whole.note], [40, 0, undefined]);
  const layer = total(tensors, (name) => layerOf(name) === 0);
  assert.is(layer, 2 * (4 * 5120 ** 2 + 3 * 5120 * 13824 + 2 * 5120));
  const always = total(tensors, (name) => layerOf(name) === undefined) + workBytes(config, tensors);
  const cache = 5 * 608 * 2 * 5120 * 4;
  const expected = Math.floor((24e9 - always) / (layer + cache));
  assert.ok(expected > 15 && expected < 40, String(expected));
  const split = place(24);
  assert.equal([split.deviceLayers, split.hostLayers], [expected, 40 - expected]);
  assert.is(split.room, 24e9 - always - expected * layer);
  assert.is(
    split.note,
    `of the language model's layers ${expected} are on the GPU and ${40 - expected} on the CPU: 24.0 GB of the GPU's memory may be filled`,
  );
  // In float32 each takes twice as much.
  const inFloats = placeModel('emu.bin', config, sized(config, 'f32'), {
    memory: on(24),
    start: quiet,
  })!;
  assert.ok(inFloats.deviceLayers < split.deviceLayers / 2 + 1);
});

test('what is to fit beside it takes layers away', () => {
  const config = emu14b('pretrain');
  const tensors = sized(config, 'bf16');
  const place = (bytes: number) =>
    placeModel('m', config, tensors, {memory: on(24), start: quiet, decoder: () => bytes})!;
  assert.ok(place(3e9).deviceLayers < place(0).deviceLayers);
});

test('what cannot be placed is refused with the figures, exit code 5', () => {
  const config = emu14b('pretrain');
  const tensors = sized(config, 'bf16');
  const little = throwsEmuError(
    () => placeModel('emu.bin', config, tensors, {memory: on(3), start: quiet}),
    /^emu\.bin: needs \d\.\d GB of the GPU's memory without any of the language model's layers, 3\.0 GB are free; .*EMU_GPU_MEMORY.*--backend native$/,
  );
  assert.is(little.exitCode, 5);
  assert.is(little.file, 'emu.bin');
  const noHost = throwsEmuError(
    () => placeModel('emu.bin', config, tensors, {memory: on(24), start: () => 'no compiler'}),
    /^emu\.bin: of the language model's layers \d+ fit on the GPU, and the other \d+ cannot stay on the CPU, for the backend native does not load \(no compiler\); /,
  );
  assert.is(noHost.exitCode, 5);
});

test('memory that nobody knows of takes all, and that is said', () => {
  const config = tinyConfig('pretrain');
  const memory = {bytes: Number.POSITIVE_INFINITY, device: 'the GPU', problem: 'ENOENT'} as const;
  const {deviceLayers, hostLayers, note} = placeModel('m', config, sized(config, 'f32'), {memory})!;
  assert.equal([deviceLayers, hostLayers], [2, 0]);
  assert.match(note!, /unknown \(ENOENT\): all layers go there; EMU_GPU_MEMORY says/);
});

test('each part of the cache must fit where its layers are', () => {
  const {llama} = emu14b('pretrain');
  const room = {room: 1e9, decoderRoom: 0, device: 'the GPU'};
  const placement = {deviceLayers: 10, hostLayers: 30, ...room};
  const perRow = 2 * 4 * 5120 * 10; // bytes of a position on the GPU
  const check = (rows: number, positions: number) =>
    checkCachePlaced('m', llama, placement, rows, positions);
  check(1, Math.floor(1e9 / perRow));
  const error = throwsEmuError(
    () => check(5, 600),
    /^m: needs 1\.2 GB of the GPU's memory, 1\.0 GB are free; that is the cache of 5 answers of up to 600 tokens; use fewer --beams or --max-tokens, or a smaller --batch$/,
  );
  assert.is(error.exitCode, 5);
  throwsEmuError(() => check(1e6, 600), /of memory, /); // the host's part
});

test.run();
