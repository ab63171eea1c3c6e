// Initial weights of a model trained from nothing.
import tf from '#tfjs';
import type {EmuConfig} from '../model/emu.js';
import type {Random} from '../random.js';

type Spread = (
  shape: readonly number[],
  config: EmuConfig,
) => number | 'ones' | 'zeros' | {readonly constant: number};
type Rule = readonly [RegExp, Spread];

const fanIn = (shape: readonly number[]) => shape.slice(1).reduce((product, n) => product * n, 1);

/**
 * First match gives the standard deviation, or a constant. Residual branches of the vision encoder
 * start at zero, convolutions as Kaiming's (arXiv 1502.01852), T5's and LLaMA's linears as theirs.
 */
const rules: readonly Rule[] = [
  [/running_mean$/, () => 'zeros'],
  [/running_var$/, () => 'ones'],
  [/norm\d?\.weight$|layernorm\.weight$|ln_visual\.weight$/, () => 'ones'],
  [/bias$/, () => 'zeros'],
  [/attn\.proj\.weight$|mlp\.fc2\.weight$/, () => 'zeros'],
  [/conv\.weight$/, (shape) => Math.sqrt(2 / fanIn(shape))],
  [/relative_attention_bias\.weight$|causal_tokens$/, () => 0.02],
  [
    /^cformer\.|stu_regress_head|patch_embed\.proj\.weight$/,
    (shape) => 1 / Math.sqrt(fanIn(shape)),
  ],
  [/^warmup\.scale$/, () => ({constant: Math.log(1 / 0.07)})], // CLIP's
  [/embed_tokens\.weight$/, () => 0.05],
  [/./, () => 0.02],
];

/** The initial value of the weight `name` (a checkpoint's own name) of that shape. */
export function initialWeight(
  name: string,
  shape: readonly number[],
  config: EmuConfig,
  random: Random,
): tf.Tensor {
  const [, rule] = rules.find(([pattern]) => pattern.test(name))!;
  const spread = rule(shape, config);
  if (spread === 'ones') return tf.ones([...shape]);
  if (spread === 'zeros') return tf.zeros([...shape]);
  if (typeof spread === 'object') return tf.fill([...shape], spread.constant);
  const count = shape.reduce((product, n) => product * n, 1);
  const values = Float32Array.from({length: count}, () => spread * random.normal());
  return tf.tensor(values, [...shape]);
}
