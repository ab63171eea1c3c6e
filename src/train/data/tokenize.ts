// Samples to token ids: the whole text at once, pictures as placeholders, cut to the context.
import type {Sample} from '../../data/dataset.js';
import {InputError} from '../../errors.js';
import {imagePlaceholder} from '../../text/prompt.js';
import type {Tokenizer} from '../../text/tokenizer.js';
import {answerLabels, IGNORE, textLabels} from './labels.js';

export interface TokenizeOptions {
  /** N: `<image>` tokens a picture. */
  readonly numImageTokens: number;
  /** Longest row in tokens. */
  readonly contextLength: number;
  /** What is learned as text: all of it, what an assistant answers, or nothing but the pictures. */
  readonly labels: 'text' | 'answers' | 'pictures';
}

/** A document as the model reads it: begins with BOS. */
export interface TokenizedSample {
  readonly name: string;
  readonly ids: readonly number[];
  readonly labels: readonly number[];
  /** One for each placeholder in `ids`: [3, size, size]. */
  readonly pixels: readonly Float32Array[];
  /** The same pictures for the image decoder; none where it is not trained. */
  readonly targets: readonly Float32Array[];
  /** What the picture shows, where the sample says so. */
  readonly label?: number;
}

const labelsOf: Record<TokenizeOptions['labels'], typeof textLabels> = {
  text: textLabels,
  answers: answerLabels,
  pictures: (ids) => ids.map(() => IGNORE),
};

/** @throws InputError that names the sample when nothing in it can be learned */
export function tokenizeSample(
  sample: Sample,
  tokenizer: Tokenizer,
  options: TokenizeOptions,
): TokenizedSample {
  const {name, label} = sample;
  const {numImageTokens} = options;
  const pictures = sample.parts.flatMap((part) => (part.type === 'picture' ? [part] : []));
  const placeholder = imagePlaceholder(numImageTokens);
  const text = sample.parts
    .map((part) => (part.type === 'text' ? part.text : placeholder))
    .join('');
  const all = tokenizer.encode(text, {bos: true});
  const places = countPlaces(all, tokenizer);
  if (places !== pictures.length * numImageTokens)
    throw new InputError(name, 'has a text with <image> in it, which stands for a picture');
  const limit = Math.min(options.contextLength, sample.maxTokens ?? Number.POSITIVE_INFINITY);
  const ids = cut(all, limit, tokenizer);
  const shown = pictures.slice(0, countPlaces(ids, tokenizer) / numImageTokens);
  const labels = labelsOf[options.labels](ids, tokenizer.ids);
  const learnsText = labels.some((id, i) => i > 0 && id !== IGNORE);
  if (!learnsText && (options.labels === 'answers' || shown.length === 0))
    throw new InputError(name, `has nothing to learn in its first ${limit} tokens`);
  return {
    name,
    ids,
    labels,
    pixels: shown.map(({pixels}) => pixels),
    targets: shown.flatMap(({target}) => target ?? []),
    ...(label === undefined ? {} : {label}),
  };
}

function countPlaces(ids: readonly number[], {ids: {image}}: Tokenizer): number {
  return ids.reduce((count, id) => count + (id === image ? 1 : 0), 0);
}

/** The first `limit` ids, or fewer where the cut would fall into a picture. */
function cut(ids: readonly number[], limit: number, {ids: {img, endImg}}: Tokenizer): number[] {
  const kept = ids.slice(0, limit);
  if (kept.length === ids.length) return kept;
  const opened = kept.lastIndexOf(img);
  const isInside = opened >= 0 && kept.lastIndexOf(endImg) < opened;
  return isInside ? kept.slice(0, opened) : kept;
}
