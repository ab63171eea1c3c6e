// How often emu-mini names a drawing by artists it never saw: greedy captions of the concepts of a
// recipe, drawn by a held-out vendor on white, the article removed, equal to the label.
//   npm run score:mini -- [--model emu-mini] [--vendor openmoji] [--concepts recipes/naming200.json] [--wrong]
// OpenMoji is CC-BY-SA: it comes from its npm package at this time, and none of it is kept.
import {parseArgs} from 'node:util';
import {readImage} from '../src/data/image.js';
import {Emu} from '../src/emu.js';
import {fetchArt, renderOnWhite} from '../src/train/emoji/art.js';
import {readConcepts} from '../src/train/emoji/source.js';
import {withoutArticle} from '../src/train/emoji/words.js';

const PICTURE_SIZE = 256;

const {values} = parseArgs({
  options: {
    model: {type: 'string', default: 'emu-mini'},
    vendor: {type: 'string', default: 'openmoji'},
    concepts: {type: 'string', default: 'recipes/naming200.json'},
    wrong: {type: 'boolean', default: false},
  },
});

const {vendor} = values;
fetchArt([vendor], console.error);
const concepts = readConcepts('.', values.concepts).filter(({icons}) => icons[vendor]);
const emu = await Emu.load(values.model);
let right = 0;
for (const concept of concepts) {
  const picture = await readImage(await renderOnWhite(concept, vendor, PICTURE_SIZE));
  const options = {task: 'caption', numBeams: 1, maxTokens: 16} as const;
  let said = '';
  for await (const event of emu.generateText([{type: 'image', picture}], options))
    if (event.type === 'done') said = event.result.text;
  if (withoutArticle(said) === concept.label.toLowerCase()) right++;
  else if (values.wrong) console.log(`${concept.label}: ${said}`);
}
emu.close();

const share = right / concepts.length;
const error = Math.sqrt((share * (1 - share)) / concepts.length);
const percent = (value: number) => (100 * value).toFixed(1);
console.log(
  `${vendor}: ${right} of ${concepts.length} named, ${percent(share)} % (standard error ${percent(error)}; chance ${percent(1 / concepts.length)})`,
);
