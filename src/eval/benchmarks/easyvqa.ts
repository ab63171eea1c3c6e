// easy-VQA: questions about one coloured shape a picture, of PyPI's wheel easy-vqa 1.0. Nearly everything is
// told by the question alone, so what is no yes or no counts apart.
import {existsSync, readdirSync, readFileSync, statSync} from 'node:fs';
import path from 'node:path';
import {z} from 'zod';
import {readImage} from '../../data/image.js';
import {ZipFile} from '../zipFile.js';
import {InputError} from '../../errors.js';
import {type Benchmark, type BenchmarkItem, greedySearch} from '../benchmark.js';
import {groupScores} from '../groupScores.js';
import {nearestOf, thumbnails} from './mini/pixels.js';
import {isSame, once, type Pictures, white} from './mini/task.js';

/** Side of the pictures that are compared. */
const SIDE = 16;
const WHEEL = 'easy_vqa-1.0-py3-none-any.whl';

type Kind = 'yes/no' | 'shape' | 'colour';

interface Asked {
  readonly question: string;
  readonly answer: string;
  /** Number of the picture. */
  readonly picture: number;
}

interface EasyVqaItem extends BenchmarkItem, Asked {
  readonly kind: Kind;
  readonly pictures: Pictures;
  readonly set: EasyVqa;
}

const shapes = ['circle', 'rectangle', 'triangle'];

function kindOf(answer: string): Kind {
  if (answer === 'yes' || answer === 'no') return 'yes/no';
  return shapes.includes(answer) ? 'shape' : 'colour';
}

/** What a question counts in. */
function metricsOf({answer}: Asked): string[] {
  const kind = kindOf(answer);
  return ['accuracy', ...(kind === 'yes/no' ? [] : ['no yes/no']), kind];
}

const questionList = z.array(z.tuple([z.string(), z.string(), z.number().int().nonnegative()]));

/** Reads a file of the data folder: train/questions.json, test/images/0.png. */
type Reader = (name: string) => Uint8Array;

function folderReader(folder: string): Reader {
  return (name) => {
    const file = path.join(folder, name);
    if (!existsSync(file)) throw new InputError(file, 'no such file', 'unpack the wheel again');
    return readFileSync(file);
  };
}

function wheelReader(file: string): Reader {
  const wheel = new ZipFile(file);
  return (name) => wheel.read(`easy_vqa/data/${name}`);
}

/** The wheel, or a folder that holds it or what is in it. */
function openData(root: string): {reader: Reader; place: string} {
  if (statSync(root, {throwIfNoEntry: false})?.isFile())
    return {reader: wheelReader(root), place: root};
  for (const folder of [root, path.join(root, 'easyvqa')]) {
    const within = [folder, path.join(folder, 'data'), path.join(folder, 'easy_vqa', 'data')];
    const data = within.find((one) => existsSync(path.join(one, 'test', 'questions.json')));
    if (data) return {reader: folderReader(data), place: data};
    const wheel = existsSync(folder)
      ? readdirSync(folder).find((name) => /^easy_vqa-.*\.whl$/.test(name))
      : undefined;
    if (wheel)
      return {reader: wheelReader(path.join(folder, wheel)), place: path.join(folder, wheel)};
  }
  throw new InputError(path.join(root, 'easyvqa', WHEEL), 'no such file');
}

/** Both splits: the answers of the one are the baselines of the other. */
class EasyVqa {
  readonly train: readonly Asked[];
  readonly test: readonly Asked[];
  readonly answers: readonly string[];
  private readonly reader: Reader;
  private readonly place: string;

  constructor(root: string) {
    const {reader, place} = openData(root);
    this.reader = reader;
    this.place = place;
    this.train = this.questions('train');
    this.test = this.questions('test');
    this.answers = [...new Set(this.train.map(({answer}) => answer))].sort();
  }

  async picture(split: 'train' | 'test', number: number) {
    const bytes = this.reader(`${split}/images/${number}.png`);
    return readImage(bytes);
  }

  /** Shares that are right without a picture, by what is counted: all of it learnt from the train split. */
  baselines(asked: readonly Asked[], train = this.train) {
    const commonest = commonestBy(train, () => '').get('')!;
    const byQuestion = commonestBy(train, ({question}) => question);
    const share = (guess: (one: Asked) => string | undefined) =>
      asked.filter((one) => guess(one) === one.answer).length / asked.length;
    return {
      chance: 1 / new Set(train.map(({answer}) => answer)).size,
      majority: share(() => commonest),
      wording: share(({question}) => byQuestion.get(question)),
    };
  }

  /** Of each question whether the nearest train picture that it was asked about has the same answer. */
  async nearest(asked: readonly Asked[]): Promise<boolean[]> {
    const known = await this.trainPixels();
    const byQuestion = new Map<string, Asked[]>();
    for (const one of this.train)
      byQuestion
        .set(one.question, byQuestion.get(one.question) ?? [])
        .get(one.question)!
        .push(one);
    const pixels = new Map<number, Float32Array>();
    const right: boolean[] = [];
    for (const {question, answer, picture} of asked) {
      if (!pixels.has(picture))
        pixels.set(picture, thumbnails([await this.picture('test', picture)], SIDE));
      const alike = byQuestion.get(question) ?? [];
      const vectors = alike.map((one) => known.get(one.picture)!);
      right.push(alike[nearestOf(pixels.get(picture)!, vectors)]?.answer === answer);
    }
    return right;
  }

  private readonly trainPixels = once(async () => {
    const known = new Map<number, Float32Array>();
    for (const number of new Set(this.train.map(({picture}) => picture)))
      known.set(number, thumbnails([await this.picture('train', number)], SIDE));
    return known;
  });

  private questions(split: 'train' | 'test'): Asked[] {
    const name = `${split}/questions.json`;
    let value: unknown;
    try {
      value = JSON.parse(Buffer.from(this.reader(name)).toString('utf8'));
    } catch (error) {
      if (error instanceof InputError) throw error;
      throw new InputError(this.place, `its ${name} is not JSON`, 'download it again');
    }
    const {data, error} = questionList.safeParse(value);
    if (!data) {
      const [issue] = error.issues;
      throw new InputError(
        this.place,
        `its ${name}, entry ${issue!.path.map(String).join('.')}: ${issue!.message}`,
        'download it again',
      );
    }
    return data.map(([question, answer, picture]) => ({question, answer, picture}));
  }
}

/** The commonest answer of each group. */
function commonestBy(asked: readonly Asked[], group: (one: Asked) => string): Map<string, string> {
  const counts = new Map<string, Map<string, number>>();
  for (const one of asked) {
    const own = counts.get(group(one)) ?? new Map<string, number>();
    counts.set(group(one), own.set(one.answer, (own.get(one.answer) ?? 0) + 1));
  }
  return new Map(
    [...counts].map(([key, own]) => [key, [...own].sort(([, a], [, b]) => b - a)[0]![0]]),
  );
}

function readItems(root: string): EasyVqaItem[] {
  const set = new EasyVqa(root);
  const items = set.test.map((asked, id): EasyVqaItem => {
    const pictures = async () => [await set.picture('test', asked.picture)];
    return {...asked, id, kind: kindOf(asked.answer), pictures, set};
  });
  return [...items, ...controlsOf(items)];
}

/** White, and the picture of the next question of the kind that is about another one. */
function controlsOf(items: readonly EasyVqaItem[]): EasyVqaItem[] {
  return [...new Set(items.map(({kind}) => kind))].flatMap((kind) => {
    const own = items.filter((item) => item.kind === kind);
    return own.flatMap((item, rank) => {
      const rest = [...own.slice(rank + 1, rank + 100), ...own];
      const other = rest.find(({picture}) => picture !== item.picture) ?? item;
      const control = (name: string, pictures: Pictures): EasyVqaItem => {
        const mark = {name, of: item.id, rank};
        return {...item, id: `${item.id}:${name}`, pictures, control: mark};
      };
      return [
        control('blank', async () => (await item.pictures()).map(white)),
        control('shuffled', other.pictures),
      ];
    });
  });
}

/** The items by what they count in. */
function byMetric<T extends Asked>(items: readonly T[]): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items)
    for (const metric of metricsOf(item))
      groups
        .set(metric, groups.get(metric) ?? [])
        .get(metric)!
        .push(item);
  return groups;
}

export const easyvqa: Benchmark<EasyVqaItem> = {
  name: 'easyvqa',
  media: 'picture',
  splits: ['test'],
  headline: 'accuracy',
  paper: [],
  read: readItems,
  questions: ({question, set}) => [
    {text: `{IMAGE}${question}`, plain: question, search: greedySearch, choices: set.answers},
  ],
  expected: ({answer}) => [answer],
  submission: () => undefined,
  score(predicted) {
    const questions = predicted.map(({item}) => item).filter(({control}) => !control);
    const [first] = questions;
    const train = first ? byMetric(first.set.train) : new Map<string, Asked[]>();
    const baselines = [...byMetric(questions)].map(
      ([metric, own]) => [metric, first!.set.baselines(own, train.get(metric))] as const,
    );
    return groupScores(
      predicted.map(({item, prediction}) => ({
        metrics: metricsOf(item),
        isRight: isSame(prediction as string, item.answer),
        ...(item.control ? {control: item.control.name} : {}),
      })),
      new Map(baselines),
    );
  },
  async nearest(items) {
    const right = items[0] ? await items[0].set.nearest(items) : [];
    const groups = byMetric(items.map((item, i) => ({...item, isRight: right[i]!})));
    return new Map(
      [...groups].map(([metric, own]) => [
        metric,
        (100 * own.filter(({isRight}) => isRight).length) / own.length,
      ]),
    );
  },
};
