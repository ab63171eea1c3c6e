// The commands on TensorFlow against the commands on the native backend, as a person runs them: the same text,
// the same pictures, the same losses.
import {readFileSync, writeFileSync} from 'node:fs';
import path from 'node:path';
import {suite} from 'uvu';
import * as assert from 'uvu/assert';
import {readImage} from '../../src/data/image.js';
import {availableBackends} from '../../src/kernels/backend.js';
import {findTensorflow} from '../../src/kernels/tensorflow/layout.js';
import {fixture, runEmu} from '../cli/runEmu.js';
import {skip} from '../support/skip.js';
import {temporaryFolder} from '../support/temporary.js';
import {pictureSources, writePictures} from '../train/captionedPictures.js';
import {metricsOf} from '../train/runResults.js';
import {writeTinyRecipe} from '../train/tinyRecipe.js';

const test = suite('tensorflow against native');
const folder = temporaryFolder();
const at = (name: string) => path.join(folder, name);
const backends = ['native', 'tensorflow'] as const;
type Backend = (typeof backends)[number];

/** Of 255. */
const PIXEL_LIMIT = 2;
const LOSS_LIMIT = 1e-4;
/** What metrics.jsonl has of them, beside the gradients' norm and the rate. */
const losses = ['loss', 'text', 'regression'];

/** stdout of a command that must succeed on the backend. */
async function emu(backend: Backend, args: readonly string[], threads = '1'): Promise<string> {
  const env = {EMU_CACHE_DIR: folder, EMU_THREADS: threads};
  const {code, stdout, stderr} = await runEmu([...args, '--backend', backend], {env});
  assert.is(code, 0, `${backend}: emu ${args.join(' ')}: ${stderr}`);
  return stdout;
}

/** What `run` gives on each backend, which run side by side. */
async function onBoth<T>(run: (backend: Backend) => Promise<T>): Promise<[native: T, other: T]> {
  const [native, other] = await Promise.all(backends.map(run));
  return [native!, other!];
}

/** What two results of --json have in common but the times. */
function answers(stdout: string, backend: Backend): object[] {
  const lines = stdout.trimEnd().split('\n');
  return lines.map((line) => {
    const result = JSON.parse(line);
    assert.is(result.backend, backend);
    const {file, text, tokens, prompt} = result;
    assert.ok(tokens.length > 0);
    return {file, text, tokens, prompt};
  });
}

const pictures = ['cat.jpg', 'coffee.png', 'rocket.jpg', 'horse-alpha.png', 'camera-gray.png']
  .concat(['streamline-cherries.png', 'streamline-tiger.png', 'streamline-umbrella.png'])
  .map(fixture);
const [cherries, tiger, umbrella] = pictures.slice(-3) as [string, string, string];

const texts: Record<string, readonly string[]> = {
  caption: ['caption', ...pictures, '--num-captions', '5'],
  vqa: ['vqa', cherries, umbrella, 'what is in the first image?'],
  incontext: ['incontext', tiger, 'a tiger.', cherries],
};

async function assertSamePixels(native: string, other: string): Promise<void> {
  const [a, b] = await Promise.all([readImage(native), readImage(other)]);
  assert.equal([b.width, b.height], [a.width, a.height]);
  const differences = a.data.map((value, i) => Math.abs(value - b.data[i]!));
  const largest = Math.max(...differences);
  const count = differences.filter((d) => d > 0).length;
  assert.ok(
    largest <= PIXEL_LIMIT,
    `${count} of ${differences.length} bytes differ, the farthest by ${largest}`,
  );
}

const common = `seed: 2
init: emu-mini
data: {sources: ${pictureSources}}
logEvery: 1
`;
/**
 * A recipe a run: each stage trains emu-mini further, and the tiny one has two phases. At ten times these rates
 * the native backend's own instruction sets are 1e-3 apart after five steps: Adam's first steps are signs.
 */
const recipes: Record<string, {stage: string; text?: string; steps: number}> = {
  tiny: {stage: 'pretrain', steps: 10},
  pretrain: {
    stage: 'pretrain',
    steps: 4,
    text: `${common}phases:
  - {name: read, steps: 4, batch: 2, sources: {captions: 1, questions: 2},
     learningRates: {vision: 0.0001, causalFormer: 0.0001, llama: 0.0001}}`,
  },
  instruct: {
    stage: 'instruct',
    steps: 4,
    text: `${common}phases:
  - {name: answer, steps: 4, batch: 2, sources: {questions: 1}, learningRate: 0.001}`,
  },
  decoder: {
    stage: 'decoder',
    steps: 4,
    text: `${common}picture: {size: 64, fit: stretch}
phases:
  - {name: draw, steps: 4, batch: 2, sources: {captions: 1}, learningRate: 0.0001}
ema: 0.9`,
  },
};

const found = findTensorflow();
const reason =
  'problem' in found
    ? `TensorFlow: ${found.problem}`
    : availableBackends().includes('native')
      ? undefined
      : 'there is no native backend to compare with';

function compare(name: string, body: () => Promise<void>): void {
  if (reason) skip(test, name, reason);
  else test(name, body);
}

for (const [name, args] of Object.entries(texts))
  compare(`emu ${name} says the same`, async () => {
    const [native, other] = await onBoth(async (backend) =>
      answers(await emu(backend, [...args, '--json']), backend),
    );
    assert.equal(other, native);
  });

compare('emu t2i draws the same, on any number of threads', async () => {
  const args = ['t2i', 'a red apple', '--steps', '8', '--seed', '5', '-o'];
  await Promise.all([
    onBoth((backend) => emu(backend, [...args, at(`${backend}.png`)])),
    emu('tensorflow', [...args, at('threads.png')], '2'),
  ]);
  await assertSamePixels(at('native.png'), at('tensorflow.png'));
  const bytes = ['tensorflow.png', 'threads.png'].map((name) => readFileSync(at(name)));
  assert.ok(bytes[0]!.equals(bytes[1]!), 'the same bytes with one thread and with two');
});

for (const [name, {stage, text, steps}] of Object.entries(recipes))
  compare(`emu train ${stage} (${name}) logs the same losses`, async () => {
    const recipe = text ? at(`${name}.yaml`) : writeTinyRecipe(folder);
    if (text) writeFileSync(recipe, text);
    const [native, other] = await onBoth(async (backend) => {
      const out = at(`${name}-${backend}`);
      const stdout = await emu(backend, ['train', stage, recipe, '--out', out, '--json']);
      assert.is(JSON.parse(stdout).backend, backend);
      return metricsOf(out);
    });
    assert.is(native.length, steps);
    assert.is(other.length, steps);
    for (const [i, line] of native.entries())
      for (const key of losses.filter((key) => key in line)) {
        const [a, b] = [line[key], other[i]![key]] as [number, number];
        const what = `step ${i + 1}: ${key} ${a}, tensorflow ${b}`;
        assert.ok(Math.abs(a - b) <= LOSS_LIMIT, what);
      }
  });

if (!reason) await writePictures(at('pictures'));

test.run();
