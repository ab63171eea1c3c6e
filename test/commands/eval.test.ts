// emu eval score, compare, report and download, as a person runs them.
import {existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync} from 'node:fs';
import path from 'node:path';
import {suite} from 'uvu';
import * as assert from 'uvu/assert';
import {concepts853, trainVendors} from '../../src/eval/benchmarks/mini/art.js';
import {assertFailure, type Ended, runEmu} from '../cli/runEmu.js';
import {
  benchmarkRoot,
  needsLayouts,
  officialRuns,
  type OfficialRunName,
} from '../support/layouts.js';
import {writeFakeArt} from '../support/fakeArt.js';
import {skip} from '../support/skip.js';
import {temporaryFolder} from '../support/temporary.js';

const test = suite('commands/eval');
const folder = temporaryFolder();

function onLayouts(name: string, run: (data: readonly string[]) => Promise<void>): void {
  if (benchmarkRoot === undefined) skip(test, name, needsLayouts);
  else test(name, () => run(['--data', benchmarkRoot!]));
}

function write(name: string, content: string | Uint8Array): string {
  const file = path.join(folder, name);
  mkdirSync(path.dirname(file), {recursive: true});
  writeFileSync(file, content);
  return file;
}

/** Official predictions as lines, those at `places` of them. */
function predictions(name: OfficialRunName, places = (_: number) => true): string {
  const all = officialRuns()![name].predictions.filter((_, i) => places(i));
  return all.map((line) => `${JSON.stringify(line)}\n`).join('');
}

/** A run's folder, scored once for all tests. */
const scored = new Map<string, Promise<{folder: string; ended: Ended}>>();
function runFolder(name: OfficialRunName, data: readonly string[]) {
  const known = scored.get(name);
  if (known) return known;
  const [benchmark, split] = name.split('_');
  const file = write(`${name}.jsonl`, predictions(name));
  const out = path.join(folder, `run of ${name}`);
  const args = ['--predictions', file, ...data, '--out', out, ...(split ? ['--split', split] : [])];
  const started = runEmu(['eval', 'score', benchmark!, ...args, '--json']).then((ended) => {
    assert.is(ended.code, 0, ended.stderr);
    return {folder: out, ended};
  });
  scored.set(name, started);
  return started;
}

onLayouts('score: a table, or one object with --json; the run folder with --out', async (data) => {
  const list = write('coco.json', JSON.stringify(officialRuns()!.coco.predictions));
  const [table, run] = await Promise.all([
    runEmu(['eval', 'score', 'coco', '--predictions', list, ...data]),
    runFolder('coco', data),
  ]);
  assert.is(table.code, 0, table.stderr);
  assert.is(table.stderr, '');
  assert.match(table.stdout, /CIDEr +3\.8250 +[\d.]+ to [\d.]+/);
  assert.match(table.stdout, /this run {2}3\.8250.*\nEmu {7}1\.1240 {2}arXiv/);
  const result = JSON.parse(run.ended.stdout);
  assert.is(result.scores.CIDEr, officialRuns()!.coco.metrics!.CIDEr);
  const names = ['coco_answer.json', 'predictions.jsonl', 'result.json', 'scores.jsonl'];
  assert.equal(readdirSync(run.folder).sort(), names);
  const read = (name: string) => readFileSync(path.join(run.folder, name), 'utf8');
  assert.equal(JSON.parse(read('result.json')), result);
  assert.equal(JSON.parse(read('coco_answer.json')), officialRuns()!.coco.answer_file);
  assert.is(read('predictions.jsonl'), predictions('coco'));
});

onLayouts(
  'score: shards become one run; a torn line and what is missing are told',
  async (data) => {
    const even = write(
      'even.jsonl',
      predictions('vqav2_val', (i) => i % 2 === 0),
    );
    const odd = write(
      'odd.jsonl',
      predictions('vqav2_val', (i) => i % 2 === 1),
    );
    const torn = write('torn.jsonl', predictions('vqav2_val').slice(0, -12));
    const out = path.join(folder, 'merged');
    const vqav2 = ['eval', 'score', 'vqav2', '--split', 'val', ...data];
    const merge = ['--predictions', odd, '--predictions', even, '--out', out, '--quiet'];
    const [merged, partial] = await Promise.all([
      runEmu([...vqav2, ...merge]),
      runEmu([...vqav2, '--predictions', torn]),
    ]);
    assert.is(merged.code, 0, merged.stderr);
    assert.is(merged.stderr, '');
    const file = path.join(out, 'predictions.jsonl');
    assert.is(readFileSync(file, 'utf8'), predictions('vqav2_val'));
    assert.is(partial.code, 0);
    assert.match(partial.stderr, /torn\.jsonl: its last line was cut off/);
    assert.match(partial.stdout, /^vqav2 val: scored over 4 of 5 items, 1 missing/);
    assert.match(partial.stdout, /\(partial\)/);
  },
);

onLayouts('score: what only a server scores is told, and its file is written', async (data) => {
  const {folder: out, ended} = await runFolder('vqav2_test', data);
  const {unscored, scores} = JSON.parse(ended.stdout);
  assert.match(unscored, /scored by its server .*vqav2_answer\.json/);
  assert.equal(scores, {});
  const answers = JSON.parse(readFileSync(path.join(out, 'vqav2_answer.json'), 'utf8'));
  assert.equal(answers, officialRuns()!.vqav2_test.answer_file);
});

test('score fid: features in, distance out', async () => {
  const values = Float32Array.from({length: 60}, (_, i) => Math.sin(i * i));
  write('features.json', '{"shape": [20, 3]}');
  const features = write('features.f32', new Uint8Array(values.buffer));
  const fid = ['eval', 'score', 'fid'];
  const [same, none] = await Promise.all([
    runEmu([...fid, '--features', features, '--reference', features]),
    runEmu(fid),
  ]);
  assert.is(same.code, 0, same.stderr);
  assert.match(same.stdout, /FID {5}-?0\.0000/);
  assertFailure(none, 2, /--features FILE --reference FILE/);
});

onLayouts('compare: two folders, or two files of a named benchmark', async (data) => {
  const a = await runFolder('vqav2_val', data);
  const coco = await runFolder('coco', data);
  const b = write('b.jsonl', predictions('vqav2_val').replace('"one"', '"seven"'));
  const named = ['--benchmark', 'vqav2', '--split', 'val', ...data];
  const [files, folders, unnamed, other] = await Promise.all([
    runEmu(['eval', 'compare', a.folder, b, ...named]),
    runEmu(['eval', 'compare', a.folder, a.folder, '--json']),
    runEmu(['eval', 'compare', a.folder, b]),
    runEmu(['eval', 'compare', a.folder, coco.folder]),
  ]);
  assert.is(files.code, 0, files.stderr);
  assert.match(files.stdout, /accuracy {2}58\.00 {2}38\.00 {2}20\.00 {2}0\.00 to 60\.00/);
  assert.match(files.stdout, /no real difference; 5 items/);
  const {benchmark, split, metrics} = JSON.parse(folders.stdout);
  assert.equal([benchmark, split, metrics.length], ['vqav2', 'val', 1]);
  assert.equal([metrics[0].difference, metrics[0].pValue, metrics[0].isReal], [0, 1, false]);
  assertFailure(unnamed, 2, /b\.jsonl: .*--benchmark and --data/);
  assertFailure(other, 1, /run of coco: is a run of coco test, and .* one of vqav2 val/);
});

onLayouts('report: one HTML file of several runs', async (data) => {
  const runs = [await runFolder('coco', data), await runFolder('vqav2_test', data)];
  const folders = runs.map((run) => run.folder);
  const page = path.join(folder, 'a page.html');
  const nowhere = path.join(folder, 'none', 'page.html');
  const [{code, stdout, stderr}, none, unwritten] = await Promise.all([
    runEmu(['eval', 'report', ...folders, '-o', page]),
    runEmu(['eval', 'report', folder]),
    runEmu(['eval', 'report', ...folders, '-o', nowhere]),
  ]);
  assert.is(code, 0, stderr);
  assert.is(stdout, `${page}\n`);
  const html = readFileSync(page, 'utf8');
  assert.is(html.match(/<section/g)!.length, 2);
  assert.is(html.match(/<img src="data:image\/jpeg;base64,/g)!.length, 7);
  assertFailure(none, 1, /holds no result\.json; make one with/);
  assertFailure(unwritten, 1, /its folder does not exist/);
  assert.not.ok(existsSync(nowhere));
});

test('download: what to get, and what is there', async () => {
  const empty = path.join(folder, 'empty');
  mkdirSync(empty, {recursive: true});
  const [{code, stdout, stderr}, none] = await Promise.all([
    runEmu(['eval', 'download', 'coco']),
    runEmu(['eval', 'download', 'visdial', '--data', empty, '--json']),
  ]);
  assert.is(code, 0, stderr);
  assert.match(stdout, /coco\/annotations\/coco_karpathy_test_gt\.json/);
  assert.match(stdout, /test {3}5,000 {2}5,000/);
  assert.match(stdout, /licence: annotations: Creative Commons BY 4\.0/);
  const {state} = JSON.parse(none.stdout);
  assert.equal(
    state.files.map((file: {state: string}) => file.state),
    ['missing', 'missing, optional', 'missing, optional'],
  );
  assert.match(state.splits[0].problem, /^visdial\/visdial_1\.0_val\.json: no such file/);
});

onLayouts('download: counts what is there against the published numbers', async (data) => {
  const [json, text] = await Promise.all([
    runEmu(['eval', 'download', 'vqav2', ...data, '--json']),
    runEmu(['eval', 'download', 'nextqa', ...data]),
  ]);
  const {splits, archives} = JSON.parse(json.stdout).state;
  assert.equal(splits[1], {
    ...{split: 'val', items: 5, officialItems: 214354},
    ...{media: 3, mediaPresent: 3, officialMedia: 40504},
  });
  assert.is(archives[0].files, 7);
  assert.match(text.stdout, /test {3}5 \(official: 9,178\) +3 of 3 there \(official: not known\)/);
});

onLayouts('bad input is told in one line, with the way out', async (data) => {
  const coco = write('bad/coco.jsonl', predictions('coco'));
  const score = (name: string, file: string, ...more: string[]) =>
    runEmu(['eval', 'score', name, '--predictions', file, ...data, ...more]);
  const cases: [Promise<Ended>, number, RegExp][] = [
    [score('cocoa', coco), 2, /called cocoa; did you mean coco\? known: coco, nocaps/],
    [score('okvqa', coco), 1, /4 of 4 predictions are of no item of okvqa val \(391895, /],
    [score('flickr30k', coco), 1, /flickr30k\.json: no such file; .emu eval download flickr30k./],
    [runEmu(['eval', 'score', 'coco', ...data]), 2, /missing: --predictions/],
  ];
  for (const [ended, code, says] of cases) assertFailure(await ended, code, says);
});

test('mini: emu-mini asked, scored again without it; what cannot be asked for is told', async () => {
  const cache = path.join(folder, 'cache');
  writeFakeArt(path.join(cache, 'art'), ['openmoji', ...trainVendors], concepts853());
  const env = {EMU_CACHE_DIR: cache};
  const out = path.join(folder, 'unseen');
  const unseen = ['mini', '--split', 'unseen'];
  const [asked, noData, noControls, noStamps] = await Promise.all([
    runEmu(['eval', ...unseen, '--limit', '4', '--controls', '1', '--out', out, '--json'], {env}),
    runEmu(['eval', 'coco']),
    runEmu(['eval', 'easyvqa', '--data', folder, '--controls', '2']),
    runEmu(['eval', 'mini', '--split', 'photos', '--data', path.join(folder, 'no stamps')], {env}),
  ]);
  assert.is(asked.code, 0, asked.stderr);
  const result = JSON.parse(asked.stdout);
  const {total, predicted, controls} = result.items;
  assert.equal([total, predicted, controls], [1200, 4, 4]);
  assert.is(result.kinds[0].baselines.nearest, 100); // drawn alike by all vendors here
  assertFailure(noData, 2, /missing: --data.*`emu eval download coco`/);
  assertFailure(noControls, 1, /easy_vqa-1\.0-py3-none-any\.whl: no such file/);
  assertFailure(
    noStamps,
    1,
    /no stamps\/animals\/.*install Debian’s package tuxpaint-stamps-default/,
  );
  const score = ['eval', 'score', ...unseen, '--predictions', out, '--json'];
  const again = await runEmu(score, {env});
  assert.is(again.code, 0, again.stderr);
  const {scores, kinds} = JSON.parse(again.stdout);
  assert.equal({scores, kinds}, {scores: result.scores, kinds: result.kinds});
});

test.run();
