// The likeliest token at every step (transformers 4.31, greedy_search).
import type {Decoder, GenerationEvent, GenerationOptions} from './generate.js';
import {makeLogitsProcessor, notNumbers} from './logitsProcessors.js';
import {nextTurn} from './nextTurn.js';

export async function* greedySearch(
  decoder: Decoder,
  options: GenerationOptions,
): AsyncGenerator<GenerationEvent> {
  const {maxNewTokens, eosId, bosId, signal} = options;
  const process = makeLogitsProcessor(options);
  const ids = [bosId];
  let logits = await nextTurn(signal, () => decoder.prefill());
  for (;;) {
    const scores = Float32Array.from(logits);
    process(scores, ids);
    const next = indexOfLargest(scores);
    ids.push(next);
    yield {type: 'tokens', ids: [next]};
    if (next === eosId || ids.length > maxNewTokens) break;
    logits = await nextTurn(signal, () => decoder.step([next], [0]));
  }
  yield {type: 'done', sequences: [{ids}]};
}

/** The first of the largest. */
function indexOfLargest(scores: Float32Array): number {
  let best = 0;
  for (let i = 0; i < scores.length; i++) {
    if (Number.isNaN(scores[i])) throw notNumbers();
    if (scores[i]! > scores[best]!) best = i;
  }
  return best;
}
