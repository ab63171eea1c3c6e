// Which vocabulary a pretrained model gets: LLaMA's, its data's words, or the one it has with new words.
import tf from '#tfjs';
import {InputError} from '../errors.js';
import type {Random} from '../random.js';
import {loadTokenizer, type Tokenizer} from '../text/tokenizer.js';
import {WordTokenizer, wordSpecials} from '../text/wordTokenizer.js';
import type {PretrainRecipe} from './recipe/pretrain.js';
import type {InitialModel} from './trainedModel.js';

export interface Vocabulary {
  readonly tokenizer: Tokenizer;
  /** A word vocabulary's tokens, for vocab.json; none: a SentencePiece vocabulary. */
  readonly words?: readonly string[];
  /** Tokens that the initial model does not have; they come last. */
  readonly added: number;
}

/** The vocabulary that a recipe asks for; `words` are those that its sources use. */
export function chooseVocabulary(
  recipeFile: string,
  {vocabulary}: Pick<PretrainRecipe, 'vocabulary'>,
  initial: InitialModel | undefined,
  words: readonly string[],
): Vocabulary {
  if (!initial) {
    if (vocabulary !== 'words') return {tokenizer: loadTokenizer({mode: 'pretrain'}), added: 0};
    if (words.length === 0)
      throw new InputError(recipeFile, 'vocabulary: words, but no source says which words it uses');
    const tokens = [...wordSpecials, ...[...new Set(words)].sort()];
    return {tokenizer: new WordTokenizer(tokens), words: tokens, added: 0};
  }
  const tokenizer = initial.tokenizer(initial.mode);
  if (!(tokenizer instanceof WordTokenizer)) {
    if (vocabulary === 'words')
      throw new InputError(
        recipeFile,
        `vocabulary: words, but ${initial.checkpoint.path} has another kind of vocabulary`,
        'leave the key out',
      );
    return {tokenizer, added: 0};
  }
  const known = new Set(tokenizer.tokens);
  const fresh =
    vocabulary === 'words'
      ? [...new Set([...wordSpecials, ...words])].filter((word) => !known.has(word)).sort()
      : [];
  const tokens = [...tokenizer.tokens, ...fresh];
  return {tokenizer: new WordTokenizer(tokens), words: tokens, added: fresh.length};
}

/**
 * A table with rows for new tokens after its own: normal around the mean row, with half the rows' own
 * spread in each dimension. (The official code takes the mean row itself.)
 */
export function growTable(table: tf.Tensor2D, numRows: number, random: Random): tf.Tensor2D {
  return tf.tidy(() => {
    const [oldRows, size] = table.shape;
    const values = tf.tensor2d(table.dataSync() as Float32Array, [oldRows, size]);
    const {mean, variance} = tf.moments(values, 0);
    const noise = Float32Array.from({length: (numRows - oldRows) * size}, () => random.normal());
    const spread = tf.mul(tf.sqrt(variance), 0.5);
    const fresh = tf.add(mean, tf.mul(tf.tensor2d(noise, [numRows - oldRows, size]), spread));
    return tf.concat([values, fresh as tf.Tensor2D]);
  });
}
