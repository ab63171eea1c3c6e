// Learning from the prompt: a few things are called one, two, ..., each by a picture of it, and another
// artist's drawing of one of them has to be called by its number. No concept was trained on.
import type {Picture} from '../../../data/picture.js';
import {Random} from '../../../random.js';
import {numbers} from '../../../train/emoji/forms.js';
import {greedySearch, type Prediction, type Question} from '../../benchmark.js';
import type {Concept} from '../../../train/emoji/art.js';
import type {Art} from './art.js';
import {cropped, nearestOf} from './pixels.js';
import {type Changed, type MiniItem, PER_KIND, SEED, type Task, white} from './task.js';

const PICTURE_SIZE = 128;
const SIDE = 24;

/** "one", "two", ...: words that say nothing of what is shown. */
const namesOf = (ways: number) => numbers.slice(1, ways + 1);

export class MatchTask implements Task {
  readonly kind: string;
  readonly items: readonly MiniItem[];

  /** `shown` and `asked` draw the same concepts, each by another artist. */
  constructor(
    private readonly ways: 2 | 4,
    private readonly shown: Art,
    private readonly asked: Art,
  ) {
    this.kind = `match-${ways}`;
    const random = new Random(SEED, ways);
    this.items = Array.from({length: PER_KIND}, (_, i) => this.episode(i, random));
  }

  ask(): Question {
    const names = namesOf(this.ways);
    return {
      text: '',
      plain: '',
      between: [...names.map((name) => `${name}.`), ''],
      candidates: names,
      search: greedySearch,
    };
  }

  isRight({asked}: MiniItem, prediction: Prediction): boolean {
    const losses = prediction as readonly number[];
    return namesOf(this.ways)[losses.indexOf(Math.min(...losses))] === asked.answer;
  }

  /** Which number is right is drawn evenly. */
  baselines() {
    const chance = 1 / this.ways;
    return {chance, majority: chance, wording: chance};
  }

  /** The things that are named stay; only the one that is asked for changes. */
  controls(item: MiniItem, other: MiniItem): Readonly<Record<string, Changed>> {
    const with_ = (last: () => Promise<Picture>) => async () => [
      ...(await item.pictures()).slice(0, -1),
      await last(),
    ];
    return {
      blank: {pictures: with_(async () => white((await item.pictures()).at(-1)!))},
      shuffled: {pictures: with_(async () => (await other.pictures()).at(-1)!)},
    };
  }

  async nearest(items: readonly MiniItem[]): Promise<boolean[]> {
    const right: boolean[] = [];
    for (const {asked, pictures} of items) {
      const pixels = (await pictures()).map((picture) => cropped(picture, SIDE));
      const found = nearestOf(pixels.at(-1)!, pixels.slice(0, -1));
      right.push(namesOf(this.ways)[found] === asked.answer);
    }
    return right;
  }

  /** A drawing comes in many episodes. */
  private readonly drawn = new Map<string, Promise<Picture>>();

  private draw(art: Art, concept: Concept): Promise<Picture> {
    const key = `${art.vendors[0]} ${concept.hex}`;
    const picture = this.drawn.get(key) ?? art.onWhite(concept, PICTURE_SIZE);
    this.drawn.set(key, picture);
    return picture;
  }

  private episode(i: number, random: Random): MiniItem {
    const {concepts} = this.shown;
    const things: number[] = [];
    while (things.length < this.ways) {
      const next = random.below(concepts.length);
      if (!things.includes(next)) things.push(next);
    }
    const truth = random.below(this.ways);
    const answer = namesOf(this.ways)[truth]!;
    return {
      id: `${this.kind}-${i}`,
      kind: this.kind,
      task: this,
      metrics: [this.kind],
      pictures: () =>
        Promise.all([
          ...things.map((one) => this.draw(this.shown, concepts[one]!)),
          this.draw(this.asked, concepts[things[truth]!]!),
        ]),
      asked: {question: '', answer, form: '', answerForm: answer},
    };
  }
}
