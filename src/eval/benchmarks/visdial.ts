// VisDial: which of a hundred answers comes next in a dialog about a COCO picture, by likelihood.
import {existsSync} from 'node:fs';
import path from 'node:path';
import {z} from 'zod';
import {InputError} from '../../errors.js';
import type {Benchmark, BenchmarkItem, Predicted} from '../benchmark.js';
import {ndcg, ranksFromLosses, type VisdialRound, visdialScores} from '../metrics/visdial.js';
import {readJson} from '../readJson.js';

interface VisdialItem extends BenchmarkItem {
  readonly imageId: number;
  /** From 1. */
  readonly round: number;
  /** Questions and answers so far, and the question that is asked. */
  readonly said: readonly {readonly question: string; readonly answer: string}[];
  readonly question: string;
  readonly options: readonly string[];
  /** Place of the answer that a person gave. */
  readonly truth: number;
  /** How well each option answers, where people judged them. */
  readonly relevance?: readonly number[];
}

const dialogs = z.object({
  data: z.object({
    questions: z.array(z.string()),
    answers: z.array(z.string()),
    dialogs: z.array(
      z.object({
        image_id: z.number(),
        dialog: z.array(
          z.object({
            question: z.number(),
            answer: z.number().optional(),
            answer_options: z.array(z.number()).optional(),
            gt_index: z.number().optional(),
          }),
        ),
      }),
    ),
  }),
});
const dense = z.array(
  z.object({image_id: z.number(), round_id: z.number(), gt_relevance: z.array(z.number())}),
);

/** The dialogs of a split. They name their texts by number. */
function readDialogs(root: string, split: string) {
  const folder = path.join(root, 'visdial');
  const file = path.join(folder, `visdial_1.0_${split}.json`);
  const {questions, answers, dialogs: all} = readJson(file, dialogs).data;
  const entry = (texts: readonly string[], at: number, list: string): string => {
    const text = texts[at];
    if (text !== undefined) return text;
    throw new InputError(file, `${list} has ${texts.length} entries, and a dialog names ${at}`);
  };
  const picture = (imageId: number) => {
    const name = `VisualDialog_${split}2018_${String(imageId).padStart(12, '0')}.jpg`;
    return path.join(folder, `VisualDialog_${split}2018`, name);
  };
  return {
    ...{folder, file, all, picture},
    question: (at: number) => entry(questions, at, 'questions'),
    answer: (at: number) => entry(answers, at, 'answers'),
  };
}

/** Of each dialog the last round that has its answer: the rounds before it stand in its question. */
function readSupport(root: string, split: string): VisdialItem[] {
  const {all, picture, ...texts} = readDialogs(root, split);
  return all.flatMap(({image_id: imageId, dialog}, id) => {
    const said = dialog.flatMap(({question, answer}) =>
      answer === undefined
        ? []
        : [{question: texts.question(question), answer: texts.answer(answer)}],
    );
    const last = said.pop();
    if (!last) return [];
    const {question, answer} = last;
    const round = said.length + 1;
    return [
      {id, file: picture(imageId), imageId, round, said, question, options: [answer], truth: 0},
    ];
  });
}

function readItems(root: string, split: string): VisdialItem[] {
  const {folder, file, all, picture, ...texts} = readDialogs(root, split);
  const relevance = new Map<string, readonly number[]>();
  const denseFile = path.join(folder, `visdial_1.0_${split}_dense_annotations.json`);
  if (existsSync(denseFile))
    for (const entry of readJson(denseFile, dense))
      relevance.set(`${entry.image_id} ${entry.round_id}`, entry.gt_relevance);
  const items: VisdialItem[] = [];
  for (const {image_id: imageId, dialog} of all) {
    const said: {question: string; answer: string}[] = [];
    for (const [i, round] of dialog.entries()) {
      const question = texts.question(round.question);
      const {answer_options: options, gt_index: truth} = round;
      if (options === undefined || truth === undefined)
        throw new InputError(
          file,
          `round ${i + 1} of dialog ${imageId} has no options or no right one, as in the server's test split`,
          'use --split val',
        );
      const judged = relevance.get(`${imageId} ${i + 1}`);
      if (judged && judged.length !== options.length)
        throw new InputError(
          denseFile,
          `round ${i + 1} of dialog ${imageId}: ${judged.length} relevances of ${options.length} options`,
          'download it again',
        );
      if (options[truth] === undefined)
        throw new InputError(
          file,
          `round ${i + 1} of dialog ${imageId}: gt_index is ${truth}, of ${options.length} options`,
        );
      items.push({
        id: items.length,
        file: picture(imageId),
        imageId,
        round: i + 1,
        said: [...said],
        question,
        options: options.map(texts.answer),
        truth,
        ...(judged ? {relevance: judged} : {}),
      });
      if (round.answer !== undefined) said.push({question, answer: texts.answer(round.answer)});
    }
  }
  return items;
}

function roundOf({item, prediction}: Predicted<VisdialItem>): VisdialRound {
  return {
    ranks: ranksFromLosses(prediction as readonly number[]),
    gtIndex: item.truth,
    ...(item.relevance ? {relevance: item.relevance} : {}),
  };
}

export const visdial: Benchmark<VisdialItem> = {
  name: 'visdial',
  media: 'picture',
  splits: ['val'],
  headline: 'ndcg',
  paper: [
    {model: 'Emu', value: 0.474, source: 'arXiv 2312.09251, table 2'},
    {model: 'Emu*', value: 0.478, source: 'arXiv 2312.09251, table 2'},
  ],
  read: readItems,
  questions: ({said, question, options}) => {
    // Every turn ends; questions get a question mark, answers a stop. The picture is a turn of its own.
    const before = said.map(
      (turn) => `</s> [USER]: ${turn.question}? [ASSISTANT]: ${turn.answer}.`,
    );
    const plain = said.map((turn) => ` ${turn.question}? ${turn.answer}.`);
    return [
      {
        text: `{IMAGE}${before.join('')}</s> [USER]: ${question}?`,
        plain: `${plain.join('')} ${question}?`,
        search: {numBeams: 1, maxNewTokens: 1, minLength: 1, lengthPenalty: 0},
        candidates: options,
      },
    ];
  },
  // The training file is larger than a text may be here; the server's dialogs have all answers but the last.
  support: {
    splits: ['test'],
    read: readSupport,
    answers: ({options, truth}) => [options[truth]!],
  },
  expected: ({options, truth}) => [options[truth]!],
  submission: (predicted) =>
    predicted.map((one) => ({
      image_id: one.item.imageId,
      round_id: one.item.round,
      ranks: roundOf(one).ranks,
      gt_index: one.item.truth,
    })),
  score: (predicted) => {
    const rounds = predicted.map(roundOf);
    const all = visdialScores(rounds);
    const ranks = rounds.map((round) => round.ranks[round.gtIndex]!);
    const within = (k: number) => ranks.map((rank) => (rank <= k ? 1 : 0));
    return {
      values: {
        ndcg: all.ndcg,
        mrr: all.mrr,
        'r@1': all.recallAt1,
        'r@5': all.recallAt5,
        'r@10': all.recallAt10,
        mean: all.meanRank,
      },
      perItem: {
        ndcg: rounds.map((round) => round.relevance && ndcg(round.ranks, round.relevance)),
        mrr: ranks.map((rank) => 1 / rank),
        'r@1': within(1),
        'r@5': within(5),
        'r@10': within(10),
        mean: ranks,
      },
      note: 'ndcg is over the rounds that people judged, one of a dialog; the other intervals take the rounds of a dialog as unrelated and are somewhat too narrow',
    };
  },
};
