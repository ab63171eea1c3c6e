// VizWiz: questions that blind people asked about their pictures; first whether the picture lets them be
// answered at all.
import path from 'node:path';
import {z} from 'zod';
import type {Benchmark, BenchmarkItem, Predicted} from '../benchmark.js';
import {commonest} from '../commonest.js';
import {vizwizAnswer} from '../metrics/vizwiz.js';
import {vqaAccuracy} from '../metrics/vqaAccuracy.js';
import {readJson} from '../readJson.js';
import {answerabilityQuestion, shortQuestion} from './officialPrompts.js';

interface VizwizItem extends BenchmarkItem {
  readonly image: string;
  readonly question: string;
  readonly answers?: readonly string[];
  readonly answerType?: string;
}

const annotations = z.array(
  z.object({
    image: z.string(),
    question: z.string(),
    answers: z.array(z.object({answer: z.string()})).optional(),
    answer_type: z.string().optional(),
  }),
);

const UNANSWERABLE = 'unanswerable';

/** A picture's folder is the first of these in its name, as officially. */
const folders = ['train', 'val', 'test'];

function folderOf(image: string): string {
  return folders.find((folder) => image.includes(folder)) ?? 'test';
}

function readItems(root: string, split: string): VizwizItem[] {
  const folder = path.join(root, 'vizwiz');
  const entries = readJson(path.join(folder, 'annotations', `${split}.json`), annotations);
  return entries.map(({image, question, answers, answer_type: answerType}, id) => ({
    id,
    file: path.join(folder, 'images', folderOf(image), image),
    image,
    question,
    ...(answers ? {answers: answers.map(({answer}) => answer)} : {}),
    ...(answerType === undefined ? {} : {answerType}),
  }));
}

export const vizwiz: Benchmark<VizwizItem> = {
  name: 'vizwiz',
  media: 'picture',
  splits: ['test', 'val'],
  headline: 'accuracy',
  paper: [
    {model: 'Emu', value: 34.2, source: 'arXiv 2312.09251, table 2'},
    {model: 'Emu*', value: 34.4, source: 'arXiv 2312.09251, table 2'},
    {model: 'Emu-I', value: 32.2, source: 'arXiv 2409.17692, table 3'},
    {model: 'Emu, 4 shots', value: 41.3, source: 'arXiv 2312.13286, table 1'},
    {model: 'Emu, 8 shots', value: 43.9, source: 'arXiv 2312.13286, table 1'},
  ],
  read: readItems,
  questions: ({question}) => [answerabilityQuestion(question), shortQuestion(question)],
  support: {
    splits: ['train', 'val'],
    read: readItems,
    answers: ({answers, answerType}) => {
      const [answer] = commonest(answers ?? []);
      if (answer === undefined) return undefined;
      return [answerType === UNANSWERABLE ? 'no' : 'yes', answer];
    },
  },
  expected: ({answers = []}) => answers,
  submission: (predicted) =>
    predicted.map((one) => ({image: one.item.image, answer: answerOf(one)})),
  score: (predicted) => {
    if (predicted.some(({item}) => !item.answers)) return undefined;
    const result = vqaAccuracy(
      predicted.map((one) => ({
        answers: one.item.answers!,
        answerType: one.item.answerType ?? 'other',
        prediction: answerOf(one),
      })),
    );
    return {
      values: {accuracy: result.overall},
      details: {'answer type': result.perAnswerType},
      perItem: {accuracy: result.perQuestion},
    };
  },
};

function answerOf({prediction}: Predicted<VizwizItem>): string {
  const [answerable, answer] = prediction as readonly [string, string];
  return vizwizAnswer(answerable, answer);
}
