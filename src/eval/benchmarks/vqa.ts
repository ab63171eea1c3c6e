// VQAv2 and OKVQA: a short answer to a question about a COCO picture, compared with ten people's.
import path from 'node:path';
import {z} from 'zod';
import {InputError} from '../../errors.js';
import type {Benchmark, BenchmarkItem, PaperRow, Predicted} from '../benchmark.js';
import {commonest} from '../commonest.js';
import {shortAnswer} from '../metrics/shortAnswer.js';
import {type VqaRule, vqaAccuracy} from '../metrics/vqaAccuracy.js';
import {readJson} from '../readJson.js';
import {shortQuestion} from './officialPrompts.js';

interface VqaItem extends BenchmarkItem {
  readonly question: string;
  readonly questionId: number;
  /** What people said, and the kinds of question and answer; absent in the server's splits. */
  readonly truth?: {
    readonly answers: readonly string[];
    readonly questionType: string;
    readonly answerType: string;
  };
}

const questionList = z.array(
  z.object({
    question_id: z.number(),
    question: z.string(),
    image: z.string(),
    answer: z.array(z.string()).optional(),
  }),
);
const annotationFile = z.object({
  annotations: z.array(
    z.object({
      question_id: z.number(),
      question_type: z.string(),
      answer_type: z.string(),
      answers: z.array(z.object({answer: z.string()})),
    }),
  ),
});

interface Split {
  readonly questions: string;
  /** Of people's answers. */
  readonly annotations?: string;
}

interface Facts {
  readonly name: string;
  readonly splits: Readonly<Record<string, Split>>;
  readonly order: readonly [string, ...string[]];
  /** Lists of questions with people's answers in them, by split: for examples. */
  readonly support: Readonly<Record<string, string>>;
  readonly rule: VqaRule;
  readonly paper: readonly PaperRow[];
}

/** The items of a split: their numbers are places in the list, as officially. */
function readItems(root: string, name: string, split: Split): VqaItem[] {
  const questions = readJson(path.join(root, split.questions), questionList);
  const truths = new Map<number, VqaItem['truth']>();
  if (split.annotations !== undefined) {
    const file = path.join(root, split.annotations);
    for (const entry of readJson(file, annotationFile).annotations)
      truths.set(entry.question_id, {
        answers: entry.answers.map(({answer}) => answer),
        questionType: entry.question_type,
        answerType: entry.answer_type,
      });
    const without = questions.filter(({question_id: id}) => !truths.has(id));
    if (without.length > 0)
      throw new InputError(
        file,
        `has no answers to ${without.length} of ${questions.length} questions of ${name}, first ${without[0]!.question_id}`,
        'download the annotations of the same split',
      );
  }
  return questions.map(({question_id: questionId, question, image}, id) => {
    const truth = truths.get(questionId);
    const file = path.join(root, 'coco', 'images', image);
    return {id, file, question, questionId, ...(truth ? {truth} : {})};
  });
}

/** Questions whose answers stand in the list itself. */
function readSupport(root: string, list: string): VqaItem[] {
  const kinds = {questionType: '', answerType: ''}; // no list has them
  return readJson(path.join(root, list), questionList).map(
    ({question_id: questionId, question, image, answer}, id) => {
      const file = path.join(root, 'coco', 'images', image);
      const truth = answer ? {truth: {answers: answer, ...kinds}} : {};
      return {id, file, question, questionId, ...truth};
    },
  );
}

function benchmark({name, splits, order, support, rule, paper}: Facts): Benchmark<VqaItem> {
  const answerOf = ({prediction}: Predicted<VqaItem>) => shortAnswer(prediction as string);
  return {
    name,
    media: 'picture',
    splits: order,
    headline: 'accuracy',
    paper,
    read: (root, split) => readItems(root, name, splits[split]!),
    questions: ({question}) => [shortQuestion(question)],
    support: {
      splits: Object.keys(support) as [string, ...string[]],
      read: (root, split) => readSupport(root, support[split]!),
      answers: ({truth}) => truth && commonest(truth.answers).slice(0, 1),
    },
    expected: ({truth}) => truth?.answers ?? [],
    submission: (predicted) =>
      predicted.map((one) => ({question_id: one.item.questionId, answer: answerOf(one)})),
    score: (predicted) => {
      if (predicted.some(({item}) => !item.truth)) return undefined;
      const result = vqaAccuracy(
        predicted.map((one) => ({...one.item.truth!, prediction: answerOf(one)})),
        rule,
      );
      return {
        values: {accuracy: result.overall},
        details: {
          'question type': result.perQuestionType,
          'answer type': result.perAnswerType,
        },
        perItem: {accuracy: result.perQuestion},
      };
    },
  };
}

export const vqav2 = benchmark({
  name: 'vqav2',
  order: ['test', 'val'],
  splits: {
    test: {questions: 'coco/annotations/vqa_test.json'},
    val: {
      questions: 'coco/annotations/vqa_val_eval.json',
      annotations: 'coco/annotations/v2_mscoco_val2014_annotations.json',
    },
  },
  support: {
    train: 'coco/annotations/vqa_train.json',
    val: 'coco/annotations/vqa_val_eval.json',
  },
  rule: 'vqa',
  paper: [
    {model: 'Emu', value: 52.0, source: 'arXiv 2312.09251, table 2'},
    {model: 'Emu*', value: 52.9, source: 'arXiv 2312.09251, table 2'},
    {model: 'Emu-I', value: 57.2, source: 'arXiv 2409.17692, table 3'},
    {model: 'Emu, 4 shots', value: 58.4, source: 'arXiv 2312.13286, table 1'},
    {model: 'Emu, 8 shots', value: 59.0, source: 'arXiv 2312.13286, table 1'},
  ],
});

export const okvqa = benchmark({
  name: 'okvqa',
  order: ['val'],
  splits: {
    val: {
      questions: 'okvqa/annotations/vqa_val_eval.json',
      annotations: 'okvqa/annotations/mscoco_val2014_annotations.json',
    },
  },
  support: {train: 'okvqa/annotations/okvqa_train.json'},
  rule: 'okvqa',
  paper: [
    {model: 'Emu', value: 38.2, source: 'arXiv 2312.09251, table 2'},
    {model: 'Emu*', value: 42.8, source: 'arXiv 2312.09251, table 2'},
    {model: 'Emu-I', value: 43.4, source: 'arXiv 2409.17692, table 3'},
  ],
});
