// What is this: one thing a picture or clip, named in the model's own words.
import type {Picture} from '../../../data/picture.js';
import type {Prediction, Question} from '../../benchmark.js';
import type {Art} from './art.js';
import {cropped, drawnOnWhite, nearestOf} from './pixels.js';
import {
  type Changed,
  firstFrame,
  isSame,
  type MiniItem,
  once,
  pictureControls,
  type Pictures,
  type Task,
  textQuestion,
} from './task.js';

/** Side of the pictures that are compared. */
const SIDE = 24;

/** Something to be named. */
export interface Named {
  readonly id: string;
  readonly label: string;
  readonly pictures: Pictures;
  /** Parts of the whole that are counted apart. */
  readonly parts?: readonly string[];
}

export interface NamingOptions {
  readonly kind: string;
  readonly named: readonly Named[];
  /** '': a caption is asked for. */
  readonly question: string;
  /** Drawings of the same concepts, and perhaps of more, that were trained on. */
  readonly training: Art;
  /** Clips have a first frame that is not all. */
  readonly isClip?: boolean;
}

export class NamingTask implements Task {
  readonly kind: string;
  readonly items: readonly MiniItem[];
  private readonly labels: ReadonlySet<string>;
  private readonly known: () => Promise<readonly {label: string; pixels: Float32Array}[]>;

  constructor(private readonly options: NamingOptions) {
    const {kind, named, question, training} = options;
    this.kind = kind;
    this.items = named.map(({id, label, pictures, parts = []}) => ({
      id: `${kind}-${id}`,
      kind,
      task: this,
      metrics: [kind, ...parts],
      pictures,
      asked: {question, answer: label, form: question, answerForm: label},
    }));
    this.labels = new Set(named.map(({label}) => label));
    this.known = once(async () =>
      (await training.drawings()).flatMap((drawings, i) => {
        const {label} = training.concepts[i]!;
        if (!this.labels.has(label)) return [];
        return drawings.map((one) => ({label, pixels: cropped(drawnOnWhite(one), SIDE)}));
      }),
    );
  }

  ask({asked}: MiniItem): Question {
    return textQuestion(asked.question);
  }

  isRight({asked}: MiniItem, prediction: Prediction): boolean {
    return isSame(prediction as string, asked.answer);
  }

  /** All are asked alike: the wording tells what the commonest name does. */
  baselines() {
    const counts = new Map<string, number>();
    for (const {asked} of this.items) counts.set(asked.answer, (counts.get(asked.answer) ?? 0) + 1);
    const majority = Math.max(...counts.values()) / this.items.length;
    return {chance: 1 / this.labels.size, majority, wording: majority};
  }

  controls(item: MiniItem, other: MiniItem): Readonly<Record<string, Changed>> {
    const still = pictureControls(item, other);
    return this.options.isClip ? {...still, first: firstFrame(item)} : still;
  }

  async nearest(items: readonly MiniItem[]): Promise<boolean[]> {
    const known = await this.known();
    const vectors = known.map(({pixels}) => pixels);
    const right: boolean[] = [];
    for (const {asked, pictures} of items) {
      const [picture] = (await pictures()) as readonly [Picture, ...Picture[]];
      const found = known[nearestOf(cropped(picture, SIDE), vectors)];
      right.push(found !== undefined && isSame(found.label, asked.answer));
    }
    return right;
  }
}
