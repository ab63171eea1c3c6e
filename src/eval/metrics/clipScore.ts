// CLIP scores of picture and text features, one pair an item: the cosine, and the two scalings in use.
import {cosine} from './cosine.js';
import {checkPaired, mean} from './metricError.js';

export interface ClipScores {
  readonly cosines: readonly number[];
  readonly meanCosine: number;
  /** 2.5 max(cosine, 0) of each pair (Hessel et al. 2021, CLIPScore). */
  readonly clipScores: readonly number[];
  readonly meanClipScore: number;
  /** The mean of 100 cosine, not below 0, as torchmetrics reports it. */
  readonly percent: number;
}

/** `imageFeatures[i]` and `textFeatures[i]` belong together. */
export function clipScores(
  imageFeatures: readonly ArrayLike<number>[],
  textFeatures: readonly ArrayLike<number>[],
): ClipScores {
  checkPaired('CLIP score', imageFeatures, textFeatures);
  const cosines = imageFeatures.map((image, i) => cosine(image, textFeatures[i]!));
  const scores = cosines.map((value) => 2.5 * Math.max(value, 0));
  return {
    cosines,
    meanCosine: mean(cosines),
    clipScores: scores,
    meanClipScore: mean(scores),
    percent: Math.max(0, mean(cosines.map((value) => 100 * value))),
  };
}
