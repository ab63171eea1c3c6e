// Stops a drawing of a thousand steps after 0.2 seconds: node examples/stop.mjs
import {Emu} from 'emu-multimodal';

const emu = await Emu.load('emu-mini');
try {
  const signal = AbortSignal.timeout(200);
  const items = [{type: 'text', text: 'a tomato'}];
  for await (const event of emu.generateImage(items, {steps: 999, signal}))
    if (event.type === 'done') console.log('drawn after all');
} catch (error) {
  if (error.name !== 'TimeoutError') throw error;
  console.log('stopped');
} finally {
  emu.close();
}
