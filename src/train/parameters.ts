// What a parameter's name says of it.
import type tf from '#tfjs';

export type Tower = 'vision' | 'causalFormer' | 'llama';

/** Which tower a weight belongs to; the warm-ups' own weights learn with the vision encoder. */
export function towerOf(name: string): Tower {
  if (/^(visual|ln_visual|warmup)\./.test(name)) return 'vision';
  return name.startsWith('cformer.') ? 'causalFormer' : 'llama';
}

/** Whether it is a matrix of a layer: norms, biases, tables of positions and tokens are none. */
export function isMatrix(name: string, parameter: tf.Tensor): boolean {
  const isTable = /embed_tokens|pos_embed|cls_token|causal_tokens|relative_attention_bias/.test(
    name,
  );
  return parameter.shape.length > 1 && !isTable;
}

/** Statistics that a layer keeps, which no gradient changes. */
export function isStatistic(name: string): boolean {
  return /running_(mean|var)$/.test(name);
}
