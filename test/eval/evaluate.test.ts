// A model asked through every layout: what comes out is a prediction an item, the same in shards, and after a
// run that was cut off anywhere.
import {readFileSync, writeFileSync} from 'node:fs';
import path from 'node:path';
import {suite} from 'uvu';
import * as assert from 'uvu/assert';
import {Emu, type Item, type TextOptions} from '../../src/emu.js';
import type {BenchmarkItem} from '../../src/eval/benchmark.js';
import {benchmarks} from '../../src/eval/benchmarks/index.js';
import {type EvalModel, evaluate} from '../../src/eval/evaluate.js';
import {
  type PredictionLine,
  PredictionWriter,
  predictionLine,
  shardOf,
} from '../../src/eval/predictions.js';
import {openShots} from '../../src/eval/shots/openShots.js';
import type {PromptItem} from '../../src/text/prompt.js';
import {goldenCheckpoint} from '../support/goldenModel.js';
import {goldenPath} from '../support/goldens.js';
import {benchmarkRoot, needsLayouts} from '../support/layouts.js';
import {skip} from '../support/skip.js';
import {temporaryFolder} from '../support/temporary.js';

const test = suite('evaluate');
const file = goldenCheckpoint('instruct');

if (!benchmarkRoot || !file) skip(test, 'the tiny model through every layout', needsLayouts);
else {
  const root = benchmarkRoot;
  const folder = temporaryFolder();
  let model: EvalModel;
  let emu: Emu;

  test.before(async () => {
    emu = await Emu.load(file, {config: goldenPath('tiny-config')!});
    model = {
      mode: emu.mode,
      imageSize: emu.config.vision.imageSize,
      generateTexts: (requests, options) => emu.generateTexts(requests, options),
      scoreCandidates: async (...args) => emu.scoreCandidates(...args),
    };
  });
  test.after(() => emu.close());

  async function run(
    name: string,
    items: readonly BenchmarkItem[],
    batch = 3,
    done: string[] = [],
  ) {
    const lines: PredictionLine[] = [];
    const options = {batch, done: new Set(done)};
    for await (const line of evaluate(benchmarks.get(name)!, items, model, options))
      lines.push(line);
    return lines;
  }

  const layouts = [
    ['coco', 'test'],
    ['vqav2', 'test'],
    ['vqav2', 'val'],
    ['okvqa', 'val'],
    ['vizwiz', 'test'],
    ['visdial', 'val'],
    ['msvd', 'test'],
    ['msrvtt', 'test'],
    ['nextqa', 'test'],
    ['mmvet', 'all'],
  ] as const;
  for (const [name, split] of layouts)
    test(`${name} ${split}: a prediction for each item`, async () => {
      const benchmark = benchmarks.get(name)!;
      const items = benchmark.read(root, split).slice(0, name === 'visdial' ? 4 : undefined);
      const lines = await run(name, items);
      assert.equal(
        lines.map(({id, error}) => [id, error]),
        items.map(({id}) => [id, undefined]),
      );
      const predicted = lines.map(({prediction}, i) => ({
        item: items[i]!,
        prediction: prediction!,
      }));
      assert.ok(benchmark.submission(predicted) !== undefined);
    });

  test('with examples: told with each prediction, the same whatever is asked together', async () => {
    const benchmark = benchmarks.get('vizwiz')!;
    const items = benchmark.read(root, 'test');
    const embedder = {
      model: 'tiny',
      visionId: emu.visionId(),
      embed: async (of: Item[]) => emu.embed(of),
    };
    const whole = {
      ...{...model, ...embedder, contextLength: emu.config.llama.contextLength},
      countTokens: async (requests: PromptItem[][], options: TextOptions) =>
        requests.map((request) => emu.countTokens(request, options)),
    };
    process.env.EMU_CACHE_DIR = folder;
    for (const isTextOnly of [false, true]) {
      const shots = await openShots(benchmark, whole, {
        ...{count: 2, isTextOnly, seed: 0, root, asked: 'test', split: 'val', items},
        ...{isFirst: true, wait: () => {}, onNote: () => {}, onProgress: () => {}},
      });
      const runs: PredictionLine[][] = [];
      for (const batch of [1, 16]) {
        const lines: PredictionLine[] = [];
        for await (const line of evaluate(benchmark, items, model, {batch, done: new Set(), shots}))
          lines.push(line);
        runs.push(lines);
      }
      assert.equal(runs[0], runs[1]);
      assert.ok(runs[0]!.every(({supports, prediction}) => supports?.length === 2 && prediction));
    }
  });

  test('two shards put together are one run, whatever is asked together', async () => {
    const items = benchmarks.get('vizwiz')!.read(root, 'val');
    const whole = await run('vizwiz', items, 16);
    const shards = [0, 1].map((index) => shardOf(items, {index, count: 2}));
    const parts = (await Promise.all(shards.map((shard) => run('vizwiz', shard, 1)))).flat();
    const order = new Map(items.map(({id}, i) => [id, i]));
    parts.sort((a, b) => order.get(a.id)! - order.get(b.id)!);
    assert.equal(parts, whole);
  });

  test('a run that was cut off at any byte ends as the whole one', async () => {
    const items = benchmarks.get('coco')!.read(root, 'test');
    const text = (lines: readonly PredictionLine[]) => lines.map(predictionLine).join('');
    const whole = await run('coco', items, 2);
    const bytes = Buffer.from(text(whole));
    const cut = path.join(folder, 'cut.jsonl');
    for (const length of [0, 5, Math.floor(bytes.length / 2), bytes.length - 1]) {
      writeFileSync(cut, bytes.subarray(0, length));
      const {writer, lines} = PredictionWriter.resume(cut);
      const done = lines.map(({id}) => String(id));
      for (const line of await run('coco', items, 2, done)) writer.write(line);
      writer.close();
      assert.is(readFileSync(cut, 'utf8'), bytes.toString(), `cut at ${length}`);
    }
  });

  test('an item that cannot be shown is told, the others are answered', async () => {
    const items = benchmarks.get('coco')!.read(root, 'test');
    const [first, ...others] = items;
    const lines = await run('coco', [{...first!, file: '/nowhere.jpg'}, ...others]);
    assert.match(lines[0]!.error!, /nowhere\.jpg/);
    assert.ok(lines.slice(1).every(({prediction}) => typeof prediction === 'string'));
  });
}

test.run();
