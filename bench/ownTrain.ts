// emu's side of bench/trainPeer.ts, in a process that stays ready: each line on stdin asks for so many
// steps of a recipe's phase, each answer is a line of JSON. Its argument is a JSON object of `Settings`.
import {mkdirSync, writeFileSync} from 'node:fs';
import path from 'node:path';
import {createInterface} from 'node:readline';
import {selectBackend} from '../src/kernels/backend.js';
import {type PhaseBench, withPhase} from '../src/train/benchTrain.js';
import type {Batch} from '../src/train/data/batch.js';
import {regressionPairs} from '../src/train/data/labels.js';
import type {PretrainPhase} from '../src/train/recipe/pretrain.js';
import {wordSpecials} from '../src/text/wordTokenizer.js';
import type {PretrainStage} from '../src/train/stages/pretrain.js';

export interface Settings {
  readonly recipe: string;
  readonly phase: string;
  readonly overrides: readonly string[];
  readonly threads: number;
  /** Steps take these in turns. */
  readonly batches: number;
  /** Where they are written first, as bench/torchTrain.py reads them. */
  readonly folder?: string;
}

const structure = {
  pad: wordSpecials.indexOf('[PAD]'),
  img: wordSpecials.indexOf('[IMG]'),
  endImg: wordSpecials.indexOf('[/IMG]'),
  image: wordSpecials.indexOf('<image>'),
};

/** A batch as lists of positions, which a step would make of ids and labels. */
function writeBatch(file: string, {ids, labels, classes, pixels}: Batch): void {
  const flat = ids.flat();
  const wanted = labels.flat();
  const length = ids[0]!.length;
  const from = wanted.flatMap((label, i) => (i % length > 0 && label >= 0 ? [i - 1] : []));
  const pairs = regressionPairs(ids, structure);
  const lists = {
    ids,
    images: flat.flatMap((id, i) => (id === structure.image ? [i] : [])),
    from,
    targets: from.map((i) => wanted[i + 1]),
    pairsFrom: pairs.from,
    pairsTo: pairs.to,
    classes: classes ?? [],
  };
  writeFileSync(`${file}.json`, JSON.stringify(lists));
  writeFileSync(`${file}.pixels`, new Uint8Array(pixels.buffer));
}

function writeSetup(folder: string, bench: PhaseBench, batches: readonly Batch[]): void {
  mkdirSync(folder, {recursive: true});
  const {config, parameters} = bench.stage as PretrainStage;
  const {regressionWeight} = bench.phase as PretrainPhase;
  const numClasses = parameters.get('warmup.classes.weight')?.shape[0] ?? 1;
  const setup = {config, numClasses, regressionWeight, batches: batches.length};
  writeFileSync(path.join(folder, 'setup.json'), JSON.stringify(setup));
  for (const [i, batch] of batches.entries()) writeBatch(path.join(folder, String(i)), batch);
}

const settings = JSON.parse(process.argv[2]!) as Settings;
const {recipe: recipeFile, phase, overrides, threads, folder} = settings;
const say = (value: unknown) => process.stdout.write(`${JSON.stringify(value)}\n`);
const {name, isa, threads: used} = selectBackend({backend: 'native', threads});

/** Seconds: of the processor where one thread works, which other programs disturb less. */
function now(): number {
  if (used > 1) return performance.now() / 1000;
  const {user, system} = process.cpuUsage();
  return (user + system) / 1e6;
}

await withPhase({stage: 'pretrain', recipeFile, overrides, phase}, async (bench) => {
  const batches: Batch[] = [];
  for (let i = 0; i < settings.batches; i++) batches.push(await bench.batch(i));
  if (folder) writeSetup(folder, bench, batches);
  say(`emu, ${name}, ${isa}, ${used} threads`);
  let taken = 0;
  for await (const line of createInterface({input: process.stdin})) {
    const seconds: number[] = [];
    let loss = Number.NaN;
    for (let i = 0; i < Number(line); i++) {
      const began = now();
      loss = bench.take(batches[taken % batches.length]!, taken).loss;
      seconds.push(now() - began);
      taken++;
    }
    say({seconds, loss, peakMemory: process.resourceUsage().maxRSS * 1024});
  }
});
