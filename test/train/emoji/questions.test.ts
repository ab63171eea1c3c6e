// Answers are right by the description, and the wording does not give them away.
import {suite} from 'uvu';
import * as assert from 'uvu/assert';
import {Random} from '../../../src/random.js';
import {clipKinds, drawClipQuestion, reversed} from '../../../src/train/emoji/clipQuestions.js';
import {measurePrior} from '../../../src/train/emoji/priors.js';
import {
  drawFollowUp,
  drawQuestion,
  type Question,
  type SceneKind,
  sceneKinds,
} from '../../../src/train/emoji/questions.js';
import type {Scene, SceneObject} from '../../../src/train/emoji/scene.js';
import {concepts, shapeMaker} from './shapes.js';

const test = suite('questions');
const maker = shapeMaker();
const named = ({concept}: SceneObject) => concepts[concept]!.label;
const withArticle = (label: string) => (/^[aeiou]/.test(label) ? `an ${label}` : `a ${label}`);

/** The object of that name, which has to be there. */
function find(scene: Scene, label: string | undefined): SceneObject {
  const found = scene.objects.find((object) => named(object) === label);
  assert.ok(found, `${label} of ${scene.objects.map(named)}`);
  return found;
}

/** Whether `a` stands so to `b`. */
function stands(a: SceneObject, relation: string, b: SceneObject): boolean {
  const [dx, dy] = [b.x - a.x, b.y - a.y];
  const isLevel = Math.abs(dx) > Math.abs(dy);
  return {
    'left of': isLevel && dx > 0,
    'right of': isLevel && dx < 0,
    above: !isLevel && dy > 0,
    below: !isLevel && dy < 0,
  }[relation]!;
}

const relation = '(left of|right of|above|below)';
const numbers = ['zero', 'one', 'two', 'three', 'four'];

/** Reads a question as a person would and answers it from the description. */
const solvers: Record<SceneKind, (scene: Scene, question: string) => string> = {
  what: (scene) => withArticle(named(scene.objects[0]!)),
  list(scene) {
    const [a, b] = [...scene.objects].sort((one, other) =>
      stands(one, 'left of', other) || stands(one, 'above', other) ? -1 : 1,
    );
    return `${withArticle(named(a!))} and ${withArticle(named(b!))}`;
  },
  category(scene) {
    const {category} = concepts[scene.objects[0]!.concept]!;
    return category === 'food' ? 'food' : withArticle(category!);
  },
  side(scene, question) {
    const place = /(left|right|top|bottom)\?$/.exec(question)![1]!;
    const order = {left: 'left of', right: 'right of', top: 'above', bottom: 'below'}[place]!;
    const [a, b] = scene.objects as [SceneObject, SceneObject];
    assert.ok(stands(a, order, b) !== stands(b, order, a), 'one of them is on that side');
    return withArticle(named(stands(a, order, b) ? a : b));
  },
  neighbour(scene, question) {
    const [, order, label] = new RegExp(`${relation} the (.+)\\?$`).exec(question)!;
    const it = find(scene, label);
    const other = scene.objects.find((object) => object !== it)!;
    assert.ok(stands(other, order!, it));
    return withArticle(named(other));
  },
  exists(scene, question) {
    const label = /(?:is there|can you see) an? (.+?)(?: in the picture)?\?$/.exec(question)![1];
    return scene.objects.some((object) => named(object) === label) ? 'yes' : 'no';
  },
  relation(scene, question) {
    const pattern = new RegExp(`^(?:is|can you see) the (.+) ${relation} the (.+)\\?$`);
    const [, a, order, b] = pattern.exec(question)!;
    return stands(find(scene, a), order!, find(scene, b)) ? 'yes' : 'no';
  },
  compare(scene, question) {
    const side = /^on which side of the (.+) is the (.+)\?$/.exec(question);
    const order = /is the (.+?),? left of, right of, above or below the (.+)\?$/.exec(question);
    const [a, b] = side ? [side[2], side[1]] : [order![1], order![2]];
    const relations = ['left of', 'right of', 'above', 'below'];
    const truth = relations.find((one) => stands(find(scene, a), one, find(scene, b)))!;
    return truth.replace(' of', '');
  },
  where(scene, question) {
    const it = find(scene, /the ((?:(?!in the picture|the ).)+)\?$/.exec(question)![1]);
    const row = ['top', '', 'bottom'][Math.floor(3 * it.y)]!;
    const column = ['left', '', 'right'][Math.floor(3 * it.x)]!;
    return [row, column].filter(Boolean).join(' ') || 'middle';
  },
  things: (scene) => numbers[scene.objects.length]!,
  copies(scene, question) {
    const label = /^how many times (?:is the (.+) there|can you see the (.+)|is there an? (.+))\?$/
      .exec(question)!
      .slice(1)
      .find(Boolean);
    return numbers[scene.objects.filter((object) => named(object) === label).length]!;
  },
  background: ({ground}) => ground.colour,
  tint: (scene, question) =>
    find(scene, /(?:is|colou?r of) the ([^?]+)\?$/.exec(question.replace(/^what is/, ''))![1])
      .tint!,
  bigger(scene, question) {
    const comparative = /bigger|smaller/.exec(question)![0];
    const names = question
      .replace(/^(?:which|what) is \w+, |^is | (?:bigger|smaller)(?=\?)|\?$/g, '')
      .split(' or ');
    const [a, b] = names.map((name) => find(scene, name.replace(/^the /, '')));
    return `the ${named(a!.size > b!.size === (comparative === 'bigger') ? a! : b!)}`;
  },
  absent(scene, question) {
    const label = /the ((?:(?!the ).)+)\?$/.exec(question)![1]!;
    if (!scene.objects.some((object) => named(object) === label)) return `there is no ${label}`;
    return solvers[question.startsWith('where') ? 'where' : 'tint'](scene, question);
  },
  caption(scene) {
    const phrase = (object: SceneObject) =>
      withArticle([object.tint, named(object)].filter(Boolean).join(' '));
    const {colour} = scene.ground;
    const ground = colour === 'white' ? '' : ` on ${withArticle(colour)} background`;
    const [a, b] = scene.objects as [SceneObject, SceneObject?];
    if (!b) return `${phrase(a)}${ground}`;
    for (const [one, other] of [
      [a, b],
      [b, a],
    ] as const)
      for (const order of ['left of', 'above'])
        if (stands(one, order, other)) return `${phrase(one)} ${order} ${phrase(other)}${ground}`;
    throw new Error('expected one to be left of the other or above it');
  },
};

for (const kind of sceneKinds)
  test(`answers are right: ${kind}`, () => {
    const random = new Random(21);
    for (let i = 0; i < 400; i++) {
      const {scene, question} = drawQuestion(kind, maker, random);
      assert.is(question.kind, kind);
      assert.is(question.answer, solvers[kind](scene, question.question), question.question);
      assert.not.match(question.question + question.answer, /[{}]/);
    }
  });

test('answers to follow-ups are right too', () => {
  const random = new Random(22);
  const seen = new Set<string>();
  for (let i = 0; i < 1500; i++) {
    const {scene, question} = drawQuestion(random.pick(sceneKinds), maker, random);
    const next = drawFollowUp(scene, [question], sceneKinds, maker, random);
    if (!next) continue;
    assert.is.not(next.kind, question.kind);
    assert.is(next.answer, solvers[next.kind as SceneKind](scene, next.question), next.question);
    seen.add(next.kind);
  }
  const never = sceneKinds.filter((kind) => !seen.has(kind));
  assert.equal(never, ['category', 'things', 'copies'], 'these need a scene of their own');
});

test('answers about clips are right', () => {
  const random = new Random(23);
  for (const kind of clipKinds)
    for (let i = 0; i < 100; i++) {
      const {clip, question} = drawClipQuestion(kind, maker, random);
      const {event, direction} = clip;
      const label = concepts[clip.concept]!.label;
      const sentence = ['the', label, event, direction].filter(Boolean).join(' ');
      assert.is(question.answer, {event, direction, happens: sentence}[kind]);
      const back = reversed(question);
      assert.equal(reversed(back), question);
      const turns = kind === 'event' ? !/moves|stays/.test(event) : event !== 'stays';
      assert.is(back.answer !== question.answer, turns);
    }
});

const DRAWS = 6000;

/** Counts of what `of` says of many draws. */
function counts(draw: () => Question, of: (question: Question) => string): Map<string, number> {
  const found = new Map<string, number>();
  for (let i = 0; i < DRAWS; i++) {
    const key = of(draw());
    found.set(key, (found.get(key) ?? 0) + 1);
  }
  return found;
}

/** Every answer as often as the others, within five standard errors. */
function assertEven(found: Map<string, number>, answers: number): void {
  assert.is(found.size, answers, [...found.keys()].join(', '));
  const total = [...found.values()].reduce((sum, count) => sum + count, 0);
  const share = 1 / answers;
  const error = Math.sqrt(total * share * (1 - share));
  for (const [answer, count] of found)
    assert.ok(Math.abs(count - total * share) < 5 * error, `${answer}: ${count} of ${total}`);
}

const isRefusal = ({answer}: Question) => String(answer.startsWith('there is no'));
/** Answers of each kind: how many, and how they are told apart. */
const even: Record<string, [number, ((question: Question) => string)?]> = {
  what: [concepts.length],
  category: [5],
  side: [concepts.length],
  exists: [2],
  relation: [2],
  compare: [4],
  where: [9],
  things: [5],
  copies: [5],
  background: [11],
  tint: [8],
  bigger: [2, ({answerForm}) => answerForm],
  absent: [2, isRefusal],
  event: [6],
  direction: [4],
};

function drawer(kind: string, seed: number): () => Question {
  const random = new Random(seed);
  const clipKind = clipKinds.find((other) => other === kind);
  return clipKind
    ? () => drawClipQuestion(clipKind, maker, random).question
    : () => drawQuestion(kind as SceneKind, maker, random).question;
}

for (const [kind, [answers, of = ({answer}: Question) => answer]] of Object.entries(even))
  test(`answers come equally often: ${kind}`, () => {
    // What shares a word with another name meets fewer others: names of pairs are not quite even.
    if (kind === 'side') assert.is(counts(drawer(kind, 31), of).size, answers);
    else assertEven(counts(drawer(kind, 31), of), answers);
    if (answers === concepts.length) return;
    // What is guessed from the wording is right by chance: five standard errors of 3,000 guesses.
    const {majority, wording} = measurePrior(drawer(kind, 32), DRAWS);
    const chance = kind === 'absent' ? 0.5 : 1 / answers;
    const margin = 5 * Math.sqrt((chance * (1 - chance)) / (DRAWS / 2));
    assert.ok(majority < chance + margin, `majority ${majority}`);
    assert.ok(wording < chance + margin, `wording ${wording}`);
  });

test('follow-ups are as even as first questions', () => {
  const random = new Random(33);
  const found = new Map<string, Map<string, number>>();
  for (let i = 0; i < 30_000; i++) {
    const {scene, question} = drawQuestion(random.pick(sceneKinds), maker, random);
    const next = drawFollowUp(scene, [question], sceneKinds, maker, random);
    if (!next) continue;
    const of = even[next.kind]?.[1] ?? (({answer}: Question) => answer);
    const answers = found.get(next.kind) ?? new Map<string, number>();
    found.set(next.kind, answers.set(of(next), (answers.get(of(next)) ?? 0) + 1));
  }
  for (const kind of [
    'exists',
    'relation',
    'compare',
    'where',
    'background',
    'tint',
    'bigger',
    'absent',
  ])
    assertEven(found.get(kind)!, even[kind]![0]);
});

test('no question for what a longer name holds', () => {
  const random = new Random(34);
  for (let i = 0; i < 4000; i++) {
    const {scene, question} = drawQuestion('exists', maker, random);
    const labels = scene.objects.map(named);
    if (labels.includes('rabbit face')) assert.not.match(question.question, /a rabbit\b(?! face)/);
  }
});

test('the prior of a leaking generator is found', () => {
  const random = new Random(35);
  const leaking = (): Question => {
    const isTiger = random.chance(0.5);
    const question = isTiger ? 'is there a tiger?' : 'is there a tram?';
    const answer = random.chance(0.9) === isTiger ? 'yes' : 'no';
    return {kind: 'exists', question, answer, form: 'is there {a X}?', answerForm: answer};
  };
  const {majority, wording} = measurePrior(leaking, 4000);
  assert.ok(majority < 0.55 && wording > 0.87, `${majority} ${wording}`);
});

test.run();
