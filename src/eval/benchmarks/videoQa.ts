// Questions about videos: MSVD-QA and MSRVTT-QA, whose answers are single words. Emu's own code for them is not
// public: the prompt is that of its picture questions, with the official form for videos.
import {existsSync} from 'node:fs';
import path from 'node:path';
import {z} from 'zod';
import {InputError} from '../../errors.js';
import type {Benchmark, BenchmarkItem, PaperRow} from '../benchmark.js';
import {exactMatch} from '../metrics/exactMatch.js';
import {mean} from '../metrics/metricError.js';
import {readJson} from '../readJson.js';
import {shortQuestion} from './officialPrompts.js';

interface VideoItem extends BenchmarkItem {
  readonly question: string;
  readonly answer: string;
}

const entries = z.array(
  z.object({id: z.number(), video_id: z.number(), question: z.string(), answer: z.string()}),
);

interface Facts {
  readonly name: string;
  readonly folder: string;
  /** A video's file by its number. */
  readonly fileName: (video: number) => string;
  /** Must be beside the questions. */
  readonly alsoNeeds?: string;
  readonly paper: readonly PaperRow[];
}

function benchmark({name, folder, fileName, alsoNeeds, paper}: Facts): Benchmark<VideoItem> {
  const read = (root: string, split: string): VideoItem[] => {
    const place = path.join(root, folder);
    if (alsoNeeds !== undefined && !existsSync(path.join(place, alsoNeeds)))
      throw new InputError(path.join(place, alsoNeeds), 'no such file');
    const all = readJson(path.join(place, `${split}_qa.json`), entries);
    return all.map(({id, video_id: video, question, answer}) => ({
      id,
      question,
      answer,
      file: path.join(place, 'video', fileName(video)),
    }));
  };
  return {
    name,
    media: 'video',
    splits: ['test'],
    headline: 'accuracy',
    paper,
    read,
    questions: ({question}) => [shortQuestion(question)],
    support: {splits: ['train', 'val'], read, answers: ({answer}) => [answer]},
    expected: ({answer}) => [answer],
    submission: (predicted) =>
      predicted.map(({item, prediction}) => ({
        id: item.id,
        answer: exactMatch(prediction as string, item.answer).shortAnswer,
      })),
    // The rule that is reported: short answer, then VQA's normalisation of both sides.
    score: (predicted) => {
      const matches = predicted.map(({item, prediction}) =>
        exactMatch(prediction as string, item.answer),
      );
      const percent = (rule: 'plain' | 'short' | 'normalized') =>
        100 * mean(matches.map((match) => (match[rule] ? 1 : 0)));
      return {
        values: {accuracy: percent('normalized'), short: percent('short'), plain: percent('plain')},
        perItem: {
          accuracy: matches.map(({normalized}) => (normalized ? 100 : 0)),
          short: matches.map(({short}) => (short ? 100 : 0)),
          plain: matches.map(({plain}) => (plain ? 100 : 0)),
        },
      };
    },
  };
}

export const msvd = benchmark({
  name: 'msvd',
  folder: 'msvd-qa',
  fileName: (video) => `vid${video}.avi`,
  alsoNeeds: 'youtube_mapping.txt',
  paper: [{model: 'Emu', value: 18.8, source: 'recalled, not verified'}],
});

export const msrvtt = benchmark({
  name: 'msrvtt',
  folder: 'msrvtt-qa',
  fileName: (video) => `video${video}.mp4`,
  paper: [{model: 'Emu', value: 8.3, source: 'recalled, not verified'}],
});
