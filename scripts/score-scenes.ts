// How well a model answers questions about scenes and clips of drawings by artists it never saw, next to
// what can be answered without looking: greedy, one turn, through the library as the commands ask.
//   npm run score:scenes -- [--model emu-mini] [--count 600] [--controls 200] [--kinds what,tint] [--json]
//     [--vendor openmoji] [--concepts recipes/naming200.json] [--seed 1] [--draws 40000]
// Controls: the same questions with a white picture and with another question's picture; of clips, also
// the first frame only, and the frames backwards, which has to turn the answer round.
// OpenMoji is CC-BY-SA: it comes from its npm package at this time, and none of it is kept.
import {parseArgs} from 'node:util';
import type {Picture} from '../src/data/picture.js';
import {Emu, type Item} from '../src/emu.js';
import {EmuError} from '../src/errors.js';
import {Random} from '../src/random.js';
import {loadDrawings} from '../src/train/emoji/art.js';
import {
  type ClipKind,
  type Question,
  type SceneKind,
  sceneKinds,
} from '../src/train/emoji/questions.js';
import {clipKinds, drawClipQuestion, reversed} from '../src/train/emoji/clipQuestions.js';
import {drawQuestion} from '../src/train/emoji/questions.js';
import {plain} from '../src/train/emoji/compose.js';
import {measurePrior, type Prior} from '../src/train/emoji/priors.js';
import {SceneMaker, scenePicture} from '../src/train/emoji/scene.js';
import {readConcepts} from '../src/train/emoji/open.js';
import {ask, isSame, percent, type Score, scoreNaming, share, standardError} from './ask.js';

const ART_SIZE = 128;
const PICTURE_SIZE = 128;

type Kind = SceneKind | ClipKind;
const isClip = (kind: Kind): kind is ClipKind => (clipKinds as readonly string[]).includes(kind);
const allKinds: readonly Kind[] = [...sceneKinds, ...clipKinds];

const {values} = parseArgs({
  options: {
    model: {type: 'string', default: 'emu-mini'},
    vendor: {type: 'string', default: 'openmoji'},
    concepts: {type: 'string', default: 'recipes/naming200.json'},
    kinds: {type: 'string', default: allKinds.join(',')},
    count: {type: 'string', default: '600'},
    controls: {type: 'string', default: '200'},
    draws: {type: 'string', default: '40000'},
    seed: {type: 'string', default: '1'},
    json: {type: 'boolean', default: false},
  },
});
const kinds = values.kinds.split(',') as Kind[];
for (const kind of kinds)
  if (!allKinds.includes(kind))
    throw new EmuError(`--kinds: ${kind} is no kind of question; known: ${allKinds.join(', ')}`, {
      code: 'bad_kind',
      reason: 'usage',
    });
const count = positive('count');
const controls = positive('controls');
const draws = positive('draws');
const seed = positive('seed');

function positive(name: 'count' | 'controls' | 'draws' | 'seed'): number {
  const value = Number(values[name]);
  if (Number.isSafeInteger(value) && value > 0) return value;
  throw new EmuError(`--${name} ${values[name]}: expected a whole number from 1`, {
    code: 'bad_number',
    reason: 'usage',
  });
}

interface Asked {
  readonly kind: Kind;
  readonly frames: readonly Picture[];
  readonly question: Question;
}

interface Result extends Score {
  readonly kind: Kind;
  readonly prior: Prior;
  readonly controls: Readonly<Record<string, Score>>;
}

const concepts = readConcepts(values.concepts).filter(({icons}) => icons[values.vendor]);
const drawings = await loadDrawings(concepts, [values.vendor], ART_SIZE, console.error);
const maker = new SceneMaker(concepts, drawings, plain);
const emu = await Emu.load(values.model);

function draw(kind: Kind, random: Random): Asked {
  if (isClip(kind)) {
    const {clip, question} = drawClipQuestion(kind, maker, random);
    return {kind, question, frames: clip.frames.map((scene) => scenePicture(scene, PICTURE_SIZE))};
  }
  const {scene, question} = drawQuestion(kind, maker, random);
  return {kind, question, frames: [scenePicture(scene, PICTURE_SIZE)]};
}

async function isRight({kind, frames, question: {question, answer}}: Asked): Promise<boolean> {
  const shown: Item = isClip(kind) ? {type: 'video', frames} : {type: 'image', picture: frames[0]!};
  const said =
    kind === 'caption'
      ? await ask(emu, [shown], 'caption')
      : await ask(emu, [shown, {type: 'text', text: question}], isClip(kind) ? 'video-qa' : 'vqa');
  // Of what may be absent only this counts: whether the model says so.
  const isRefusal = (text: string) => /^there is no\b/i.test(text);
  return kind === 'absent' ? isRefusal(said) === isRefusal(answer) : isSame(said, answer);
}

async function score(asked: readonly Asked[]): Promise<Score> {
  let right = 0;
  for (const one of asked) if (await isRight(one)) right++;
  return {right, count: asked.length};
}

const blank: Picture = {
  width: PICTURE_SIZE,
  height: PICTURE_SIZE,
  data: new Uint8Array(3 * PICTURE_SIZE * PICTURE_SIZE).fill(255),
};

async function scoreKind(kind: Kind): Promise<Result> {
  const stream = allKinds.indexOf(kind);
  const random = new Random(seed, stream);
  const asked = Array.from({length: count}, () => draw(kind, random));
  const some = asked.slice(0, controls);
  const shown = (frames: (one: Asked, i: number) => readonly Picture[]) =>
    score(some.map((one, i) => ({...one, frames: frames(one, i)})));
  const priorRandom = new Random(seed, allKinds.length + stream);
  const drawOne = () =>
    isClip(kind)
      ? drawClipQuestion(kind, maker, priorRandom).question
      : drawQuestion(kind, maker, priorRandom).question;
  return {
    kind,
    ...(await score(asked)),
    prior: measurePrior(drawOne, draws),
    controls: {
      blank: await shown(({frames}) => frames.map(() => blank)),
      shuffled: await shown((_, i) => some[(i + 1) % some.length]!.frames),
      ...(isClip(kind) && {
        'first frame': await shown(({frames}) => frames.map(() => frames[0]!)),
        backwards: await score(
          some.map((one) => ({
            ...one,
            frames: one.frames.toReversed(),
            question: reversed(one.question),
          })),
        ),
      }),
    },
  };
}

/** How many standard errors a score is above the better of the two priors. */
function above(result: Result): number {
  const {majority, wording} = result.prior;
  // A score of nothing or everything has an error all the same: that of one wrong answer more or less.
  const error = Math.max(standardError(result), 1 / result.count);
  return (share(result) - Math.max(majority, wording)) / error;
}

const line = (cells: readonly string[]) =>
  cells.map((cell, i) => (i === 0 ? cell.padEnd(11) : cell.padStart(9))).join('');

if (!values.json)
  console.log(line(['kind', 'right %', 'error', 'n', 'majority', 'wording', 'above', 'controls']));
const results: Result[] = [];
for (const kind of kinds) {
  const result = await scoreKind(kind);
  results.push(result);
  if (values.json) continue;
  const {majority, wording} = result.prior;
  const cells = [share(result), standardError(result)].map(percent);
  const told = Object.entries(result.controls).map(([name, s]) => `${name} ${percent(share(s))}`);
  const numbers = [String(result.count), percent(majority), percent(wording)];
  console.log(
    `${line([kind, ...cells, ...numbers, above(result).toFixed(1)])}  ${told.join(', ')}`,
  );
}
const naming = {
  caption: await scoreNaming(emu, concepts, values.vendor, undefined),
  'what is this?': await scoreNaming(emu, concepts, values.vendor, 'what is this?'),
};
const {mode} = emu;
emu.close();

if (values.json) {
  const withNumbers = results.map((result) => ({
    ...result,
    share: share(result),
    standardError: standardError(result),
    above: above(result),
  }));
  console.log(
    JSON.stringify({
      model: values.model,
      mode,
      vendor: values.vendor,
      seed,
      results: withNumbers,
      naming,
    }),
  );
} else
  for (const [how, named] of Object.entries(naming))
    console.log(
      `${values.vendor} on white, ${how}: ${named.right} of ${named.count} named, ${percent(share(named))} % (standard error ${percent(standardError(named))})`,
    );
