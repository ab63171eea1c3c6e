// NExT-QA, open-ended: why and how things happen in a video; answers are compared word by word in WordNet.
import {existsSync, readFileSync} from 'node:fs';
import path from 'node:path';
import {parse} from 'csv-parse/sync';
import {z} from 'zod';
import {fileProblem} from '../../data/source.js';
import {InputError} from '../../errors.js';
import {WordNet} from '../text/wordnet.js';
import {nextQaLemmas} from '../metrics/nextQaLemmas.js';
import {nextQaTypes, type WupsItem, WupsScorer, wupsScores} from '../metrics/wups.js';
import type {Benchmark, BenchmarkItem, Predicted} from '../benchmark.js';
import {readJson} from '../readJson.js';
import {wordnetFolder} from '../wordnetFolder.js';
import {shortQuestion} from './officialPrompts.js';

interface NextQaItem extends BenchmarkItem {
  readonly video: string;
  readonly question: string;
  readonly questionId: string;
  readonly type: WupsItem['type'];
  readonly answers: readonly string[];
}

const rows = z.array(
  z.object({
    video: z.string(),
    question: z.string(),
    answer: z.string(),
    qid: z.string(),
    type: z.enum(nextQaTypes),
  }),
);
const places = z.record(z.string(), z.string());
const furtherAnswers = z.record(z.string(), z.record(z.string(), z.string()));

function readTable(file: string): z.infer<typeof rows> {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw fileProblem(file, error);
  }
  let read: unknown;
  try {
    read = parse(text, {columns: true, skip_empty_lines: true, bom: true});
  } catch (error) {
    throw new InputError(file, `is not CSV (${(error as Error).message})`, 'download it again');
  }
  const table = rows.safeParse(read);
  if (table.success) return table.data;
  const [issue] = table.error.issues;
  throw new InputError(
    file,
    `row ${Number(issue!.path[0] ?? 0) + 2}, ${String(issue!.path.at(-1))}: ${issue!.message}`,
  );
}

function readItems(root: string, split: string): NextQaItem[] {
  const folder = path.join(root, 'nextqa');
  const videos = readJson(path.join(folder, 'map_vid_vidorID.json'), places);
  const furtherFile = path.join(folder, `add_reference_answer_${split}.json`);
  const further = existsSync(furtherFile) ? readJson(furtherFile, furtherAnswers) : {};
  const table = path.join(folder, `${split}.csv`);
  return readTable(table).map(({video, question, answer, qid, type}) => {
    const place = videos[video];
    if (place === undefined)
      throw new InputError(table, `video ${video} is not in map_vid_vidorID.json`);
    const other = further[video]?.[qid];
    return {
      id: `${video}_${qid}`,
      file: path.join(folder, 'videos', `${place}.mp4`),
      video,
      question,
      questionId: qid,
      type,
      answers: other === undefined ? [answer] : [answer, other],
    };
  });
}

export const nextqa: Benchmark<NextQaItem> = {
  name: 'nextqa',
  media: 'video',
  splits: ['test', 'val'],
  headline: 'WUPS',
  paper: [
    {model: 'Emu', value: 19.6, source: 'recalled, not verified'},
    {model: 'Emu*', value: 23.4, source: "NExT-OE's page"},
  ],
  read: readItems,
  // The questions come without a question mark.
  questions: ({question}) => [shortQuestion(`${question}?`)],
  support: {splits: ['train', 'val'], read: readItems, answers: ({answers}) => answers.slice(0, 1)},
  expected: ({answers}) => answers,
  submission: (predicted) => {
    const byVideo: Record<string, Record<string, string>> = {};
    for (const {item, prediction} of predicted) {
      byVideo[item.video] ??= {};
      byVideo[item.video]![item.questionId] = prediction as string;
    }
    return byVideo;
  },
  score: (predicted) => {
    const wordnet = WordNet.open(wordnetFolder());
    const scorer = new WupsScorer(wordnet);
    const items = predicted.map((one) => wupsItem(one, wordnet));
    const at0 = wupsScores(items, scorer);
    return {
      values: {WUPS: at0.all, 'WUPS@0.9': wupsScores(items, scorer, 0.9).all},
      details: {type: at0.byType, group: at0.byGroup},
      perItem: {
        WUPS: items.map((item) => 100 * scorer.score(item)),
        'WUPS@0.9': items.map((item) => 100 * scorer.score(item, 0.9)),
      },
    };
  },
};

function wupsItem({item, prediction}: Predicted<NextQaItem>, wordnet: WordNet): WupsItem {
  const [answer = '', ...otherAnswers] = item.answers.map((text) => nextQaLemmas(wordnet, text));
  return {
    type: item.type,
    prediction: nextQaLemmas(wordnet, prediction as string),
    answer,
    otherAnswers,
  };
}
