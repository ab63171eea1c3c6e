// All caption metrics of a set of pictures, as COCOEvalCap of pycocoevalcap puts them together.
import {EmuError} from '../../../errors.js';
import {tokenizeCaptions} from '../../text/ptbTokenizer.js';
import {bleu} from './bleu.js';
import {cider} from './cider.js';
import {type Meteor, meteorVocabulary} from './meteor.js';
import {NgramIndex, type Scored, type Scores} from './ngrams.js';
import {rougeL} from './rougeL.js';

export interface CaptionScores {
  /** By metric: Bleu_1 ... Bleu_4, ROUGE_L, CIDEr, and METEOR under its own label. */
  readonly corpus: Readonly<Record<string, number>>;
  /** The same of each picture, by its id. */
  readonly perImage: ReadonlyMap<string, Readonly<Record<string, number>>>;
}

/** Every picture's captions with one space between tokens, in the order of the candidates. */
function tokenized(
  references: ReadonlyMap<string, readonly string[]>,
  candidates: ReadonlyMap<string, string>,
): Scored<string>[] {
  if (candidates.size === 0)
    throw new EmuError('captions: there is no caption to score', {code: 'no_captions'});
  const written = [...candidates.keys()].map((id) => {
    const captions = references.get(id);
    if (!captions || captions.length === 0)
      throw new EmuError(`captions: picture ${id} has a caption but no reference captions`, {
        code: 'no_references',
      });
    return captions;
  });
  const tokens = tokenizeCaptions(written.flat());
  let at = 0;
  return tokenizeCaptions([...candidates.values()]).map((candidate, i) => {
    const start = at;
    at += written[i]!.length;
    return {candidate, references: tokens.slice(start, at)};
  });
}

/** The words for which `readParaphrases` has to read a table before these captions are scored. */
export function paraphraseVocabulary(
  references: ReadonlyMap<string, readonly string[]>,
  candidates: ReadonlyMap<string, string>,
): Set<string> {
  return meteorVocabulary(tokenized(references, candidates));
}

/**
 * Scores each candidate against the references of the same id. References of pictures without a candidate
 * are left out, as the document frequency of CIDEr is that of the pictures scored. METEOR is computed when
 * a scorer for it is given.
 */
export function scoreCaptions(
  references: ReadonlyMap<string, readonly string[]>,
  candidates: ReadonlyMap<string, string>,
  options: {readonly meteor?: Meteor} = {},
): CaptionScores {
  const images = tokenized(references, candidates);
  const index = new NgramIndex();
  const counted = images.map((image) => ({
    candidate: index.of(image.candidate),
    references: image.references.map((reference) => index.of(reference)),
  }));
  const metrics: [string, Scores][] = [
    ...bleu(counted, index.count).map((scores, n): [string, Scores] => [`Bleu_${n + 1}`, scores]),
    ['ROUGE_L', rougeL(images)],
    ['CIDEr', cider(counted, index.count)],
  ];
  if (options.meteor) metrics.push([options.meteor.label, options.meteor.score(images)]);
  return {
    corpus: Object.fromEntries(metrics.map(([name, {corpus}]) => [name, corpus])),
    perImage: new Map(
      [...candidates.keys()].map((id, i) => [
        id,
        Object.fromEntries(metrics.map(([name, {perImage}]) => [name, perImage[i]!])),
      ]),
    ),
  };
}
