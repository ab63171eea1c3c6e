// Decoders for the tests of generation: scores from a table or a function of the ids so far.
import * as assert from 'uvu/assert';
import {
  type Decoder,
  type GeneratedSequence,
  type GenerationOptions,
  generate,
  numRows,
} from '../../src/model/generate.js';

export const BOS = 1;
export const EOS = 2;

export const defaults: GenerationOptions = {
  maxNewTokens: 10,
  minLength: 0,
  numBeams: 1,
  lengthPenalty: 0,
  repetitionPenalty: 1,
  noRepeatNgramSize: 0,
  numReturnSequences: 1,
  doSample: false,
  temperature: 1,
  topK: 0,
  topP: 1,
  seed: 0,
  bosId: BOS,
  eosId: EOS,
};

/** A decoder that counts its steps, and checks how it is used. */
export class FunctionDecoder implements Decoder {
  steps = 0;
  largestBatch = 0;
  private sequences: number[][] = [];

  /** `logits`: scores [V] of what follows the ids, which start with BOS. */
  constructor(
    readonly vocabSize: number,
    private readonly logits: (ids: readonly number[]) => ArrayLike<number>,
  ) {}

  prefill(): Float32Array {
    assert.is(this.steps, 0, 'prefill comes first, once');
    this.sequences = [[BOS]];
    return this.scores();
  }

  step(tokens: readonly number[], parents: readonly number[]): Float32Array {
    assert.ok(this.steps > 0, 'prefill comes before step');
    assert.is(tokens.length, parents.length);
    this.sequences = tokens.map((token, i) => {
      const parent = this.sequences[parents[i]!];
      assert.ok(parent, `parent ${parents[i]} is one of the ${this.sequences.length} before`);
      assert.is.not(token, EOS, 'an ended sequence does not go on');
      return [...parent, token];
    });
    return this.scores();
  }

  private scores(): Float32Array {
    this.steps++;
    this.largestBatch = Math.max(this.largestBatch, this.sequences.length);
    const out = new Float32Array(this.sequences.length * this.vocabSize);
    for (const [i, ids] of this.sequences.entries()) out.set(this.logits(ids), i * this.vocabSize);
    return out;
  }
}

/** A decoder of fixtures/generation/make.py. */
export interface TableCase {
  seed: number;
  contexts: number;
  vocabSize: number;
  eosBias: number;
  scale: number;
}

export function tableDecoder(options: TableCase): FunctionDecoder {
  const {seed, contexts, vocabSize, eosBias, scale} = options;
  const table = new Float32Array(contexts * vocabSize);
  let state = seed;
  for (let i = 0; i < table.length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    table[i] = (state >>> 8) / 2 ** 20 / scale;
  }
  for (let row = 0; row < contexts; row++) table[row * vocabSize + EOS]! += eosBias;
  return new FunctionDecoder(vocabSize, (ids) => {
    const row = ids.reduce((h, id) => (h * 31 + id + 1) % 9973, 0) % contexts;
    return table.subarray(row * vocabSize, (row + 1) * vocabSize);
  });
}

/** Logits by the ids so far (without BOS, joined by spaces), else those under `*`; absent ids are unlikely. */
export function scriptedDecoder(
  vocabSize: number,
  script: Record<string, Record<number, number>>,
): FunctionDecoder {
  return new FunctionDecoder(vocabSize, (ids) => {
    const row = script[ids.slice(1).join(' ')] ?? script['*'] ?? {};
    return Array.from({length: vocabSize}, (_, id) => row[id] ?? -20);
  });
}

export interface Outcome {
  sequences: readonly GeneratedSequence[];
  /** Ids of each `tokens` event. */
  streamed: (readonly number[])[];
}

/** Runs to the end; the streamed ids have to be the best sequence's. */
export async function run(
  decoder: FunctionDecoder,
  options: Partial<GenerationOptions>,
): Promise<Outcome> {
  const streamed: (readonly number[])[] = [];
  let sequences: readonly GeneratedSequence[] | undefined;
  const all = {...defaults, ...options};
  for await (const event of generate(decoder, all)) {
    assert.is(sequences, undefined, 'nothing comes after done');
    if (event.type === 'tokens') {
      assert.ok(event.ids.length > 0, 'an event without news');
      streamed.push(event.ids);
    } else sequences = event.sequences;
  }
  assert.ok(sequences, 'done came');
  assert.equal([BOS, ...streamed.flat()], sequences[0]!.ids, 'streamed ids are final');
  assert.is(sequences.length, all.numReturnSequences);
  assert.ok(decoder.largestBatch <= numRows(all));
  assert.ok(decoder.steps <= all.maxNewTokens);
  return {sequences, streamed};
}
