// What training reads: conversations as the commands ask, and documents, by number and stream alone.
import {writeFileSync} from 'node:fs';
import path from 'node:path';
import {suite} from 'uvu';
import * as assert from 'uvu/assert';
import type {Sample} from '../../../src/data/dataset.js';
import {Random} from '../../../src/random.js';
import {buildPrompt, imagePlaceholder} from '../../../src/text/prompt.js';
import {splitWords} from '../../../src/text/wordTokenizer.js';
import {openDataset} from '../../../src/train/data/openDataset.js';
import {sourceSpec} from '../../../src/train/data/spec.js';
import type {Concept} from '../../../src/train/emoji/art.js';
import {describeScenes, readConcepts} from '../../../src/train/emoji/open.js';
import {SceneSource} from '../../../src/train/emoji/sceneSource.js';
import type {SceneSpec} from '../../../src/train/emoji/spec.js';
import {temporaryFolder} from '../../support/temporary.js';
import {writeTinyRecipe} from '../tinyRecipe.js';
import {shapeMaker} from './shapes.js';

const test = suite('sceneSource');
const IMAGE_SIZE = 16;
const N = 4;
const realConcepts = readConcepts('recipes/naming200.json');
const realWords = describeScenes(
  sourceSpec.parse({
    kind: 'scenes',
    concepts: 'recipes/naming200.json',
    vendors: ['noto'],
  }) as SceneSpec,
).words;
const source = new SceneSource(shapeMaker(realConcepts), {imageSize: IMAGE_SIZE});

function read(count: number, from = source, seed = 41): Promise<Sample[]> {
  const indices = Array.from({length: count}, (_, i) => i);
  return Promise.all(indices.map((index) => from.read(index, new Random(seed, index))));
}

/** The sample as the model reads it, `<image>` tokens in place. */
function written({parts}: Sample): string {
  return parts.map((part) => (part.type === 'text' ? part.text : imagePlaceholder(N))).join('');
}

const pictures = ({parts}: Sample) =>
  parts.flatMap((part) => (part.type === 'picture' ? [part.pixels] : []));

/** Questions and answers, turn by turn. */
function turnsOf(text: string): {question: string; answer: string}[] {
  return text
    .split('[USER]:')
    .slice(1)
    .map((turn) => {
      const [asked, answer] = turn.split('[ASSISTANT]:') as [string, string];
      return {question: asked.split('[/IMG]').at(-1)!.trim(), answer: answer.trim()};
    });
}

const instruction = 'Please provide an accurate and concise description of the given image.';

test('a sample depends on its stream alone', async () => {
  const first = await read(60);
  const again = await read(60);
  assert.equal(again.reverse(), first.reverse());
  assert.not.equal((await read(60, source, 42)).map(written), first.map(written));
});

test('pixels are the model’s input, all of one size', async () => {
  for (const sample of await read(200))
    for (const pixels of pictures(sample)) {
      assert.is(pixels.length, 3 * IMAGE_SIZE * IMAGE_SIZE);
      assert.ok(pixels.every((value) => value > -2 && value < 3));
    }
});

test('prompts are those that inference builds', async () => {
  const tasks = new Set<string>();
  for (const sample of await read(600)) {
    const text = written(sample);
    const [first] = turnsOf(text);
    const count = pictures(sample).length;
    const isCaption = first!.question === instruction;
    const task = count > 1 ? 'video-qa' : isCaption ? 'caption' : 'vqa';
    const shown =
      count > 1 ? ({type: 'video', frames: count} as const) : ({type: 'image'} as const);
    const prompt = buildPrompt({
      task,
      mode: 'instruct',
      items: isCaption ? [shown] : [shown, {type: 'text', text: first!.question}],
      numImageTokens: N,
      ...(text.startsWith('[USER]') ? {system: ''} : {}),
    });
    assert.ok(text.startsWith(`${prompt} `), `${prompt}\n${text}`);
    assert.match(text.slice(prompt.length), /^ \S.*<\/s>$/);
    tasks.add(`${task} ${text.startsWith('[USER]') ? 'alone' : 'system'}`);
  }
  assert.is(tasks.size, 6, [...tasks].join(', '));
});

test('every answer ends, and a conversation has as many turns as asked for', async () => {
  const counts = new Map<number, number>();
  for (const sample of await read(600)) {
    const turns = turnsOf(written(sample));
    for (const {question, answer} of turns) {
      assert.match(answer, /^[^<]+<\/s>$/);
      assert.not.match(question, /<|\[/);
    }
    counts.set(turns.length, (counts.get(turns.length) ?? 0) + 1);
  }
  assert.equal([...counts.keys()].sort(), [1, 2, 3]);
  const single = new SceneSource(shapeMaker(), {imageSize: IMAGE_SIZE, maxTurns: 1});
  for (const sample of await read(200, single)) assert.is(turnsOf(written(sample)).length, 1);
});

test('"and the other one?" is answered by the other one', async () => {
  const weights = {side: 1, neighbour: 1};
  const pairs = new SceneSource(shapeMaker(), {imageSize: IMAGE_SIZE, weights});
  let asked = 0;
  for (const sample of await read(200, pairs)) {
    const [first, second] = turnsOf(written(sample));
    if (!/other one\?$/.test(second?.question ?? '')) continue;
    asked++;
    assert.is.not(second!.answer, first!.answer);
    const neighbour = /(?:of|above|below) the (.+)\?$/.exec(first!.question);
    if (neighbour) assert.ok(second!.answer.includes(neighbour[1]!));
  }
  assert.ok(asked > 20, `${asked}`);
});

test('weights choose the kinds', async () => {
  const only = new SceneSource(shapeMaker(), {
    imageSize: IMAGE_SIZE,
    weights: {background: 1},
    maxTurns: 1,
  });
  for (const sample of await read(50, only))
    assert.match(turnsOf(written(sample))[0]!.question, /background\?$/);
});

test('clips come in blocks of their own, as often as their weights say', async () => {
  const options = {imageSize: IMAGE_SIZE, weights: {event: 1, exists: 3}, block: 4};
  const both = new SceneSource(shapeMaker(), options);
  const isClip = (await read(1200, both)).map((sample) => pictures(sample).length === 8);
  for (let i = 0; i < isClip.length; i += 4) assert.is(new Set(isClip.slice(i, i + 4)).size, 1);
  const share = isClip.filter(Boolean).length / isClip.length;
  assert.ok(Math.abs(share - 0.25) < 5 * Math.sqrt((0.25 * 0.75) / 300), `${share}`);
  const none = {imageSize: IMAGE_SIZE, weights: {}};
  assert.throws(() => new SceneSource(shapeMaker(), none), /no kind of question/);
});

test('the label is what a single picture shows', async () => {
  const what = new SceneSource(shapeMaker(realConcepts), {
    imageSize: IMAGE_SIZE,
    weights: {what: 1, exists: 1},
    maxTurns: 1,
  });
  const opening = /^The image depicts a photo of /;
  let labelled = 0;
  let captioned = 0;
  for (const sample of await read(200, what)) {
    const {answer} = turnsOf(written(sample))[0]!;
    if (/^(yes|no)</.test(answer)) continue;
    labelled++;
    if (opening.test(answer)) captioned++;
    const said = answer.replace(opening, '').replace(/^an? |<\/s>$/g, '');
    assert.is(said, realConcepts[sample.label!]!.label);
  }
  assert.ok(labelled > 50);
  // Those on white, by the official instruction half of the time.
  assert.ok(captioned > 0.05 * labelled && captioned < 0.4 * labelled, `${captioned}`);
});

test('no word is outside the vocabulary', async () => {
  const known = new Set(realWords);
  for (const sample of await read(3000))
    for (const {question, answer} of turnsOf(written(sample))) {
      // The official instruction's own words may be unknown: they are read, never said.
      const read = question === instruction ? '' : question;
      for (const word of splitWords(`${read} ${answer.replace('</s>', '')}`))
        assert.ok(known.has(word), `${word} in ${question} ${answer}`);
    }
});

test('the plain form has the same questions and answers without the template', async () => {
  const plain = new SceneSource(shapeMaker(realConcepts), {imageSize: IMAGE_SIZE, form: 'plain'});
  for (const sample of await read(200, plain)) {
    const text = written(sample);
    assert.match(text, /^(\[IMG\](<image>)+\[\/IMG\])+[^[]+<\/s>$/);
    assert.ok(pictures(sample).length > 0);
  }
});

test('without categories nobody asks for them', async () => {
  const uncategorized = realConcepts.map(({hex, label, icons}): Concept => ({hex, label, icons}));
  const plainSource = new SceneSource(shapeMaker(uncategorized), {imageSize: IMAGE_SIZE});
  for (const sample of await read(300, plainSource))
    assert.not.match(written(sample), /what kind of/);
});

const folder = temporaryFolder();
process.env.EMU_CACHE_DIR = folder;
writeTinyRecipe(folder);
const shapes = readConcepts(path.join(folder, 'concepts.json'));
const context = {imageSize: IMAGE_SIZE, prepare: () => ({pixels: new Float32Array()}), seed: 1};
const open = (kind: string, concepts: readonly Concept[], options: object) => {
  const file = path.join(folder, `${kind}-concepts.json`);
  writeFileSync(file, JSON.stringify(concepts));
  const spec = {kind, concepts: file, vendors: ['noto', 'twemoji'], artSize: 16, ...options};
  return openDataset(sourceSpec.parse(spec), context);
};

test('opens a vendor’s art', async () => {
  const labels = ['disc', 'box', 'bar'];
  const apart = shapes.map((concept, i) => ({...concept, label: labels[i]!}));
  const options = {questions: {what: 1, exists: 1}};
  const opened = await open('scenes', apart, options);
  assert.match(written(await opened.read(0, new Random(1))), /disc|box|bar/);
  const undrawn = [...apart, {hex: 'x', label: 'ghost', icons: {}}];
  let message = '';
  await open('scenes', undrawn, options).catch((error: Error) => {
    message = error.message;
  });
  assert.match(message, /no drawing of ghost by noto, twemoji/);
});

test('documents are a data set: by number and stream, interleaved ones in blocks', async () => {
  const documents = await open('emoji', shapes, {
    documents: {caption: 2, question: 1, draw: 1, interleaved: 1},
  });
  const indices = Array.from({length: 640}, (_, i) => i);
  const readAll = () =>
    Promise.all(indices.map((index) => documents.read(index, new Random(7, index))));
  const samples = await readAll();
  assert.equal(await readAll(), samples);
  const patterns = {
    caption: /^\[IMG\](<image>){4}\[\/IMG\]a (disc|box|bar) shape<\/s>$/,
    question: /^\[IMG\](<image>){4}\[\/IMG\]what [^?]+\? a (disc|box|bar) shape<\/s>$/,
    draw: /^a (disc|box|bar) shape\[IMG\](<image>){4}\[\/IMG\]<\/s>$/,
    interleaved: /^(\[IMG\](<image>){4}\[\/IMG\]a (disc|box|bar) shape\.){2,3}<\/s>$/,
  };
  const found: Record<string, number> = {};
  const kinds = samples.map((sample) => {
    const text = written(sample);
    const fitting = Object.entries(patterns).filter(([, pattern]) => pattern.test(text));
    assert.is(fitting.length, 1, text);
    const [kind] = fitting[0]!;
    found[kind] = (found[kind] ?? 0) + 1;
    assert.is(sample.label !== undefined, kind !== 'interleaved');
    if (sample.label !== undefined) assert.ok(text.includes(shapes[sample.label]!.label));
    return kind;
  });
  for (let i = 0; i < 640; i += 64)
    assert.is(new Set(kinds.slice(i, i + 64).map((kind) => kind === 'interleaved')).size, 1);
  assert.is(Object.keys(found).length, 4, JSON.stringify(found));
  assert.ok(found.caption! > 1.3 * found.question!, JSON.stringify(found));
});

test.run();
