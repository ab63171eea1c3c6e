import {execFile} from 'node:child_process';
import {readFileSync} from 'node:fs';
import path from 'node:path';
import {setTimeout as sleep} from 'node:timers/promises';
import {fileURLToPath} from 'node:url';
import {promisify} from 'node:util';
import {suite} from 'uvu';
import * as assert from 'uvu/assert';
import {BatchMaker} from '../../../src/train/data/batchMaker.js';
import {DataLoader, type LoaderOptions} from '../../../src/train/data/loader.js';
import {dataSpec} from '../../../src/train/data/spec.js';
import {folder, png, write} from '../../data/datasets/support.js';
import {expectEmuError} from '../../data/fixtures.js';
import {batchOptions} from './support.js';

const test = suite('loader');

/** A plug-in: samples that take `delay` ms; every read leaves a mark in the file `log`. */
const plugin = write(
  'plugin.mjs',
  `import {appendFileSync} from 'node:fs';
import {setTimeout as sleep} from 'node:timers/promises';
export function openDataset({delay = 0, fault = false, log}, {imageSize, seed}) {
  console.log('a plug-in that prints', seed > 0);
  return {
    name: 'plug-in',
    size: 1000,
    async read(index, random) {
      if (log) appendFileSync(log, 'x');
      await sleep(delay);
      if (fault) throw new TypeError('a fault of the plug-in');
      const pixels = new Float32Array(3 * imageSize ** 2).fill(index);
      const text = index + ' ' + random.below(1000) + '</s>';
      return {name: 'item ' + index, parts: [{type: 'picture', pixels}, {type: 'text', text}]};
    },
    close() {},
  };
}
`,
);

function pluginOptions(options: object, data: object = {}): LoaderOptions {
  const spec = dataSpec.parse({sources: [{kind: 'plugin', module: plugin, options}], ...data});
  return batchOptions(1, {data: spec, batch: 4});
}

/** Uses a loader and closes it whatever happens. */
async function withLoader<T>(options: LoaderOptions, use: (loader: DataLoader) => Promise<T>) {
  const loader = await DataLoader.open(options);
  try {
    return await use(loader);
  } finally {
    await loader.close();
  }
}

async function pairs(place: string): Promise<string> {
  for (let i = 0; i < 9; i++) {
    write(`${place}/${i}.png`, await png(20 * i));
    write(`${place}/${i}.txt`, `${i} a`);
  }
  return path.join(folder, place);
}

test('batches that crossed the thread are those made here', async () => {
  const place = await pairs('crossing');
  const data = dataSpec.parse({
    sources: [
      {kind: 'pairs', folder: place, weight: 2},
      {kind: 'plugin', module: plugin},
    ],
  });
  const options = {...batchOptions(2), data, imageSize: 8};
  const maker = await BatchMaker.open(options);
  await withLoader(options, async (loader) => {
    assert.equal(loader.sources, [
      {name: place, size: 9},
      {name: 'plug-in', size: 1000},
    ]);
    // Straight on, a leap ahead, and back again.
    for (const step of [0, 1, 2, 40, 41, 7, 0])
      assert.equal((await loader.next(step)).batch, (await maker.step(step)).batch);
    assert.equal(loader.tally, {numTried: 7 * 6, numBad: 0});
  });
  maker.close();
});

test('a slow consumer never waits', async () => {
  // A batch of 4 rows takes about 40 ms, a step 80.
  const options = pluginOptions({delay: 40});
  await withLoader(options, async (loader) => {
    await loader.next(0);
    const waits: number[] = [];
    for (let step = 1; step <= 8; step++) {
      await sleep(80);
      waits.push((await loader.next(step)).waited);
    }
    const median = waits.sort((a, b) => a - b)[4]!;
    assert.ok(median < 5, `waited ${waits.map((wait) => wait.toFixed(1)).join(', ')} ms`);
  });
});

test('a consumer that blocks its thread finds the batch made', async () => {
  const options = pluginOptions({delay: 30});
  await withLoader(options, async (loader) => {
    await loader.next(0);
    const waits: number[] = [];
    for (let step = 1; step <= 6; step++) {
      const until = performance.now() + 70;
      while (performance.now() < until); // as native kernels do
      waits.push((await loader.next(step)).waited);
    }
    const median = waits.sort((a, b) => a - b)[3]!;
    assert.ok(median < 15, `waited ${waits.map((wait) => wait.toFixed(1)).join(', ')} ms`);
  });
});

test('several threads give the same batches', async () => {
  const one = await withLoader(pluginOptions({}), async (loader) =>
    [await loader.next(0), await loader.next(1), await loader.next(2)].map(({batch}) => batch),
  );
  const options = pluginOptions({}, {workers: 2});
  await withLoader(options, async (loader) => {
    for (const [step, batch] of one.entries()) assert.equal((await loader.next(step)).batch, batch);
  });
});

test('as much is made ahead as is asked for, and nothing beyond the last step', async () => {
  const reads = async (ahead: number, steps: number) => {
    const log = write(`reads-${ahead}-${steps}`, '');
    await withLoader({...pluginOptions({log}, {ahead}), steps}, async (loader) => {
      await loader.next(0);
      await sleep(300);
    });
    return readFileSync(log, 'utf8').length;
  };
  assert.is(await reads(2, 100), 3 * 4);
  assert.is(await reads(2, 2), 2 * 4);
});

test('a source that cannot be opened is the same one line', async () => {
  const missing = path.join(folder, 'no-such-folder');
  const spec = dataSpec.parse({sources: [{kind: 'pairs', folder: missing}]});
  const error = await expectEmuError(
    DataLoader.open({...batchOptions(1), data: spec}),
    'bad_input',
  );
  assert.is(error.message, `${missing}: no such file`);
  assert.is(error.file, missing);
  const module = write('empty.mjs', 'export const x = 1;');
  const lacking = dataSpec.parse({sources: [{kind: 'plugin', module}]});
  const opening = DataLoader.open({...batchOptions(1), data: lacking});
  assert.match((await expectEmuError(opening, 'bad_plugin')).message, /exports no function/);
  const broken = dataSpec.parse({
    sources: [{kind: 'plugin', module: write('broken.mjs', 'export function (')}],
  });
  const breaking = DataLoader.open({...batchOptions(1), data: broken});
  assert.match((await expectEmuError(breaking, 'bad_plugin')).message, /cannot be loaded/);
});

/** Pairs of which `bad` of 40 are no pictures. */
async function partlyBad(bad: number): Promise<string> {
  const good = await png(100);
  const place = `bad-${bad}`;
  for (let i = 0; i < 40; i++) {
    write(`${place}/${i}.png`, i < bad ? 'no picture' : good);
    write(`${place}/${i}.txt`, `${i}`);
  }
  return path.join(folder, place);
}

test('few bad samples are skipped, counted and named', async () => {
  const place = await partlyBad(1);
  const data = dataSpec.parse({sources: [{kind: 'pairs', folder: place}]});
  await withLoader({...batchOptions(1), data, batch: 10}, async (loader) => {
    const bad: string[] = [];
    for (let step = 0; step < 16; step++) bad.push(...(await loader.next(step)).bad);
    assert.is(bad.length, loader.tally.numBad);
    assert.ok(bad.length >= 4); // four epochs
    assert.is(loader.tally.numTried, 160 + bad.length);
    for (const line of bad) assert.match(line, /bad-1\/0\.png: is not a picture/);
  });
});

test('more bad samples than allowed stop the run after the first hundred', async () => {
  const place = await partlyBad(8);
  const data = dataSpec.parse({sources: [{kind: 'pairs', folder: place}]});
  const options = {...batchOptions(1), data, batch: 10};
  await withLoader(options, async (loader) => {
    let step = 0;
    const error = await (async () => {
      for (; step < 20; step++) await loader.next(step);
    })().catch((caught) => caught);
    assert.is(error.code, 'bad_data');
    assert.match(
      error.message,
      /^data: \d+ of \d+ samples could not be used \([\d.]+ %, at most 5 % may be\), the last: .*png: is not a picture.*; mend the data or raise maxBadShare$/,
    );
    assert.ok(step >= 7 && step <= 10, `stopped at step ${step}`);
    assert.ok(loader.tally.numTried >= 100);
  });
  const tolerant = dataSpec.parse({
    sources: [{kind: 'pairs', folder: place}],
    maxBadShare: 0.5,
  });
  await withLoader({...options, data: tolerant}, async (loader) => {
    for (let step = 0; step < 14; step++) await loader.next(step);
  });
});

test('a fault in the thread is told where the step is asked for', async () => {
  await withLoader(pluginOptions({fault: true}), async (loader) => {
    const error = await loader.next(0).catch((caught) => caught);
    assert.is(error.name, 'TypeError');
    assert.is(error.message, 'a fault of the plug-in');
  });
});

test('a closed loader gives nothing, and closing does not wait', async () => {
  const loader = await DataLoader.open(pluginOptions({delay: 20_000}));
  const waiting = loader.next(0).catch((caught) => caught);
  const started = performance.now();
  await loader.close();
  assert.ok(performance.now() - started < 3000);
  assert.match((await waiting).message, /the loader is closed/);
  assert.match((await loader.next(1).catch((caught) => caught)).message, /the loader is closed/);
});

test('from the compiled files: results, a quiet stdout, a process that ends', async () => {
  const dist = fileURLToPath(new URL('../../../dist/train/data/loader.js', import.meta.url));
  const script = write(
    'compiled.mjs',
    `const {DataLoader} = await import(${JSON.stringify(dist)});
const loader = await DataLoader.open(${JSON.stringify(pluginOptions({}))});
const {batch} = await loader.next(3);
console.log(JSON.stringify(batch.names));
await loader.close();
`,
  );
  const {stdout, stderr} = await promisify(execFile)(process.execPath, [script]);
  const maker = await BatchMaker.open(pluginOptions({}));
  const {batch} = await maker.step(3);
  assert.equal(JSON.parse(stdout), batch.names);
  assert.match(stderr, /a plug-in that prints true/);
});

test.run();
