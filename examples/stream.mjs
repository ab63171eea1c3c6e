// Tokens as they become certain: node examples/stream.mjs [PICTURE]
import {fileURLToPath} from 'node:url';
import {Emu, readImage} from 'emu-multimodal';

const tiger = fileURLToPath(new URL('../fixtures/streamline-tiger.png', import.meta.url));
const emu = await Emu.load('emu-mini');
try {
  const picture = await readImage(process.argv[2] ?? tiger);
  const options = {task: 'caption', numBeams: 1};
  for await (const event of emu.generateText([{type: 'image', picture}], options)) {
    if (event.type === 'text') process.stdout.write(event.delta);
    else console.log(` (${event.result.tokens.length} tokens)`);
  }
} finally {
  emu.close();
}
