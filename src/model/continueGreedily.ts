import type tf from '#tfjs';
import {LlamaDecoder} from './decoder.js';
import {generate} from './generate.js';
import type {Llama} from './llama.js';

/**
 * The likeliest tokens after a prompt's embeddings [1, T, C], which are disposed; BOS first, as official,
 * and the end last unless `maxNewTokens` were reached.
 */
export async function continueGreedily(
  llama: Llama,
  embeds: tf.Tensor3D,
  {bos, eos}: {readonly bos: number; readonly eos: number},
  maxNewTokens: number,
): Promise<readonly number[]> {
  const decoder = new LlamaDecoder(llama, embeds, 1, maxNewTokens);
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
