// Eight made-up pictures, each with a caption and a conversation, and a model small enough to learn them
// by heart within seconds.
import {mkdirSync, writeFileSync} from 'node:fs';
import path from 'node:path';
import sharp from 'sharp';
import {Random} from '../../src/random.js';

const SIZE = 16;

interface Drawn {
  readonly colour: string;
  readonly shape: string;
  readonly fill: string;
  readonly body: string;
  readonly caption: string;
}

const disc = '<circle cx="8" cy="8" r="6"/>';
const box = '<rect x="3" y="3" width="10" height="10"/>';
const bar = '<rect x="1" y="6" width="14" height="4"/>';
const cross = '<path d="M6 1h4v5h5v4h-5v5H6v-5H1V6h5z"/>';

/** Of different lengths, so that rows are ragged. */
export const drawn: readonly Drawn[] = [
  {colour: 'red', shape: 'disc', fill: '#d22', body: disc, caption: 'a red disc'},
  {colour: 'blue', shape: 'disc', fill: '#22d', body: disc, caption: 'a disc as blue as the sea'},
  {colour: 'green', shape: 'box', fill: '#2b2', body: box, caption: 'one green box'},
  {colour: 'red', shape: 'box', fill: '#d22', body: box, caption: 'red, and a box'},
  {colour: 'blue', shape: 'bar', fill: '#22d', body: bar, caption: 'bar'},
  {colour: 'green', shape: 'bar', fill: '#2b2', body: bar, caption: 'this bar is green.'},
  {colour: 'black', shape: 'cross', fill: '#111', body: cross, caption: 'a black cross on noise'},
  {colour: 'blue', shape: 'cross', fill: '#22d', body: cross, caption: 'here a cross stands, blue'},
];

export const questions = ['which colour is it?', 'which shape has it?'] as const;

/** What is said of picture `i` when every picture is given what belongs to the `shift`-th after it. */
export function saidOf(i: number, shift = 0): {caption: string; answers: readonly string[]} {
  const {caption, colour, shape} = drawn[(i + shift) % drawn.length]!;
  return {caption, answers: [`it is ${colour}.`, `a ${shape}`]};
}

export const pictureFile = (folder: string, i: number) => path.join(folder, `${i}.png`);

/** `0.png` to `7.png`, metadata.jsonl with the captions, conversations.json with a question each way. */
export async function writePictures(folder: string, shift = 0): Promise<void> {
  mkdirSync(folder, {recursive: true});
  const random = new Random(5);
  const numbers = drawn.map((_, i) => i);
  for (const i of numbers) {
    const {fill, body} = drawn[i]!;
    const ground = `rgb(${[0, 0, 0].map(() => 200 + random.below(56)).join()})`;
    const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${SIZE}" height="${SIZE}"><rect width="16" height="16" fill="${ground}"/><g fill="${fill}">${body}</g></svg>`;
    await sharp(Buffer.from(svg)).png().toFile(pictureFile(folder, i));
  }
  const captions = numbers.map((i) => ({file_name: `${i}.png`, text: saidOf(i, shift).caption}));
  writeFileSync(
    path.join(folder, 'metadata.jsonl'),
    captions.map((line) => `${JSON.stringify(line)}\n`).join(''),
  );
  const conversations = numbers.flatMap((i) =>
    questions.map((question, k) => ({
      image: `${i}.png`,
      conversations: [
        {from: 'human', value: `<image>\n${question}`},
        {from: 'gpt', value: saidOf(i, shift).answers[k]},
      ],
    })),
  );
  writeFileSync(path.join(folder, 'conversations.json'), JSON.stringify(conversations));
}

/** Sizes of a recipe, as YAML: a plain patch embedding, so that a batch may be cut anywhere. */
export const smallModel = JSON.stringify({
  vision: {imageSize: SIZE, patchSize: 4, layers: 1, width: 32, headWidth: 16, mlpRatio: 2},
  causalFormer: {
    numTokens: 2,
    layers: 1,
    hiddenSize: 32,
    numHeads: 2,
    headDim: 16,
    intermediateSize: 64,
  },
  llama: {hiddenSize: 48, layers: 2, numHeads: 3, intermediateSize: 96, contextLength: 96},
});

/** Sources of a recipe that lies beside the folder `pictures`, as YAML. */
export const pictureSources = JSON.stringify({
  captions: {kind: 'pairs', folder: 'pictures', order: 'pictureFirst'},
  questions: {kind: 'llava', files: 'pictures/conversations.json', images: 'pictures'},
});
