// A model whose layers the device does not hold all: emu-mini on TensorFlow, which may fill EMU_GPU_MEMORY.
// On the CPU too, for there may be no GPU here.
import {existsSync} from 'node:fs';
import path from 'node:path';
import {suite} from 'uvu';
import * as assert from 'uvu/assert';
import tf from '#tfjs';
import {readImage} from '../../src/data/image.js';
import {Emu, type Item, type LoadOptions} from '../../src/emu.js';
import {EmuError} from '../../src/errors.js';
import {availableBackends} from '../../src/kernels/backend.js';
import {addonProblem} from '../../src/kernels/native/addon.js';
import {NATIVE} from '../../src/kernels/native/nativeBackend.js';
import {findTensorflow} from '../../src/kernels/tensorflow/layout.js';
import type {TensorflowBackend} from '../../src/kernels/tensorflow/tensorflowBackend.js';
import {EmuModel} from '../../src/model/emu.js';
import {countingPositions} from '../../src/model/llama.js';
import {collectTrace} from '../../src/model/trace.js';
import {assertFailure, fixture, runEmu} from '../cli/runEmu.js';
import {closeTo, goldenCheckpoint, loadGoldenModel} from '../support/goldenModel.js';
import {goldens} from '../support/goldens.js';
import {skip} from '../support/skip.js';
import {temporaryFolder} from '../support/temporary.js';
import {writeTinyRecipe} from '../train/tinyRecipe.js';

const test = suite('backends/gpuMemory');
const found = findTensorflow();
const whyNot = 'problem' in found ? found.problem : undefined;

function onTensorflow(name: string, body: () => void | Promise<void>): void {
  const problem = whyNot ?? (availableBackends().includes('native') ? undefined : addonProblem());
  if (problem === undefined) test(name, body);
  else skip(test, name, problem);
}

async function load(gigabytes: string, options: LoadOptions = {}): Promise<Emu> {
  process.env.EMU_GPU_MEMORY = gigabytes;
  try {
    return await Emu.load('emu-mini', {backend: 'tensorflow', ...options});
  } finally {
    delete process.env.EMU_GPU_MEMORY;
  }
}

const pictures = async (...names: string[]): Promise<Item[]> =>
  Promise.all(
    names.map(async (name) => ({type: 'image', picture: await readImage(fixture(name))}) as const),
  );

/** What a model says and draws in its several ways. */
async function use(emu: Emu) {
  const [cat, tiger] = (await pictures('cat.jpg', 'streamline-tiger.png')) as [Item, Item];
  const caption = {task: 'caption', numBeams: 5, maxTokens: 12} as const;
  let streamed: readonly number[] = [];
  for await (const event of emu.generateText([tiger], caption))
    if (event.type === 'done') streamed = event.result.tokens;
  const together = await emu.generateTexts([[cat], [tiger]], caption);
  const question = [cat, {type: 'text', text: 'What is this?'} as const];
  const scored = emu.scoreCandidates(question, ['a cat', 'a dog', 'a tree'], {task: 'vqa'});
  return {
    answers: [streamed, ...together.map(({tokens}) => tokens)],
    losses: scored.losses,
    embeddings: emu.embed([cat])[0]!,
  };
}

async function draw(emu: Emu): Promise<Uint8Array> {
  const prompt = [{type: 'text', text: 'a red apple'} as const];
  const settings = {steps: 2, seed: 1, checkSafety: false};
  for await (const event of emu.generateImage(prompt, settings))
    if (event.type === 'picture') return Uint8Array.from(event.picture.data);
  throw new Error('no picture');
}

const largestDifference = (a: ArrayLike<number>, b: ArrayLike<number>) =>
  Array.from(a).reduce((most, value, i) => Math.max(most, Math.abs(value - b[i]!)), 0);

let expected: Awaited<ReturnType<typeof use>> & {drawing: Uint8Array};

onTensorflow('native says and draws', async () => {
  const emu = await Emu.load('emu-mini', {backend: 'native'});
  assert.is(emu.placement, undefined);
  expected = {...(await use(emu)), drawing: await draw(emu)};
  emu.close();
});

for (const [gigabytes, layers] of [
  ['0.0165', [1, 2]],
  ['0.02', [2, 1]],
  ['0.0125', [0, 3]],
] as const)
  onTensorflow(
    `${layers[0]} of 3 layers on the device: all is native's, and is freed`,
    async () => {
      const emu = await load(gigabytes, {draws: false});
      const {deviceLayers, hostLayers, note} = emu.placement!;
      assert.equal([deviceLayers, hostLayers], layers);
      assert.match(
        note!,
        /^of the language model's layers \d are on TensorFlow and \d on the CPU: /,
      );
      assert.equal(emu.notes, [note]);
      const {binding} = tf.findBackend('tensorflow') as TensorflowBackend;
      const held = () => [
        tf.memory().numTensors,
        binding.getNumOfTensors(),
        tf.findBackend(NATIVE).numDataIds(),
      ];
      let before: number[] = [];
      for (let round = 0; round < 2; round++) {
        const {answers, losses, embeddings} = await use(emu);
        assert.equal(answers, expected.answers);
        assert.ok(largestDifference(losses, expected.losses) < 1e-4);
        assert.ok(largestDifference(embeddings, expected.embeddings) < 1e-5);
        // Each weight gets to TensorFlow when it is first read.
        if (round > 0) assert.equal(held(), before, `round ${round}`);
        before = held();
      }
      emu.close();
    },
  );

onTensorflow('with room for the image decoder it draws; without, that is said before', async () => {
  const keeping = await load('0.032');
  assert.ok(keeping.placement!.hostLayers > 0 && keeping.placement!.deviceLayers > 0);
  const drawing = await draw(keeping);
  assert.ok(largestDifference(drawing, expected.drawing) <= 2);
  keeping.close();
  const tight = await load('0.02', {draws: false});
  try {
    await draw(tight);
    assert.unreachable('expected it not to fit');
  } catch (error) {
    assert.ok(error instanceof EmuError, String(error));
    assert.match(
      error.message,
      /emu-mini: needs \d+\.\d MB of the GPU's memory, \d+\.\d MB are free; .*draws: true$/,
    );
    assert.is(error.exitCode, 5);
  } finally {
    tight.close();
  }
});

onTensorflow('a request whose cache does not fit is refused', async () => {
  const emu = await load('0.035', {draws: false});
  const caption = {task: 'caption', numBeams: 60, maxTokens: 200} as const;
  const [cat] = await pictures('cat.jpg');
  try {
    for await (const _ of emu.generateText([cat!], caption));
    assert.unreachable('expected it not to fit');
  } catch (error) {
    assert.match(
      (error as Error).message,
      /^emu-mini: needs .* of TensorFlow's memory, .* are free; that is the cache of 60 answers/,
    );
  } finally {
    emu.close();
  }
});

const golden = goldens('llm_pretrain');
const goldenTest = "the official code's numbers come out of a model that is split";
if (!golden || !goldenCheckpoint('pretrain'))
  skip(test, goldenTest, 'the goldens are not in this clone');
else
  onTensorflow(goldenTest, () => {
    const scene = Object.entries<{prompt?: string; input_ids: number[]; images: string[]}>(
      golden.json,
    ).find(([, {prompt, images}]) => prompt !== undefined && images.length === 0)!;
    const [name, {input_ids: ids}] = scene;
    const loaded = loadGoldenModel(
      'pretrain',
      (weights, config) => new EmuModel(weights, config, 1),
    );
    const traced = new Map<string, Float32Array>();
    tf.tidy(() => {
      const {llama} = loaded.model;
      const embeds = loaded.model.embedPrompt([ids], loaded.tokenizer.ids.image);
      collectTrace(
        (part, x) => void traced.set(part, Float32Array.from(x.dataSync())),
        () => void llama.forward(embeds, {positions: countingPositions(1, ids.length)}),
      );
    });
    loaded.dispose();
    const parts = golden
      .names()
      .filter(
        (part) =>
          /^(layers|final_norm)/.test(part.slice(name.length + 1)) && part.startsWith(`${name}.`),
      );
    assert.ok(parts.length > 1, parts.join());
    for (const part of parts)
      closeTo(
        traced.get(`llm.${part.slice(name.length + 1)}`)!,
        golden.get(part).data as Float32Array,
        {atol: 2e-4, rtol: 1e-4, name: part},
      );
  });

/** The command with so many gigabytes, in the home in which TensorFlow is. */
const emuWith = (EMU_GPU_MEMORY: string, args: readonly string[]) => {
  const {EMU_HOME} = process.env;
  const env = {EMU_GPU_MEMORY, ...(EMU_HOME === undefined ? {} : {EMU_HOME})};
  return runEmu([...args, '--backend', 'tensorflow'], {env});
};

onTensorflow('as a person runs it', async () => {
  const folder = temporaryFolder();
  const recipe = writeTinyRecipe(folder);
  const out = path.join(folder, 'run');
  const caption = ['caption', fixture('streamline-tiger.png')];
  const [split, little, wrong, train] = await Promise.all([
    emuWith('0.02', [...caption, '--json']),
    emuWith('0.01', caption),
    emuWith('much', caption),
    emuWith('0.0001', ['train', 'pretrain', recipe, '--out', out]),
  ]);
  assert.is(split.code, 0, split.stderr);
  assert.is(
    split.stderr,
    "emu: of the language model's layers 2 are on TensorFlow and 1 on the CPU: 20.0 MB of TensorFlow's memory may be filled\n",
  );
  const {layers, text} = JSON.parse(split.stdout);
  assert.equal([layers, text], [{device: 2, host: 1}, 'a tiger']);
  assertFailure(
    little,
    5,
    /model\.safetensors: needs 12\.\d MB of TensorFlow's memory without any of the language model's layers, 10\.0 MB are free; free some \(EMU_GPU_MEMORY,/,
  );
  assertFailure(
    wrong,
    2,
    /^emu: expected EMU_GPU_MEMORY to be a number of gigabytes, got 'much'\n/,
  );
  assertFailure(
    train,
    5,
    /recipe\.yaml: needs 0\.\d MB of TensorFlow's memory, 0\.1 MB are free; that is each weight that it trains/,
  );
  assert.not(existsSync(path.join(out, 'metrics.jsonl')));
});

test.run();
