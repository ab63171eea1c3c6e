import type * as tf from '@tensorflow/tfjs';
import {LlamaDecoder} from '../../src/model/decoder.js';
import {generate} from '../../src/model/generate.js';
import type {Llama} from '../../src/model/llama.js';
import type {Tokenizer} from '../../src/text/tokenizer.js';

/** Greedy tokens after a prompt's embeddings, which are disposed; they start with BOS as official. */
export async function greedyIds(
  llama: Llama,
  tokenizer: Tokenizer,
  embeds: tf.Tensor3D,
  maxNewTokens: number,
): Promise<readonly number[]> {
  const decoder = new LlamaDecoder(llama, embeds, 1, maxNewTokens);
  const {bos, eos} = tokenizer.ids;
  const options = {
    maxNewTokens,
    minLength: 1,
    numBeams: 1,
    lengthPenalty: 1,
    repetitionPenalty: 1,
    noRepeatNgramSize: 0,
    numReturnSequences: 1,
    doSample: false,
    temperature: 1,
    topK: 0,
    topP: 1,
    seed: 0,
    bosId: bos,
    eosId: eos,
  };
  try {
    for await (const event of generate(decoder, options))
      if (event.type === 'done') return event.sequences[0]!.ids;
  } finally {
    decoder.dispose();
  }
  throw new Error('generate ended without a result');
}
