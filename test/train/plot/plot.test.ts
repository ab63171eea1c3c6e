// Curves of a run: what is read of metrics.jsonl, what is drawn, and the command.
import {spawnSync} from 'node:child_process';
import {mkdirSync, readFileSync, writeFileSync} from 'node:fs';
import path from 'node:path';
import {stripVTControlCharacters} from 'node:util';
import sharp from 'sharp';
import {suite} from 'uvu';
import * as assert from 'uvu/assert';
import {type Chart, makeCharts, place, shortNumber, ticks} from '../../../src/train/plot/charts.js';
import {readMetrics} from '../../../src/train/plot/readMetrics.js';
import {drawSvg} from '../../../src/train/plot/svg.js';
import {drawTerminal} from '../../../src/train/plot/terminal.js';
import {assertFailure, root, runEmu} from '../../cli/runEmu.js';
import {throwsEmuError} from '../../support/errors.js';
import {skip} from '../../support/skip.js';
import {temporaryFolder} from '../../support/temporary.js';

const test = suite('train plot');
const folder = temporaryFolder();

/** A run folder whose metrics.jsonl is `text`. */
function run(name: string, text: string): string {
  const home = path.join(folder, name);
  mkdirSync(home, {recursive: true});
  writeFileSync(path.join(home, 'metrics.jsonl'), text);
  return home;
}

const lines = (entries: readonly object[]) =>
  entries.map((entry) => `${JSON.stringify(entry)}\n`).join('');

/** Two phases of 100 and 20 logged steps, with noise that the average takes away. */
const entries = Array.from({length: 120}, (_, i) => {
  const noise = i % 2 === 0 ? 0.2 : -0.2;
  return {
    phase: i < 100 ? 'see' : 'read <&>',
    step: 10 * (i + 1),
    loss: 4 - i / 50 + noise,
    rate: i / 119,
    gradientNorm: 10 ** (3 - i / 30),
    ...(i % 30 === 29 ? {validationLoss: 4.5 - i / 50} : {}),
  };
});
const good = run('good run', lines(entries));
const chartOf = (charts: readonly Chart[], name: string) =>
  charts.find((chart) => chart.name === name)!;

test('quantities and phases of a run', () => {
  const {series, phases, lastStep, notes} = readMetrics(good);
  assert.equal([...series.keys()], ['loss', 'rate', 'gradientNorm', 'validationLoss']);
  assert.equal(
    series.get('validationLoss')!.map(({step}) => step),
    [300, 600, 900, 1200],
  );
  assert.equal(phases, [
    {name: 'see', from: 0, to: 1000},
    {name: 'read <&>', from: 1000, to: 1200},
  ]);
  assert.is(lastStep, 1200);
  assert.equal(notes, []);
});

test('a cut line is left out and named', () => {
  const cut = run('cut', `${lines([{step: 1, loss: 2}])}{"step":2,"lo`);
  assert.equal(readMetrics(cut).series.get('loss'), [{step: 1, value: 2}]);
  assert.match(readMetrics(cut).notes.join(), /metrics\.jsonl: line 2 is cut; left out$/);
  // The run was resumed after that: the next line went on where the cut one ended.
  const glued = run('glued', `{"step":1,"lo{"step":1,"loss":3}\n${lines([{step: 2, loss: 2}])}`);
  assert.equal(readMetrics(glued).series.get('loss'), [{step: 2, value: 2}]);
  assert.match(readMetrics(glued).notes.join(), /line 1 is no entry with a step; left out$/);
});

test('steps that were taken again after a resume count once', () => {
  const again = [1, 2, 3, 4, 3, 4, 5].map((step, i) => ({step, loss: i}));
  const {series, notes} = readMetrics(run('again', lines(again)));
  assert.equal(
    series.get('loss')!.map(({step, value}) => [step, value]),
    [
      [1, 0],
      [2, 1],
      [3, 4],
      [4, 5],
      [5, 6],
    ],
  );
  assert.match(notes.join(), /2 lines of steps that were taken again/);
});

test('a loss that is no number is told', () => {
  const {series, notes} = readMetrics(
    run(
      'nan',
      lines([
        {step: 1, loss: 1},
        {step: 2, loss: Number.NaN},
        {step: 3, loss: null},
      ]),
    ),
  );
  assert.is(series.get('loss')!.length, 1);
  assert.match(notes.join(), /loss is not finite in 2 lines, the first of step 2$/);
});

test('a folder without metrics, and metrics without a step', () => {
  throwsEmuError(
    () => readMetrics(path.join(folder, 'nowhere')),
    /nowhere: holds no metrics.jsonl/,
  );
  throwsEmuError(() => readMetrics(run('empty', '\n')), /empty.metrics\.jsonl: tells no step/);
});

test('losses are averaged within a phase, validation lies beside them', () => {
  const charts = makeCharts(readMetrics(good));
  assert.equal(
    charts.map(({name}) => name),
    ['loss', 'rate', 'gradientNorm'],
  );
  const loss = chartOf(charts, 'loss');
  assert.equal(
    loss.lines.map(({kind}) => kind),
    ['raw', 'average', 'validation'],
  );
  const [raw, average] = loss.lines.map(({segments}) => segments);
  assert.equal(
    average!.map(({length}) => length),
    [100, 20],
  );
  // In the middle of a phase five points lie under the average, of which noise leaves a fifth at most.
  const middle = average![0]![50]!;
  assert.ok(Math.abs(middle.value - 3) < 0.05, String(middle.value));
  assert.is(raw![0]![50]!.value, 3.2);
  assert.equal(
    chartOf(charts, 'rate').lines.map(({kind}) => kind),
    ['plain'],
  );
});

test('an axis is logarithmic only for positive values over two decades', () => {
  const charts = makeCharts(readMetrics(good));
  assert.not(chartOf(charts, 'loss').axis.isLog);
  assert.ok(chartOf(charts, 'gradientNorm').axis.isLog);
  const signed = [
    {step: 1, x: -0.001},
    {step: 2, x: 1000},
  ];
  const [chart] = makeCharts(readMetrics(run('signed', lines(signed))));
  assert.not(chart!.axis.isLog);
  const constant = [
    {step: 1, x: 3},
    {step: 2, x: 3},
  ];
  const [flat] = makeCharts(readMetrics(run('constant', lines(constant))));
  assert.is(place(flat!.axis, 3), 0.5);
});

test('ticks are round, numbers short', () => {
  const close = (values: number[]) => values.map((value) => Number(value.toPrecision(12)));
  assert.equal(close(ticks({low: 0.13, high: 0.98, isLog: false}, 5)), [0.2, 0.4, 0.6, 0.8]);
  assert.equal(close(ticks({low: -1, high: 1, isLog: false}, 4)), [-1, -0.5, 0, 0.5, 1]);
  assert.equal(
    close(ticks({low: 0.02, high: 3, isLog: true}, 5)),
    [0.02, 0.05, 0.1, 0.2, 0.5, 1, 2],
  );
  assert.equal(close(ticks({low: 0.02, high: 5000, isLog: true}, 5)), [0.1, 1, 10, 100, 1000]);
  assert.equal([0, 0.012345, 4.5, 999.9, 5100, 12_340, 3.2e6, 2e-5, -7].map(shortNumber), [
    '0',
    '0.0123',
    '4.5',
    '1000',
    '5100',
    '12.3k',
    '3.2M',
    '2e-5',
    '-7',
  ]);
});

test('the SVG is whole: legend, phases, both themes, no reference outside', async () => {
  const metrics = readMetrics(good);
  const svg = drawSvg('a "run" <&>', makeCharts(metrics), metrics);
  for (const part of ['as logged', 'moving average', 'validation', 'read &lt;&amp;&gt;', '1000'])
    assert.ok(svg.includes(`>${part}<`), part);
  assert.ok(svg.includes('gradientNorm (logarithmic)'));
  assert.match(svg, /prefers-color-scheme: dark/);
  assert.not.match(svg.replace('xmlns="http://www.w3.org/2000/svg"', ''), /https?:|href|url\(/);
  assert.not.match(svg, /NaN|Infinity|undefined/);
  const {data, info} = await sharp(Buffer.from(svg)).raw().toBuffer({resolveWithObject: true});
  // Blue enough for the curves, on white.
  let blue = 0;
  for (let i = 0; i < data.length; i += info.channels)
    if (data[i + 2]! > 200 && data[i]! < 90) blue++;
  assert.ok(blue > 1000, `${blue} blue pixels of ${info.width} x ${info.height}`);
});

test('a long run keeps its extremes and a small file', () => {
  const many = Array.from({length: 30_000}, (_, i) => ({step: i + 1, loss: i === 17_000 ? 9 : 1}));
  const metrics = readMetrics(run('long', lines(many)));
  const charts = makeCharts(metrics);
  const svg = drawSvg('long', charts, metrics);
  assert.ok(svg.length < 100_000, `${svg.length} bytes`);
  const raw = /<path class="line raw" d="([^"]*)"/.exec(svg)![1]!;
  const heights = raw
    .split(/[ML]/)
    .slice(1)
    .map((pair) => Number(pair.split(' ')[1]));
  assert.ok(Math.min(...heights) < 45, 'the one high step is there');
});

test('plain charts in the terminal', () => {
  const small = [1, 2, 3, 4, 5].map((step) => ({
    step,
    rate: 6 - step,
    phase: step < 4 ? 'a' : 'b',
  }));
  const metrics = readMetrics(run('small', lines(small)));
  assert.equal(drawTerminal(makeCharts(metrics), metrics, {width: 36, isRich: false}).split('\n'), [
    'rate 1',
    '      5|     ***        :',
    '       |        *****   :',
    '    3.4|             ** :',
    '       |               **',
    '       |                :     ***',
    '      1|                :        ***',
    '        0       a            b     5',
  ]);
});

test('charts fit any width, and say what they can where there are no colours', () => {
  const metrics = readMetrics(good);
  const charts = makeCharts(metrics);
  for (const width of [20, 40, 80, 132, 300])
    for (const isRich of [false, true]) {
      const drawn = drawTerminal(charts, metrics, {width, isRich});
      const plain = stripVTControlCharacters(drawn);
      for (const line of plain.split('\n')) assert.ok(line.length <= width, `${width}: ${line}`);
      assert.match(plain, /loss/);
      if (isRich) assert.match(plain, /[\u2801-\u28ff]/);
      else {
        assert.match(drawn, /^[ -~\n]*$/);
        if (width >= 40) assert.match(drawn, /validation \(o\) 2\.12/);
      }
    }
});

test('emu train plot: charts on stdout, the file, JSON', async () => {
  const {code, stdout, stderr} = await runEmu(['train', 'plot', good]);
  assert.is(code, 0, stderr);
  assert.match(stdout, /^loss [\d.]+ {2}validation \(o\) 2\.12/);
  assert.match(stdout, /\n\n[^\n]*good run\/curves\.svg\n$/);
  assert.is(stderr, '');
  const svg = readFileSync(path.join(good, 'curves.svg'), 'utf8');
  assert.match(svg, /<title>good run, 1200 steps<\/title>[\s\S]*<\/svg>\n$/);
  const json = JSON.parse((await runEmu(['train', 'plot', good, '--json'])).stdout);
  assert.is(json.svg, path.join(good, 'curves.svg'));
  assert.is(json.series.loss.length, 120);
  assert.equal(json.series.loss[0], {step: 10, value: 4.2});
});

test('emu train plot: a run that is none', async () => {
  assertFailure(
    await runEmu(['train', 'plot', folder]),
    1,
    /holds no metrics\.jsonl; name the folder/,
  );
});

if (spawnSync('script', ['-qec', 'true', '/dev/null']).status !== 0) {
  skip(test, 'in a terminal', 'needs the program `script` (util-linux)');
} else {
  test('in a terminal: as wide as it is, NO_COLOR plain', () => {
    const command = `stty cols 60; '${process.execPath}' bin/emu train plot '${good}'`;
    const seen = (extra: NodeJS.ProcessEnv) =>
      spawnSync('script', ['-qec', command, '/dev/null'], {
        cwd: root,
        encoding: 'utf8',
        env: {...process.env, LC_ALL: 'C.UTF-8', NO_COLOR: '', ...extra},
      }).stdout.replaceAll('\r', '');
    const rich = seen({});
    assert.match(rich, /[\u2801-\u28ff]/);
    for (const line of stripVTControlCharacters(rich).split('\n').slice(0, -2))
      assert.ok(line.length <= 60, line);
    for (const extra of [{NO_COLOR: '1'}, {LC_ALL: 'C'}]) assert.match(seen(extra), /^[ -~\n]*$/);
  });
}

test.run();
