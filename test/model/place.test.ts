// A language model of which some layers are computed on the host: its numbers, its cache, and what goes between
// the two places. On `reference` the host is another backend as it is beside a GPU.

import {suite} from 'uvu';
import * as assert from 'uvu/assert';
import tf from '#tfjs';
import {
  availableBackends,
  type BackendName,
  selectBackend,
  startHost,
} from '../../src/kernels/backend.js';
import {cacheWrite, rope} from '../../src/kernels/index.js';
import {addonProblem} from '../../src/kernels/native/addon.js';
import {NATIVE} from '../../src/kernels/native/nativeBackend.js';
import {at} from '../../src/kernels/place.js';
import {Conversation} from '../../src/model/conversation.js';
import {LlamaDecoder} from '../../src/model/decoder.js';
import type {EmuModel} from '../../src/model/emu.js';
import {generate} from '../../src/model/generate.js';
import {History} from '../../src/model/history.js';
import {countingPositions} from '../../src/model/llama.js';
import {collectTrace} from '../../src/model/trace.js';
import {assertClose} from '../support/assertClose.js';
import {variants} from '../support/backends.js';
import {randomEmu} from '../support/randomEmu.js';
import {skip} from '../support/skip.js';
import {BOS, defaults} from './generateDecoders.js';

const test = suite('place');

/** Registers the test on each backend beside which `native` can be the host. */
function onEachDevice(name: string, body: (device: BackendName) => void | Promise<void>): void {
  if (!availableBackends().includes('native')) {
    skip(test, name, addonProblem() ?? '');
    return;
  }
  const devices = new Set(variants().map(({backend}) => backend));
  for (const device of devices) {
    if (device === 'native') continue;
    test(`${name} (${device})`, async () => {
      selectBackend({backend: device});
      assert.is(startHost(), undefined);
      const own = tf.getBackend();
      await body(device);
      assert.is(tf.getBackend(), own);
    });
  }
}

/** The tfjs backend that a tensor's numbers lie on. */
function whereIs({dataId}: tf.Tensor): string {
  const names = ['cpu', 'tensorflow', NATIVE];
  const {state} = tf.engine() as unknown as {
    state: {tensorInfo: WeakMap<object, {backend: object}>};
  };
  const {backend} = state.tensorInfo.get(dataId)!;
  return names.find((name) => tf.engine().registry[name] === backend) ?? 'none';
}

/** Elements of each tensor that goes from one backend to another while `body` runs. */
function moved(body: () => void): number[] {
  const engine = tf.engine() as unknown as {moveData(backend: object, dataId: object): void};
  const {state} = tf.engine() as unknown as {
    state: {tensorInfo: WeakMap<object, {shape: number[]}>};
  };
  const sizes: number[] = [];
  engine.moveData = function (this: object, backend, dataId) {
    sizes.push(state.tensorInfo.get(dataId)!.shape.reduce((size, n) => size * n, 1));
    Object.getPrototypeOf(this).moveData.call(this, backend, dataId);
  };
  try {
    body();
  } finally {
    // Its prototype's again.
    Reflect.deleteProperty(engine, 'moveData');
  }
  return sizes;
}

const held = () => [
  tf.memory().numTensors,
  ...['cpu', 'tensorflow', NATIVE].map((name) => tf.engine().registry[name]?.numDataIds() ?? 0),
];

onEachDevice('tensors go to the host and back with all their bits, and are freed there', () => {
  const own = tf.getBackend();
  const before = held();
  const odd = Float32Array.of(-0, 1e-45, 3.4e38, Number.NaN, Number.NEGATIVE_INFINITY, 1 / 3);
  const bits = (x: tf.Tensor) => [...new Uint32Array(x.dataSync<'float32'>().slice().buffer)];
  const expected = [...new Uint32Array(odd.slice().buffer)];
  const x = tf.tensor1d(odd);
  const count = tf.tensor1d([1, -2, 3], 'int32');
  const flag = tf.tensor1d([true, false, true]);
  const shared = tf.clone(x); // of the same data
  at('host', () => tf.dispose([tf.reshape(x, [3, 2]), tf.neg(count), tf.logicalNot(flag)]));
  assert.equal([x, shared, count, flag].map(whereIs), [NATIVE, NATIVE, NATIVE, NATIVE]);
  assert.equal(bits(x), expected);
  tf.dispose([tf.reshape(x, [3, 2]), tf.neg(count), tf.logicalNot(flag)]);
  assert.equal(bits(shared), expected);
  assert.equal([...count.dataSync()], [1, -2, 3]);
  assert.equal([...flag.dataSync()], [1, 0, 1]);
  const sums = at('host', () => tf.add(count, 1));
  const back = tf.add(sums, 1);
  assert.is(whereIs(back), own);
  assert.equal([...back.dataSync()], [3, 0, 5]);
  tf.dispose([x, shared, count, flag, sums, back]);
  assert.equal(held(), before);
});

onEachDevice('what is thrown at the host leaves the backend as it was', () => {
  const own = tf.getBackend();
  assert.throws(
    () =>
      at('host', () => {
        assert.is(tf.getBackend(), NATIVE);
        throw new Error('on purpose');
      }),
    'on purpose',
  );
  assert.is(tf.getBackend(), own);
});

onEachDevice('positions that the host has read are read on the device again', () => {
  tf.tidy(() => {
    const x = tf.ones<tf.Rank.R4>([1, 3, 2, 4]);
    const positions = countingPositions(1, 3, 5);
    const first = rope(x, positions, 10000).dataSync();
    at('host', () => rope(x, positions, 10000).dataSync());
    assert.equal(rope(x, positions, 10000).dataSync(), first);
  });
});

onEachDevice("a host's cache stays there, and is written in place", () => {
  const before = held();
  let cache = at('host', () => tf.tidy(() => tf.exp(tf.zeros<tf.Rank.R4>([1, 64, 1, 2]))));
  const first = cache.dataId;
  for (let position = 0; position < 3; position++)
    tf.tidy(() => {
      const values = tf.fill<tf.Rank.R4>([1, 1, 1, 2], position);
      cache = at('host', () => tf.keep(cacheWrite(cache, values, position)));
    });
  assert.is(cache.dataId, first);
  assert.is(whereIs(cache), NATIVE);
  assert.equal([...cache.dataSync().subarray(0, 8)], [0, 0, 1, 1, 2, 2, 1, 1]);
  cache.dispose();
  assert.equal(held(), before);
});

/** Of one pass over the same embeddings every traced tensor. */
function traceOf(model: EmuModel): Map<string, Float32Array> {
  const found = new Map<string, Float32Array>();
  const {hiddenSize} = model.config.llama;
  tf.tidy(() => {
    const inputs = tf.randomNormal<tf.Rank.R3>([2, 7, hiddenSize], 0, 1, 'float32', 3);
    const layout = {
      positions: countingPositions(2, 7),
      keyStart: tf.tensor1d([0, 2], 'int32'),
    };
    collectTrace(
      (name, x) => void found.set(name, Float32Array.from(x.dataSync())),
      () => model.llama.logits(model.llama.forward(inputs, layout)),
    );
  });
  return found;
}

onEachDevice(
  "layers at the host give native's bits, the whole what either gives alone",
  (device) => {
    selectBackend({backend: 'native'});
    const native = traceOf(randomEmu());
    selectBackend({backend: device});
    const onHost = traceOf(randomEmu(2));
    for (const layer of ['llm.layers.0', 'llm.layers.1', 'llm.layers.0.self_attn'])
      assert.equal(onHost.get(layer), native.get(layer), layer);
    for (const hostLayers of [1, 2]) {
      const traced = traceOf(randomEmu(hostLayers));
      assert.equal([...traced.keys()], [...native.keys()]);
      for (const [name, data] of traced) {
        const shape = [data.length];
        const tolerance = {atol: 1e-5, rtol: 1e-5};
        assertClose({shape, data}, {shape, data: native.get(name)!}, tolerance, name);
      }
    }
  },
);

onEachDevice('a step of beams moves hidden states, positions and rows once, and no cache', () => {
  const model = randomEmu(1);
  const {hiddenSize} = model.config.llama;
  const before = held();
  const prompt = tf.randomNormal<tf.Rank.R3>([1, 5, hiddenSize], 0, 1, 'float32', 5);
  const decoder = new LlamaDecoder(model.llama, prompt, 3, 6);
  decoder.prefill();
  const atStart = held();
  for (let step = 0; step < 4; step++) {
    const parents = step === 0 ? [0, 0, 0] : [2, 0, 1];
    const sizes = moved(() => void decoder.step([3, 4, 5], parents));
    const rows = 3 * (5 + step + 1);
    // To the host: x, positions, rows of the cache; back: x.
    const expected = [3 * hiddenSize, 3, rows, 3 * hiddenSize];
    assert.equal(sizes.toSorted(), expected.toSorted(), `step ${step}`);
    assert.equal(held(), atStart);
  }
  decoder.dispose();
  assert.equal(held(), before);
});

/** Two turns of a chat, of which the second goes on from what was saved; the answers. */
async function chat(model: EmuModel): Promise<number[][]> {
  const options = {...defaults, allowed: () => [1, 2, 3, 4, 5, 6, 7, 8, 9]};
  const answers: number[][] = [];
  const ask = async (conversation: Conversation, ids: number[], search: object) => {
    const asked = conversation.history.beginTurn().append(ids, 13, []);
    for await (const event of conversation.answer(asked, {...options, ...search}))
      if (event.type === 'done') answers.push([...event.ids]);
  };
  const first = new Conversation(model);
  first.replace(new History([BOS, 5, 6]));
  await ask(first, [4, 7], {numBeams: 4, maxNewTokens: 7});
  const layers = [...first.cachedNumbers()];
  const second = new Conversation(model);
  second.restore(first.history, first.cachedLength, layers);
  await ask(first, [8, 3], {numBeams: 3, maxNewTokens: 5});
  await ask(second, [8, 3], {numBeams: 3, maxNewTokens: 5});
  first.dispose();
  second.dispose();
  return answers;
}

onEachDevice('a chat, its branches and a saved one are answered as on one backend', async () => {
  const expected = await chat(randomEmu());
  const model = randomEmu(1);
  const before = held();
  const answers = await chat(model);
  assert.equal(answers, expected);
  assert.equal(answers[1], answers[2]);
  assert.ok(answers[0]!.length > 1);
  assert.equal(held(), before);
});

onEachDevice('greedy and sampled answers are those of one backend', async () => {
  const answer = async (model: EmuModel, doSample: boolean) => {
    const {hiddenSize} = model.config.llama;
    const prompt = tf.randomNormal<tf.Rank.R3>([1, 4, hiddenSize], 0, 1, 'float32', 8);
    const decoder = new LlamaDecoder(model.llama, prompt, 1, 8);
    try {
      const options = {...defaults, maxNewTokens: 8, doSample, temperature: 2, topP: 1, seed: 3};
      for await (const event of generate(decoder, options))
        if (event.type === 'done') return event.sequences[0]!.ids;
    } finally {
      decoder.dispose();
    }
    throw new Error('no answer');
  };
  for (const doSample of [false, true])
    assert.equal(await answer(randomEmu(1), doSample), await answer(randomEmu(), doSample));
});

test.run();
