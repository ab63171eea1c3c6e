// A picture's embeddings regressed with a key-value cache next to a whole pass for each, as the official code
// does: seconds, and how far apart they are.
// Run: npm run bench embeddings [model] [tokens of the prompt] [repeats]
import {performance} from 'node:perf_hooks';
import tf from '#tfjs';
import {selectBackend} from '../src/kernels/backend.js';
import {EmuModel} from '../src/model/emu.js';
import {regressImages} from '../src/model/regressImages.js';
import {median} from '../src/train/median.js';
import {openModel} from '../src/weights/openModel.js';
import {Weights} from '../src/weights/weights.js';
import {regressByFullPasses} from '../test/support/fullRegression.js';

const [name = 'emu-mini', length = '32', repeats = '5'] = process.argv.slice(2);
const {threads, isa} = selectBackend();
const {config, checkpoint} = openModel(name);
const model = new EmuModel(Weights.open(checkpoint), config);
const ids = Array.from({length: Number(length)}, (_, i) => 4 + (i % 50));
const none = {pad: 0, image: -1};

const cached = () => regressImages(model, [ids], none);
const full = () => tf.tidy(() => regressByFullPasses(model, model.embedPrompt([ids], -1)));

function seconds(run: () => tf.Tensor): number {
  const started = performance.now();
  const result = run();
  result.dataSync();
  result.dispose();
  return (performance.now() - started) / 1000;
}

const distance = tf.tidy(() => tf.max(tf.abs(tf.sub(cached(), full()))).dataSync()[0]!);
const ratios: number[] = [];
const times = {cached: [] as number[], full: [] as number[]};
for (let i = 0; i < Number(repeats); i++) {
  times.cached.push(seconds(cached));
  times.full.push(seconds(full));
  ratios.push(times.full.at(-1)! / times.cached.at(-1)!);
}
const ms = (all: number[]) => `${(1000 * median(all)).toFixed(1)} ms`;
console.log(`${name}, ${isa}, ${threads} threads, prompt of ${length} tokens`);
console.log(`with a cache     ${ms(times.cached)}`);
console.log(`${config.causalFormer.numTokens} whole passes  ${ms(times.full)}`);
console.log(
  `${median(ratios).toFixed(2)} times as fast; largest distance ${distance.toExponential(1)}`,
);
