// Items a second of a batched evaluation against one at a time: one process, the same questions and beams.
//   npm run bench evalBatch [-- --model emu-mini --items 160 --per-picture 5 --batches 1,16,32 --repeat 3]
// VQAv2 asks about five questions a picture (214,354 about 40,504), one after the other.
// Predictions have to be equal. Rounds take turns, and of each the best counts.
import {copyFileSync, mkdtempSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import path from 'node:path';
import {parseArgs} from 'node:util';
import {Emu} from '../src/emu.js';
import type {Benchmark, BenchmarkItem} from '../src/eval/benchmark.js';
import {shortSearch} from '../src/eval/benchmark.js';
import {evaluate} from '../src/eval/evaluate.js';
import {column} from './timing.js';

const {values} = parseArgs({
  options: {
    model: {type: 'string', default: 'emu-mini'},
    items: {type: 'string', default: '160'},
    'per-picture': {type: 'string', default: '5'},
    batches: {type: 'string', default: '1,16,32'},
    repeat: {type: 'string', default: '3'},
  },
});

const questions = [
  'what is this?',
  'what color is the background?',
  'is it a animal or a building?',
  'how many tigers are in the picture?',
  'what is at the top of the image?',
  'does the picture show a umbrella?',
];

interface Item extends BenchmarkItem {
  readonly question: string;
}

const fixtures = path.join(import.meta.dirname, '../fixtures');
const names = ['streamline-cherries.png', 'streamline-tiger.png', 'streamline-umbrella.png'];
const emu = await Emu.load(values.model);
const side = emu.config.vision.imageSize;
const perPicture = Number(values['per-picture']);
const folder = mkdtempSync(path.join(tmpdir(), 'emu-bench-'));
process.on('exit', () => rmSync(folder, {recursive: true, force: true}));
const items: Item[] = Array.from({length: Number(values.items)}, (_, id) => {
  const place = Math.floor(id / perPicture);
  const file = path.join(folder, `${place}.png`);
  if (id % perPicture === 0) copyFileSync(path.join(fixtures, names[place % names.length]!), file);
  return {id, question: questions[id % questions.length]!, file};
});
const benchmark: Benchmark<Item> = {
  name: 'evalBatch',
  media: 'picture',
  splits: ['all'],
  headline: 'none',
  paper: [],
  read: () => items,
  questions: ({question}) => [{text: `{IMAGE}${question}`, plain: question, search: shortSearch}],
  submission: () => undefined,
  score: () => undefined,
};

/** Items a second, and what was answered. */
async function run(batch: number): Promise<{rate: number; answers: string}> {
  const model = {
    mode: emu.mode,
    imageSize: side,
    generateTexts: emu.generateTexts.bind(emu),
    scoreCandidates: async (...args: Parameters<Emu['scoreCandidates']>) =>
      emu.scoreCandidates(...args),
  };
  const started = performance.now();
  const lines: string[] = [];
  for await (const line of evaluate(benchmark as unknown as Benchmark, items, model, {
    batch,
    done: new Set(),
  })) {
    if ('error' in line) throw new Error(line.error);
    lines.push(JSON.stringify(line));
  }
  const seconds = (performance.now() - started) / 1000;
  return {rate: items.length / seconds, answers: lines.join('\n')};
}

const batches = values.batches.split(',').map(Number);
const best = new Map<number, number>();
const said = new Map<number, string>();
for (let round = 0; round < Number(values.repeat); round++)
  for (const batch of batches) {
    const {rate, answers} = await run(batch);
    best.set(batch, Math.max(best.get(batch) ?? 0, rate));
    said.set(batch, answers);
  }
emu.close();
const [first] = batches;
console.log('batch  items/s  ratio  predictions');
for (const batch of batches) {
  const rate = best.get(batch)!;
  const isEqual = said.get(batch) === said.get(first!);
  console.log(
    `${String(batch).padStart(5)}${column(rate)}${column(rate / best.get(first!)!, 2, 7)}  ${isEqual ? 'equal' : 'DIFFERENT'}`,
  );
  if (!isEqual) process.exitCode = 1;
}
