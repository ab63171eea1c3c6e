// MM-Vet: open questions, whose answers GPT-4 grades; here the file is written that the grader reads.
import path from 'node:path';
import {z} from 'zod';
import type {Benchmark, BenchmarkItem} from '../benchmark.js';
import {readJson} from '../readJson.js';

interface MmvetItem extends BenchmarkItem {
  readonly id: string;
  readonly question: string;
}

const samples = z.record(z.string(), z.object({imagename: z.string(), question: z.string()}));

export const mmvet: Benchmark<MmvetItem> = {
  name: 'mmvet',
  media: 'picture',
  splits: ['all'],
  headline: 'total',
  paper: [{model: 'Emu-I', value: 36.3, source: 'listing of the paper, GPT-4 score'}],
  read: (root) => {
    const folder = path.join(root, 'mm-vet');
    const all = readJson(path.join(folder, 'mm-vet.json'), samples);
    return Object.entries(all).map(([id, {imagename, question}]) => ({
      id,
      question,
      file: path.join(folder, 'images', imagename),
    }));
  },
  questions: ({question}) => [
    {
      text: `{IMAGE}${question}`,
      plain: question,
      search: {numBeams: 5, maxNewTokens: 128, minLength: 1, lengthPenalty: 1},
    },
  ],
  // As the model said it: neither stripped nor shortened, like the official code's.
  submission: (predicted) =>
    Object.fromEntries(predicted.map(({item, prediction}) => [item.id, prediction])),
  score: () => undefined,
};
