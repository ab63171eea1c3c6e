// What is in a picture: node examples/caption.mjs [PICTURE]
import {fileURLToPath} from 'node:url';
import {Emu, readImage} from 'emu-multimodal';

const tiger = fileURLToPath(new URL('../fixtures/streamline-tiger.png', import.meta.url));
const emu = await Emu.load('emu-mini');
try {
  const picture = await readImage(process.argv[2] ?? tiger);
  for await (const event of emu.generateText([{type: 'image', picture}], {task: 'caption'}))
    if (event.type === 'done') console.log(event.result.text);
} finally {
  emu.close();
}
