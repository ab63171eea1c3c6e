// Questions about a scene or a clip, and their answers. Each kind wishes for a scene in which its answer
// is drawn evenly, and asks nothing that the wording alone would tell: yes and no, relations, cells,
// numbers and colours come equally often for every name.
import type {Random} from '../../random.js';
import type {Category} from './art.js';
import {
  categoryAnswers,
  comparatives,
  fill,
  forms,
  no,
  numbers,
  onGround,
  pairOf,
  refusal,
  sides,
  sideWords,
  yes,
} from './forms.js';
import {cellOf, relationOf, relations, UNEQUAL} from './places.js';
import type {Scene, SceneMaker, SceneObject, SceneWishes} from './scene.js';
import {caption} from './words.js';

export const sceneKinds = [
  'what',
  'list',
  'category',
  'side',
  'neighbour',
  'exists',
  'relation',
  'compare',
  'where',
  'things',
  'copies',
  'background',
  'tint',
  'bigger',
  'absent',
  'caption',
] as const;

export type SceneKind = (typeof sceneKinds)[number];

export type ClipKind = 'event' | 'direction' | 'happens';

export interface Question {
  readonly kind: SceneKind | ClipKind;
  readonly question: string;
  readonly answer: string;
  /** Both with {X} and {Y} in the place of names: what the wording alone can tell. */
  readonly form: string;
  readonly answerForm: string;
}

/** Forms, and the names that stand in them. */
export interface Asked {
  readonly form: string;
  readonly answer: string;
  readonly x?: string;
  readonly y?: string;
}

interface Asker {
  /** The scene in which all answers are equally likely. */
  wishes(maker: SceneMaker, random: Random): SceneWishes;
  /** Whether they are in a scene that was drawn for another question. */
  suits(scene: Scene): boolean;
  ask(scene: Scene, maker: SceneMaker, random: Random): Asked;
}

/** Share of pictures to be named that are on plain white, as single drawings come. */
const WHITE_SHARE = 0.4;

const isTinted = ({objects}: Scene) => objects.length > 0 && objects.every(({tint}) => tint);
const isPair = ({layout}: Scene) => layout === 'pair';
/** Whether every concept was as likely to be shown as any other. */
const isEven = ({wishes}: Scene) => wishes.concept === undefined;

/** The two of a pair in any order. */
function twoOf({objects}: Scene, random: Random): [SceneObject, SceneObject] {
  const [first, second] = objects as [SceneObject, SceneObject];
  return random.chance(0.5) ? [first, second] : [second, first];
}

/** The two of a pair, the left or upper one first. */
function inOrder({objects}: Scene): [SceneObject, SceneObject] {
  const [first, second] = objects as [SceneObject, SceneObject];
  const relation = relationOf(first, second);
  return relation === 'left of' || relation === 'above' ? [first, second] : [second, first];
}

function withRelation(forms: readonly string[], relation: string, random: Random): string {
  return random.pick(forms).replace('{R}', relation);
}

/** Name of what is shown, with the colour that it is painted in. */
function phrase({concept, tint}: SceneObject, maker: SceneMaker): string {
  return tint ? `${tint} ${maker.label(concept)}` : maker.label(concept);
}

function conceptOf(category: Category, maker: SceneMaker, random: Random): number {
  return random.pick(maker.all.filter((i) => maker.concepts[i]!.category === category));
}

const askers: Record<SceneKind, Asker> = {
  what: {
    wishes: (_, random) => ({layout: 'single', tinted: false, white: random.chance(WHITE_SHARE)}),
    suits: (scene) => scene.layout === 'single' && !isTinted(scene) && isEven(scene),
    ask: ({objects}, maker, random) => ({
      form: random.pick(forms.what),
      answer: '{a X}',
      x: maker.label(objects[0]!.concept),
    }),
  },

  list: {
    wishes: () => ({layout: 'pair', tinted: false}),
    suits: (scene) => isPair(scene) && !isTinted(scene),
    ask(scene, maker, random) {
      const [x, y] = inOrder(scene).map(({concept}) => maker.label(concept)) as [string, string];
      return {form: random.pick(forms.list), answer: pairOf, x, y};
    },
  },

  category: {
    wishes(maker, random) {
      const category = random.pick(maker.categories);
      const concept = conceptOf(category, maker, random);
      return {layout: 'single', tinted: false, concept};
    },
    suits: () => false, // names are not spread evenly over categories
    ask: ({objects}, maker, random) => ({
      form: random.pick(forms.category),
      answer: categoryAnswers[maker.concepts[objects[0]!.concept]!.category!],
    }),
  },

  side: {
    wishes: () => ({layout: 'pair', tinted: false}),
    suits: (scene) => isPair(scene) && !isTinted(scene),
    ask(scene, maker, random) {
      const [it, other] = twoOf(scene, random);
      const form = random.pick(forms.side).replace('{S}', sides[relationOf(it, other)]);
      return {form, answer: '{a X}', x: maker.label(it.concept)};
    },
  },

  neighbour: {
    wishes: () => ({layout: 'pair', tinted: false}),
    suits: (scene) => isPair(scene) && !isTinted(scene),
    ask(scene, maker, random) {
      const [it, other] = twoOf(scene, random);
      const form = withRelation(forms.neighbour, relationOf(it, other), random);
      return {form, answer: '{a X}', x: maker.label(it.concept), y: maker.label(other.concept)};
    },
  },

  exists: {
    wishes: (_, random) => ({layout: random.pick(['single', 'pair'])}),
    suits: (scene) => ['single', 'pair', 'cells'].includes(scene.layout) && isEven(scene),
    ask({objects}, maker, random) {
      const present = objects.map(({concept}) => concept);
      const isThere = random.chance(0.5);
      const asked = isThere ? random.pick(present) : maker.other(present, random);
      const form = random.pick(forms.exists);
      return {form, answer: isThere ? yes : no, x: maker.label(asked)};
    },
  },

  relation: {
    wishes: () => ({layout: 'pair'}),
    suits: isPair,
    ask(scene, maker, random) {
      const [it, other] = twoOf(scene, random);
      const truth = relationOf(it, other);
      const isTrue = random.chance(0.5);
      const asked = isTrue ? truth : random.pick(relations.filter((r) => r !== truth));
      return {
        form: withRelation(forms.relation, asked, random),
        answer: isTrue ? yes : no,
        x: maker.label(it.concept),
        y: maker.label(other.concept),
      };
    },
  },

  compare: {
    wishes: () => ({layout: 'pair'}),
    suits: isPair,
    ask(scene, maker, random) {
      const [it, other] = twoOf(scene, random);
      return {
        form: random.pick(forms.compare),
        answer: sideWords[relationOf(it, other)],
        x: maker.label(it.concept),
        y: maker.label(other.concept),
      };
    },
  },

  where: {
    wishes: () => ({layout: 'cells'}),
    suits: ({layout}) => layout === 'cells',
    ask({objects}, maker, random) {
      const it = random.pick(objects);
      return {form: random.pick(forms.where), answer: cellOf(it), x: maker.label(it.concept)};
    },
  },

  things: {
    wishes: () => ({layout: 'things'}),
    suits: ({layout}) => layout === 'things',
    ask: ({objects}, _, random) => ({
      form: random.pick(forms.things),
      answer: numbers[objects.length]!,
    }),
  },

  copies: {
    wishes: () => ({layout: 'copies'}),
    suits: ({layout}) => layout === 'copies',
    ask({objects, counted}, maker, random) {
      const count = objects.filter(({concept}) => concept === counted).length;
      return {form: random.pick(forms.copies), answer: numbers[count]!, x: maker.label(counted!)};
    },
  },

  background: {
    wishes: (_, random) => ({layout: random.pick(['single', 'pair'])}),
    suits: ({wishes}) => !wishes.white,
    ask: ({ground}, _, random) => ({form: random.pick(forms.background), answer: ground.colour}),
  },

  tint: {
    wishes: (_, random) => ({layout: random.pick(['single', 'pair']), tinted: true}),
    suits: (scene) => isTinted(scene) && ['single', 'pair', 'cells'].includes(scene.layout),
    ask({objects}, maker, random) {
      const it = random.pick(objects);
      return {form: random.pick(forms.tint), answer: it.tint!, x: maker.label(it.concept)};
    },
  },

  bigger: {
    wishes: () => ({layout: 'pair', unequal: true}),
    suits({layout, objects}) {
      const sizes = objects.map(({size}) => size);
      return layout === 'pair' && Math.max(...sizes) >= UNEQUAL * Math.min(...sizes);
    },
    ask(scene, maker, random) {
      const [it, other] = twoOf(scene, random);
      const comparative = random.pick(comparatives);
      const isFirst = (comparative === 'bigger') === it.size > other.size;
      return {
        form: random.pick(forms.bigger).replace('{C}', comparative),
        answer: isFirst ? 'the {X}' : 'the {Y}',
        x: maker.label(it.concept),
        y: maker.label(other.concept),
      };
    },
  },

  /** Where something is, or its colour, when it may not be there at all. */
  absent: {
    wishes: (_, random) =>
      random.chance(0.5)
        ? {layout: 'cells'}
        : {layout: random.pick(['single', 'pair']), tinted: true},
    suits: (scene) => askers.where.suits(scene) || askers.tint.suits(scene),
    ask(scene, maker, random) {
      const asker = askers.where.suits(scene) ? askers.where : askers.tint;
      const asked = asker.ask(scene, maker, random);
      if (random.chance(0.5)) return asked;
      const present = scene.objects.map(({concept}) => concept);
      return {...asked, answer: refusal, x: maker.label(maker.other(present, random))};
    },
  },

  caption: {
    wishes: (_, random) => ({
      layout: random.pick(['single', 'pair']),
      white: random.chance(WHITE_SHARE),
    }),
    suits: ({layout}) => layout === 'single' || layout === 'pair',
    ask(scene, maker, random) {
      const {objects, ground} = scene;
      const form = random.pick(forms.caption);
      const background = ground.colour === 'white' ? '' : onGround(ground.colour);
      if (objects.length === 1)
        return {form, answer: `{a X}${background}`, x: phrase(objects[0]!, maker)};
      const [first, second] = inOrder(scene);
      return {
        form,
        answer: `{a X} ${relationOf(first, second)} {a Y}${background}`,
        x: phrase(first, maker),
        y: phrase(second, maker),
      };
    },
  },
};

/** The question with its names in it. */
export function put(kind: Question['kind'], {form, answer, x, y}: Asked): Question {
  const question = fill(form, x, y);
  return {kind, question, answer: fill(answer, x, y), form, answerForm: answer};
}

export interface AskedScene {
  readonly scene: Scene;
  readonly question: Question;
}

/** A scene for a question of this kind, and the question. */
export function drawQuestion(kind: SceneKind, maker: SceneMaker, random: Random): AskedScene {
  const scene = maker.draw(askers[kind].wishes(maker, random), random);
  return {scene, question: put(kind, askers[kind].ask(scene, maker, random))};
}

/** Another question about a scene, of a kind that its scene does not give away; undefined if none is left. */
export function drawFollowUp(
  scene: Scene,
  asked: readonly Question[],
  kinds: readonly SceneKind[],
  maker: SceneMaker,
  random: Random,
): Question | undefined {
  const fitting = kinds.filter(
    (kind) => asked.every((question) => question.kind !== kind) && askers[kind].suits(scene),
  );
  if (fitting.length === 0) return undefined;
  const kind = random.pick(fitting);
  return put(kind, askers[kind].ask(scene, maker, random));
}

/** "And the other one?", after a question for one of a pair. */
export function drawOther(
  {objects}: Scene,
  before: Question,
  maker: SceneMaker,
  random: Random,
): Question {
  const other = objects.find(({concept}) => caption(maker.label(concept)) !== before.answer)!;
  const x = maker.label(other.concept);
  return put(before.kind, {form: random.pick(forms.other), answer: '{a X}', x});
}
