// Questions about scenes and clips of a held-out vendor's drawings, by the generator that training draws from.
import {directions, events} from '../../../train/emoji/clip.js';
import {clipKinds, drawClipQuestion, reversed} from '../../../train/emoji/clipQuestions.js';
import {colourNames, tintNames} from '../../../train/emoji/colours.js';
import {plain} from '../../../train/emoji/compose.js';
import {numbers} from '../../../train/emoji/forms.js';
import {cells, relations} from '../../../train/emoji/places.js';
import {measurePrior, namesIn} from '../../../train/emoji/priors.js';
import {
  type ClipKind,
  drawQuestion,
  type Question as SceneQuestion,
  type SceneKind,
  sceneKinds,
} from '../../../train/emoji/questions.js';
import {type Scene, SceneMaker, scenePicture} from '../../../train/emoji/scene.js';
import {Random} from '../../../random.js';
import type {Prediction, Question} from '../../benchmark.js';
import type {Art} from './art.js';
import {nearestOf, thumbnails} from './pixels.js';
import {
  type Asked,
  type Changed,
  firstFrame,
  isSame,
  type MiniItem,
  once,
  PER_KIND,
  pictureControls,
  SEED,
  type Task,
  textQuestion,
} from './task.js';

const PICTURE_SIZE = 128;

/** Questions that the commonest answers are counted on. */
const PRIOR_DRAWS = 10_000;

/** Training scenes of a kind among which the nearest is sought, and how small they are made. */
const NEIGHBOURS = {scenes: 2000, clips: 500, drawn: 32, side: 16} as const;

type Kind = SceneKind | ClipKind;
const isClip = (kind: Kind): kind is ClipKind => (clipKinds as readonly string[]).includes(kind);

export const allKinds: readonly Kind[] = [...sceneKinds, ...clipKinds];

/** A question, and the scenes that it is about: one, or a clip's frames. */
interface Drawn {
  readonly question: SceneQuestion;
  readonly frames: readonly Scene[];
}

function draw(kind: Kind, maker: SceneMaker, random: Random): Drawn {
  if (isClip(kind)) {
    const {clip, question} = drawClipQuestion(kind, maker, random);
    return {question, frames: clip.frames};
  }
  const {scene, question} = drawQuestion(kind, maker, random);
  return {question, frames: [scene]};
}

/** A maker of scenes that have their drawings yet to come: descriptions take no picture. */
export function describer(art: Art): SceneMaker {
  const none = {size: 0, rgba: new Uint8Array()};
  const [vendor] = art.vendors;
  const drawings = art.concepts.map((_, concept) => [{...none, concept, vendor: vendor!}]);
  return new SceneMaker(art.concepts, drawings, plain);
}

/** In how many ways it can be answered, names of things counted. */
function numAnswers(kind: Kind, {all, categories}: SceneMaker): number {
  const names = all.length;
  const grounds = colourNames.length;
  const paints = tintNames.length + 1;
  const counts: Readonly<Record<Kind, number>> = {
    what: names,
    side: names,
    neighbour: names - 1,
    list: names * (names - 1),
    caption: grounds * names * paints * (1 + (names - 1) * paints * relations.length),
    category: categories.length,
    exists: 2,
    relation: 2,
    bigger: 2,
    absent: 2, // only whether it is refused counts
    compare: relations.length,
    where: cells.length,
    things: numbers.length,
    copies: numbers.length,
    background: grounds,
    tint: tintNames.length,
    event: events.length,
    direction: directions.length,
    happens: names * (events.length - 1 + directions.length),
  };
  return counts[kind];
}

const isRefusal = (text: string) => /^there is no\b/i.test(text);

/** Of what may be absent only this counts: whether the model says so. */
function isRight(kind: Kind, said: string, answer: string): boolean {
  return kind === 'absent' ? isRefusal(said) === isRefusal(answer) : isSame(said, answer);
}

interface Known {
  readonly question: SceneQuestion;
  readonly pixels: Float32Array;
}

export class SceneTask implements Task {
  readonly items: readonly MiniItem[];
  private readonly stream: number;
  private readonly known: () => Promise<ReadonlyMap<string, readonly Known[]>>;

  /** `maker` describes scenes of the vendor's `art`; `training` has the drawings that were trained on. */
  constructor(
    readonly kind: Kind,
    private readonly maker: SceneMaker,
    private readonly art: Art,
    training: Art,
  ) {
    this.stream = allKinds.indexOf(kind);
    const random = new Random(SEED, this.stream);
    this.items = Array.from({length: PER_KIND}, (_, i) => {
      const {question, frames} = draw(kind, maker, random);
      return {
        id: `${kind}-${i}`,
        kind,
        task: this,
        metrics: [kind],
        asked: question,
        pictures: async () => this.picturesOf(frames),
      };
    });
    this.known = once(() => this.drawKnown(training));
  }

  ask({asked}: MiniItem): Question {
    return textQuestion(this.kind === 'caption' ? '' : asked.question);
  }

  isRight({asked}: MiniItem, prediction: Prediction): boolean {
    return isRight(this.kind, prediction as string, asked.answer);
  }

  baselines() {
    const random = new Random(SEED, allKinds.length + this.stream);
    const drawOne = () => draw(this.kind, this.maker, random).question;
    const {majority, wording} = measurePrior(drawOne, PRIOR_DRAWS);
    return {chance: 1 / numAnswers(this.kind, this.maker), majority, wording};
  }

  controls(item: MiniItem, other: MiniItem): Readonly<Record<string, Changed>> {
    const still = pictureControls(item, other);
    if (!isClip(this.kind)) return still;
    const backwards = async () => (await item.pictures()).toReversed();
    return {
      ...still,
      first: firstFrame(item),
      // The right answer turns round with the frames.
      reversed: {pictures: backwards, asked: reversed(item.asked as SceneQuestion)},
    };
  }

  async nearest(items: readonly MiniItem[]): Promise<boolean[]> {
    const known = await this.known();
    const right: boolean[] = [];
    for (const {asked, pictures} of items) {
      const alike = known.get(asked.form) ?? [];
      const pixels = thumbnails(await pictures(), NEIGHBOURS.side);
      const {question} =
        alike[
          nearestOf(
            pixels,
            alike.map((one) => one.pixels),
          )
        ] ?? {};
      right.push(
        question !== undefined && isRight(this.kind, takenOver(question, asked), asked.answer),
      );
    }
    return right;
  }

  private async picturesOf(frames: readonly Scene[]) {
    const drawings = await this.art.drawings();
    return frames.map((scene) => {
      const objects = scene.objects.map((one) => ({...one, drawing: drawings[one.concept]![0]!}));
      return scenePicture({...scene, objects}, PICTURE_SIZE);
    });
  }

  /** Questions about scenes of training drawings, by their form. */
  private async drawKnown(training: Art): Promise<ReadonlyMap<string, readonly Known[]>> {
    const maker = new SceneMaker(training.concepts, await training.drawings(), plain);
    const random = new Random(SEED + 1, this.stream);
    const byForm = new Map<string, Known[]>();
    const {scenes, clips, drawn, side} = NEIGHBOURS;
    for (let i = 0; i < (isClip(this.kind) ? clips : scenes); i++) {
      const {question, frames} = draw(this.kind, maker, random);
      const pixels = thumbnails(
        frames.map((scene) => scenePicture(scene, drawn)),
        side,
      );
      const alike = byForm.get(question.form) ?? [];
      alike.push({question, pixels});
      byForm.set(question.form, alike);
    }
    return byForm;
  }
}

/** Another question's answer as an answer to this one: names that it repeats are this one's. */
function takenOver({form, answer, answerForm}: SceneQuestion, asked: Asked): string {
  const repeats = namesIn(answerForm).every((name) => form.includes(name));
  return repeats && answerForm === asked.answerForm ? asked.answer : answer;
}
