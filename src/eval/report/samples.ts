// Items that a report shows: those that went worst and best, with what was asked, said and expected.
import {existsSync} from 'node:fs';
import path from 'node:path';
import sharp from 'sharp';
import {readImage} from '../../data/image.js';
import type {Picture} from '../../data/picture.js';
import {readFrames} from '../../data/video.js';
import {EmuError} from '../../errors.js';
import type {Benchmark, BenchmarkItem, Prediction} from '../benchmark.js';
import {commonest} from '../commonest.js';
import {findBenchmark} from '../openBenchmark.js';
import {readPredictions} from '../predictions.js';
import type {EvalResult, ItemScores} from '../result.js';
import {PREDICTIONS} from '../runFolder.js';

export interface Sample {
  readonly id: string;
  readonly question: string;
  readonly said: string;
  /** Different answers, the commonest first. */
  readonly expected: readonly string[];
  readonly score?: number;
  /** data: URL of a small copy. */
  readonly picture?: string;
}

export interface Samples {
  readonly groups: readonly {readonly title: string; readonly samples: readonly Sample[]}[];
  /** Why there are none, or no pictures. */
  readonly notes: readonly string[];
}

/** Pixels: as large as a card shows it on a fine screen. */
const THUMBNAIL = 320;
const MOST_EXPECTED = 5;

/** What an item is about, where that can be had. */
async function pictureOf(
  {pictures, file}: BenchmarkItem,
  media: Benchmark['media'],
): Promise<Picture | undefined> {
  if (pictures) return (await pictures()).at(-1);
  if (file === undefined || !existsSync(file)) return undefined;
  return media === 'video' ? (await readFrames(file, {count: 1}))[0]! : readImage(file);
}

async function thumbnail(
  item: BenchmarkItem,
  media: Benchmark['media'],
): Promise<string | undefined> {
  try {
    const picture = await pictureOf(item, media);
    if (!picture) return undefined;
    const {width, height, data} = picture;
    const bytes = await sharp(data, {raw: {width, height, channels: 3}})
      .resize({width: THUMBNAIL, height: THUMBNAIL, fit: 'inside', withoutEnlargement: true})
      .jpeg({quality: 75})
      .toBuffer();
    return `data:image/jpeg;base64,${bytes.toString('base64')}`;
  } catch (error) {
    // A report without a picture is better than none.
    if (error instanceof EmuError) return undefined;
    throw error;
  }
}

/** Losses say little: the best candidate does. */
function saidText(prediction: Prediction, candidates: readonly string[] | undefined): string {
  if (typeof prediction === 'string') return prediction;
  if (!candidates) return prediction.join(' / ');
  const losses = prediction as readonly number[];
  return candidates[losses.indexOf(Math.min(...losses))] ?? '';
}

interface Picked {
  readonly title: string;
  readonly picked: readonly {readonly id: string; readonly score?: number}[];
}

/** The worst and the best by the headline's score, `most` in all; of an unscored run the first. */
function pick(
  result: EvalResult,
  scores: readonly ItemScores[],
  ids: string[],
  most: number,
): Picked[] {
  const scored = scores.flatMap(({id, scores: own}) => {
    const score = own[result.headline];
    return score === undefined ? [] : [{id: String(id), score}];
  });
  if (scored.length === 0)
    return [{title: 'First items', picked: ids.slice(0, most).map((id) => ({id}))}];
  const order = scored.toSorted((a, b) => a.score - b.score);
  const half = Math.min(Math.ceil(most / 2), Math.ceil(order.length / 2));
  return [
    {title: 'Worst', picked: order.slice(0, half)},
    {title: 'Best', picked: order.slice(half).slice(-half).reverse()},
  ];
}

/** Reads the benchmark's files again, where they still are. */
export async function readSamples(
  folder: string,
  result: EvalResult,
  scores: readonly ItemScores[],
  most: number,
): Promise<Samples> {
  const file = path.join(folder, PREDICTIONS);
  if (!existsSync(file)) return {groups: [], notes: [`no ${PREDICTIONS} in the folder`]};
  const said = new Map(readPredictions(file).lines.map((line) => [String(line.id), line]));
  const benchmark = findBenchmark(result.benchmark);
  const notes: string[] = [];
  let items: ReadonlyMap<string, BenchmarkItem> = new Map();
  try {
    const read = benchmark.read(result.data, result.split);
    items = new Map(read.map((item) => [String(item.id), item]));
  } catch (error) {
    if (!(error instanceof EmuError)) throw error;
    notes.push(`without questions and pictures: ${error.message}`);
  }
  const sampleOf = async ({id, score}: {id: string; score?: number}): Promise<Sample> => {
    const item = items.get(id);
    const [question] = item ? benchmark.questions(item).slice(-1) : [];
    const prediction = said.get(id)?.prediction ?? '';
    const picture = item && (await thumbnail(item, benchmark.media));
    return {
      id,
      question: question?.plain.trim() ?? '',
      said: saidText(prediction, question?.candidates),
      expected: item ? commonest(benchmark.expected?.(item) ?? []).slice(0, MOST_EXPECTED) : [],
      ...(score === undefined ? {} : {score}),
      ...(picture ? {picture} : {}),
    };
  };
  const groups: {title: string; samples: Sample[]}[] = [];
  const predicted = [...said.values()].filter(({prediction}) => prediction !== undefined);
  const ids = predicted.map(({id}) => String(id));
  for (const {title, picked} of pick(result, scores, ids, most)) {
    const samples: Sample[] = [];
    for (const one of picked) samples.push(await sampleOf(one)); // one at a time: pictures may be large
    if (samples.length > 0) groups.push({title, samples});
  }
  if (items.size > 0 && !groups.some(({samples}) => samples.some(({picture}) => picture)))
    notes.push(`pictures of the items are not under ${result.data}`);
  return {groups, notes};
}
