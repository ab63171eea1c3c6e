// A question about a picture, answered by one of the words that are given:
//   node examples/ask.mjs [PICTURE QUESTION]
import {fileURLToPath} from 'node:url';
import {Emu, readImage} from 'emu-multimodal';

const tiger = fileURLToPath(new URL('../fixtures/streamline-tiger.png', import.meta.url));
const [file = tiger, question = 'what is it?'] = process.argv.slice(2);
const emu = await Emu.load('emu-mini');
try {
  const items = [
    {type: 'image', picture: await readImage(file)},
    {type: 'text', text: question},
  ];
  for (const choices of [undefined, ['a tomato', 'a tiger', 'a cherry']])
    for await (const event of emu.generateText(items, {task: 'vqa', ...(choices && {choices})}))
      if (event.type === 'done') console.log(event.result.text);
} finally {
  emu.close();
}
