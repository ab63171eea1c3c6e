// FID of two files of features, in the form of other results.
import {InputError} from '../errors.js';
import {fid} from './benchmarks/fid.js';
import {officialCount} from './downloads/facts.js';
import {readFeatures} from './featureFile.js';
import {frechetDistanceOfFeatures} from './metrics/frechetDistance.js';
import type {EvalResult} from './result.js';

/** Frechet distance of `features`, of drawn pictures, from `reference`, of photographs. */
export function scoreFeatures(features: string, reference: string): EvalResult {
  const drawn = readFeatures(features);
  const real = readFeatures(reference);
  if (drawn.numFeatures !== real.numFeatures)
    throw new InputError(
      features,
      `has ${drawn.numFeatures} features a picture, and ${reference} has ${real.numFeatures}`,
      'make both with the same network',
    );
  const few = Math.min(drawn.numItems, real.numItems);
  for (const [file, {numItems}] of [
    [features, drawn],
    [reference, real],
  ] as const)
    if (numItems < 2)
      throw new InputError(file, `has features of ${numItems} picture; a spread takes two or more`);
  const split = fid.splits[0];
  const official = officialCount(fid.name, split) ?? null;
  return {
    benchmark: fid.name,
    split,
    headline: fid.headline,
    data: '',
    items: {
      total: official ?? drawn.numItems,
      official,
      predicted: drawn.numItems,
      missing: Math.max(0, (official ?? 0) - drawn.numItems),
      failed: 0,
    },
    isPartial: official !== null && drawn.numItems < official,
    scores: {FID: frechetDistanceOfFeatures(drawn.values, real.values, drawn.numFeatures)},
    intervals: {},
    details: {},
    ...(few < real.numFeatures
      ? {
          note: `${few} pictures are fewer than ${real.numFeatures} features: FID comes out too large`,
        }
      : {}),
    missing: [],
    failed: [],
    paper: fid.paper,
    options: {features, reference, pictures: [drawn.numItems, real.numItems]},
  };
}
