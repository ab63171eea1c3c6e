// Going on with a prompt in text: greedy search, beam search and sampling with the semantics of
// transformers 4.31's generate() for a prompt of embeddings: ids start from one BOS, lengths count it,
// and penalties see it and the new ids but never the prompt. B sequences, V vocabulary.
import {EmuError} from '../errors.js';
import {beamSearch} from './beamSearch.js';
import {greedySearch} from './greedy.js';
import {sample} from './sampling.js';

/** A model with a prompt: what the search asks for scores. */
export interface Decoder {
  readonly vocabSize: number;
  /** Logits [V] of the first new token. */
  prefill(): Float32Array | Promise<Float32Array>;
  /** Sequence i goes on from parents[i] of the step before with tokens[i]: logits [B, V]. */
  step(tokens: readonly number[], parents: readonly number[]): Float32Array | Promise<Float32Array>;
}

export interface GenerationOptions {
  /** transformers' max_length less one (BOS). */
  readonly maxNewTokens: number;
  /** transformers' min_length: ids, BOS counted, before the end may come. */
  readonly minLength: number;
  readonly numBeams: number;
  /** Beams are compared by score / length ** lengthPenalty. */
  readonly lengthPenalty: number;
  readonly repetitionPenalty: number;
  /** 0: runs may repeat. */
  readonly noRepeatNgramSize: number;
  readonly numReturnSequences: number;
  /** Draw tokens instead of taking the likeliest; one beam only. */
  readonly doSample: boolean;
  readonly temperature: number;
  /** 0: all. */
  readonly topK: number;
  /** 1: all. */
  readonly topP: number;
  readonly seed: number;
  readonly bosId: number;
  readonly eosId: number;
  /** Which ids may follow the new ids so far (BOS not among them); none: the end alone. Default: all. */
  readonly allowed?: (newIds: readonly number[]) => readonly number[];
  readonly signal?: AbortSignal;
}

export interface GeneratedSequence {
  /** BOS first; the end last unless the longest length was reached. */
  readonly ids: readonly number[];
  /** Beam search: log probability / length ** lengthPenalty, in float32. */
  readonly score?: number;
}

export type GenerationEvent =
  /** Ids that the best answer is now certain to have next; together they are its ids without BOS. */
  | {readonly type: 'tokens'; readonly ids: readonly number[]}
  /** Best first. */
  | {readonly type: 'done'; readonly sequences: readonly GeneratedSequence[]};

/** How many sequences a decoder has to hold at once. */
export function numRows(options: GenerationOptions): number {
  return options.doSample ? options.numReturnSequences : options.numBeams;
}

/**
 * Goes on with the decoder's prompt. Each decoder is used once. Throws EmuError (usage) for options
 * that make no sense together, and the signal's reason when it is aborted between two steps.
 */
export function generate(
  decoder: Decoder,
  options: GenerationOptions,
): AsyncGenerator<GenerationEvent> {
  checkOptions(options);
  if (options.doSample) return sample(decoder, options);
  return options.numBeams === 1 ? greedySearch(decoder, options) : beamSearch(decoder, options);
}

function checkOptions(options: GenerationOptions): void {
  const isCount = (least: number) => (value: number) =>
    Number.isSafeInteger(value) && value >= least;
  const isPositive = (value: number) => Number.isFinite(value) && value > 0;
  const rules: [keyof GenerationOptions, (value: number) => boolean, string][] = [
    ['maxNewTokens', isCount(1), 'a whole number from 1'],
    ['minLength', isCount(0), 'a whole number from 0'],
    ['numBeams', isCount(1), 'a whole number from 1'],
    ['numReturnSequences', isCount(1), 'a whole number from 1'],
    ['noRepeatNgramSize', isCount(0), 'a whole number from 0'],
    ['topK', isCount(0), 'a whole number from 0'],
    ['seed', isCount(0), 'a whole number from 0'],
    ['lengthPenalty', Number.isFinite, 'a number'],
    ['repetitionPenalty', isPositive, 'a number above 0'],
    ['temperature', isPositive, 'a number above 0'],
    ['topP', (value) => value >= 0 && value <= 1, 'a number from 0 to 1'],
  ];
  for (const [name, isValid, expected] of rules)
    if (!isValid(options[name] as number))
      throw usage(`expected ${name} to be ${expected}, got ${options[name]}`);
  const {doSample, numBeams, numReturnSequences, minLength, maxNewTokens} = options;
  if (minLength > maxNewTokens + 1)
    throw usage(
      `the least number of new tokens (${minLength - 1}) is above the most (${maxNewTokens})`,
    );
  if (doSample && numBeams > 1)
    throw usage(`sampling goes with one beam, got ${numBeams} beams; choose one of the two`);
  if (!doSample && numReturnSequences > numBeams)
    throw usage(
      `${numReturnSequences} answers need as many beams, got ${numBeams}; raise the beams or sample`,
    );
}

function usage(problem: string): EmuError {
  return new EmuError(`generate: ${problem}`, {code: 'bad_option', reason: 'usage'});
}
