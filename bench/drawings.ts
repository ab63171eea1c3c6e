// How good emu-mini's drawings are: 200 concepts drawn from their names, and named by a recogniser that knows
// neither emu-mini nor the drawings it was trained on (ridge regression on hand-made features, trained on
// OpenMoji, Streamline and EmojiOne v1). Beside it the rate for real drawings, and how many drawings are
// copies of one that was trained on.
//   npm run bench drawings -- [--model emu-mini] [--steps 50] [--guidance 7.5] [--limit 200] [--sheet FILE]
// The sets come from npm at this time; OpenMoji is CC-BY-SA, and none of it is kept.
import {parseArgs} from 'node:util';
import sharp from 'sharp';
import {readImage} from '../src/data/image.js';
import type {Picture} from '../src/data/picture.js';
import {Emu} from '../src/emu.js';
import {type Concept, fetchArt, renderOnWhite} from '../src/train/emoji/art.js';
import {readConcepts} from '../src/train/emoji/open.js';
import {caption} from '../src/train/emoji/words.js';
import {cropToDrawing, features, mirrored, SIDE} from './recogniser/features.js';
import {Ridge} from './recogniser/ridge.js';

const {values} = parseArgs({
  options: {
    model: {type: 'string', default: 'emu-mini'},
    concepts: {type: 'string', default: 'recipes/naming200.json'},
    steps: {type: 'string', default: '50'},
    guidance: {type: 'string', default: '7.5'},
    limit: {type: 'string', default: '200'},
    /** A picture of drawings with their prompts. */
    sheet: {type: 'string'},
  },
});

const judges = ['openmoji', 'streamline-emojis', 'emojione-v1'];
/** What the decoder was trained on (recipes/emu-mini-decoder.yaml). */
const trainedOn = ['noto', 'noto-v1', 'twemoji', 'fluent-emoji-flat', 'emojione', 'fxemoji'];
const real = ['noto', 'twemoji'];
const PENALTY = 0.1;
/** Correlation from which on a drawing counts as a copy. */
const COPY = 0.9;

const concepts = readConcepts(values.concepts);
fetchArt([...judges, ...trainedOn], console.error);

async function artOf(concept: Concept, vendor: string): Promise<Uint8Array | undefined> {
  if (!concept.icons[vendor]) return undefined;
  return cropToDrawing(await readImage(await renderOnWhite(concept, vendor, 2 * SIDE)));
}

async function learnFrom(vendors: readonly string[]): Promise<Ridge> {
  const examples: Float64Array[] = [];
  const labels: number[] = [];
  for (const vendor of vendors)
    for (const [label, concept] of concepts.entries()) {
      const pixels = await artOf(concept, vendor);
      if (!pixels) continue;
      for (const view of [pixels, mirrored(pixels)]) {
        examples.push(features(view));
        labels.push(label);
      }
    }
  return new Ridge(examples, labels, concepts.length, PENALTY);
}

/** Differences from the mean, of unit length: their products are correlations. */
function centred(pixels: Uint8Array): Float64Array {
  const mean = pixels.reduce((sum, value) => sum + value, 0) / pixels.length;
  const out = Float64Array.from(pixels, (value) => value - mean);
  const length = Math.sqrt(out.reduce((sum, value) => sum + value * value, 0)) || 1;
  return out.map((value) => value / length);
}

async function drawing(emu: Emu, label: string): Promise<Picture> {
  const {steps, guidance} = values;
  const options = {steps: Number(steps), guidance: Number(guidance), seed: 0};
  for await (const event of emu.generateImage([{type: 'text', text: caption(label)}], options))
    if (event.type === 'picture') return event.picture;
  throw new Error('no picture came');
}

/** Drawings in rows of ten, their prompts below. */
async function writeSheet(
  file: string,
  drawn: readonly {label: string; picture: Picture}[],
): Promise<void> {
  const [across, side, gap, line] = [10, 96, 12, 26];
  const height = Math.ceil(drawn.length / across) * (side + line + gap) + gap;
  const width = across * (side + gap) + gap;
  const place = (i: number) => ({
    left: gap + (i % across) * (side + gap),
    top: gap + Math.floor(i / across) * (side + line + gap),
  });
  const words = drawn.map(({label}, i) => {
    const {left, top} = place(i);
    const text = caption(label).replace(/&/g, '&amp;').replace(/</g, '&lt;');
    const size = Math.min(13, (1.7 * side) / text.length);
    return `<text x="${left + side / 2}" y="${top + side + 16}" text-anchor="middle" font-family="sans-serif" font-size="${size}">${text}</text>`;
  });
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}">${words.join('')}</svg>`;
  const tiles = await Promise.all(
    drawn.map(async ({picture: {data, width, height}}, i) => ({
      input: await sharp(data, {raw: {width, height, channels: 3}})
        .resize(side, side)
        .png()
        .toBuffer(),
      ...place(i),
    })),
  );
  await sharp({create: {width, height, channels: 3, background: '#fff'}})
    .composite([...tiles, {input: Buffer.from(svg), left: 0, top: 0}])
    .png({palette: true})
    .toFile(file);
}

const percent = (count: number, of: number) =>
  `${count} of ${of}, ${((100 * count) / of).toFixed(1)} %`;

const judge = await learnFrom(judges);
for (const vendor of real) {
  let [right, count] = [0, 0];
  for (const [label, concept] of concepts.entries()) {
    const pixels = await artOf(concept, vendor);
    if (!pixels) continue;
    count++;
    if (judge.classify(features(pixels)) === label) right++;
  }
  console.log(`real ${vendor} drawings named right: ${percent(right, count)}`);
}

const known: Float64Array[] = [];
for (const vendor of trainedOn)
  for (const concept of concepts) {
    const pixels = await artOf(concept, vendor);
    if (pixels) known.push(centred(pixels), centred(mirrored(pixels)));
  }

const emu = await Emu.load(values.model);
const drawn: {label: string; picture: Picture}[] = [];
let [right, copies] = [0, 0];
for (const [label, concept] of concepts.slice(0, Number(values.limit)).entries()) {
  const picture = await drawing(emu, concept.label);
  drawn.push({label: concept.label, picture});
  const pixels = await cropToDrawing(picture);
  if (judge.classify(features(pixels)) === label) right++;
  const own = centred(pixels);
  const nearest = known.reduce((most, other) => {
    let sum = 0;
    for (let i = 0; i < own.length; i++) sum += own[i]! * other[i]!;
    return Math.max(most, sum);
  }, 0);
  if (nearest > COPY) copies++;
}
emu.close();
const chance = (100 / concepts.length).toFixed(1);
console.log(
  `${values.model}'s drawings named right: ${percent(right, drawn.length)} (chance ${chance} %)`,
);
console.log(
  `correlated above ${COPY} with a drawing that was trained on: ${percent(copies, drawn.length)}`,
);
if (values.sheet) await writeSheet(values.sheet, drawn);
