// How often emu-mini names a drawing by artists it never saw: greedy captions of the concepts of a
// recipe, drawn by a held-out vendor on white, the article removed, equal to the label.
//   npm run score:mini -- [--model emu-mini] [--vendor openmoji] [--concepts recipes/naming200.json] [--wrong]
// OpenMoji is CC-BY-SA: it comes from its npm package at this time, and none of it is kept.
import {parseArgs} from 'node:util';
import {Emu} from '../src/emu.js';
import {fetchArt} from '../src/train/emoji/art.js';
import {readConcepts} from '../src/train/emoji/open.js';
import {percent, scoreNaming, share, standardError} from './ask.js';

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
const emu = await Emu.load(values.model);
const concepts = readConcepts(values.concepts);
const score = await scoreNaming(emu, concepts, vendor, undefined, (label, said) => {
  if (values.wrong) console.log(`${label}: ${said}`);
});
emu.close();

console.log(
  `${vendor}: ${score.right} of ${score.count} named, ${percent(share(score))} % (standard error ${percent(standardError(score))}; chance ${percent(1 / score.count)})`,
);
