// Texts and pictures in any order, and the model goes on: it learns from two examples what is wanted.
//   node examples/interleave.mjs
import {fileURLToPath} from 'node:url';
import {Emu, readImage} from 'emu-multimodal';

const place = (name) => fileURLToPath(new URL(`../fixtures/${name}`, import.meta.url));
const picture = async (name) => ({
  type: 'image',
  picture: await readImage(place(`streamline-${name}.png`)),
});
const text = (words) => ({type: 'text', text: words});
const emu = await Emu.load('emu-mini');
try {
  const items = [
    await picture('tiger'),
    text('a tiger.'),
    await picture('umbrella'),
    text('an umbrella.'),
    await picture('cherries'),
  ];
  const options = {task: 'incontext', numBeams: 1, maxTokens: 8};
  for await (const event of emu.generateText(items, options))
    if (event.type === 'done') console.log(event.result.text);
} finally {
  emu.close();
}
