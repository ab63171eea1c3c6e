// Draws: node examples/draw.mjs [PROMPT]
import {writeFile} from 'node:fs/promises';
import {Emu, encodePng} from 'emu-multimodal';

const prompt = process.argv[2] ?? 'a tomato';
const emu = await Emu.load('emu-mini');
try {
  const drawing = emu.generateImage([{type: 'text', text: prompt}], {
    scheduler: 'dpm++2m',
    steps: 12,
    seed: 1,
  });
  for await (const event of drawing) {
    if (event.type === 'step') process.stderr.write(`\rstep ${event.step} of ${event.steps}`);
    if (event.type !== 'picture') continue;
    await writeFile('drawing.png', await encodePng(event.picture, {Description: prompt}));
    const {width, height} = event.picture;
    console.log(`drawing.png, ${width} x ${height}, seed ${event.settings.seed}`);
  }
} finally {
  emu.close();
}
