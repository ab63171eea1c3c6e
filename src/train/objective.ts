// A batch of documents through the model, and what it is trained on: the next token where the label is
// text, the next visual embedding where it is a picture (paper 2.2).
import tf from '#tfjs';
import type {EmuModel} from '../model/emu.js';
import {countingPositions, type SequenceLayout} from '../model/llama.js';
import {type Counts, regressionPairs, type StructureIds} from './data/labels.js';
import {captioningLoss, type Reduction, regressionLoss} from './losses.js';

/** Rows of tokens, filled up on the right with [PAD]. */
export interface Documents {
  /** B rows of T ids. */
  readonly ids: readonly (readonly number[])[];
  /** What each position should have been predicted as, -100 where nothing is asked. */
  readonly labels: readonly (readonly number[])[];
  /** Real tokens of each row. */
  readonly lengths: readonly number[];
  /** Where rows hold several documents, which do not see each other: positions counted from each one's start. */
  readonly packed?: {readonly positions: readonly (readonly number[])[]} | undefined;
}

export interface ObjectiveOptions {
  /** Factor of the cross-entropy; 0 leaves it out. */
  readonly textWeight: number;
  /** Factor of the regression; 0 leaves it out. Emu's is not published; 1 with the mean over dimensions. */
  readonly regressionWeight: number;
  readonly reduction: Reduction;
  /** Counts of the whole batch over which the losses are averaged, of which the documents may be a part. */
  readonly totals: Counts;
}

/** One optimizer step differentiates `loss`; the others are what it is made of. */
export interface LossTerms {
  readonly loss: tf.Scalar;
  readonly [term: string]: tf.Scalar;
}

/** Which tokens stand where; a packed document's sees those of its own only. */
function layoutOf({ids, lengths, packed}: Documents): SequenceLayout {
  const shape: [number, number] = [ids.length, ids[0]!.length];
  const keyEnd = tf.tensor1d([...lengths], 'int32');
  if (!packed) return {positions: countingPositions(...shape), keyEnd};
  const starts = packed.positions.map((row) => row.map((position, t) => t - position));
  return {
    positions: tf.tensor2d(packed.positions.flat(), shape, 'int32'),
    keyStart: tf.tensor2d(starts.flat(), shape, 'int32'),
    keyEnd,
  };
}

/**
 * Losses of a batch. imageEmbeds [I, N, C]: its pictures' visual embeddings, in the order of their
 * placeholders.
 */
export function documentLosses(
  model: EmuModel,
  documents: Documents,
  imageEmbeds: tf.Tensor3D | undefined,
  structure: StructureIds,
  {textWeight, regressionWeight, reduction, totals}: ObjectiveOptions,
): LossTerms {
  const {ids, labels} = documents;
  const inputs = model.embedPrompt(ids, structure.image, imageEmbeds);
  const hidden = model.llama.forward(inputs, layoutOf(documents));
  const terms: Record<string, tf.Scalar> = {};
  const weighted: tf.Scalar[] = [];
  if (textWeight > 0) {
    terms.text = captioningLoss(model.llama, hidden, labels, totals.text);
    weighted.push(tf.mul(terms.text, textWeight));
  }
  if (regressionWeight > 0) {
    const pairs = regressionPairs(ids, structure);
    const options = {total: totals.regression, reduction};
    terms.regression = regressionLoss(model.llama, hidden, inputs, pairs, options);
    weighted.push(tf.mul(terms.regression, regressionWeight));
  }
  return {loss: tf.addN(weighted) as tf.Scalar, ...terms};
}
