import {readFileSync} from 'node:fs';
import {suite} from 'uvu';
import * as assert from 'uvu/assert';
import {type FeatureMoments, featureMoments} from '../../../src/eval/metrics/featureMoments.js';
import {
  frechetDistance,
  frechetDistanceOfFeatures,
} from '../../../src/eval/metrics/frechetDistance.js';
import {addRowProducts} from '../../../src/eval/metrics/rowProducts.js';
import {symmetricEigenvalues} from '../../../src/eval/metrics/symmetricEigenvalues.js';
import {Random} from '../../../src/random.js';
import {throwsEmuError} from '../../support/errors.js';
import {isNear, metricsPath, testOnMetrics} from '../../support/metricsData.js';

interface FidFile {
  readonly cases: readonly {
    readonly title: string;
    readonly a: string;
    readonly b: string;
    readonly n_a: number;
    readonly dims: number;
    readonly mean_a_head: readonly number[];
    readonly cov_a_00: number;
    readonly cov_a_01: number;
    readonly trace_cov_a: number;
    readonly trace_cov_b: number;
    readonly mean_sq_diff: number;
    readonly rank_cov_a: number;
    readonly frechet_sqrtm: number;
    readonly frechet_symmetric_eig: number;
    readonly tr_sqrt: number;
  }[];
  readonly moments: readonly {
    readonly mu1: readonly number[];
    readonly sigma1: readonly (readonly number[])[];
    readonly mu2: readonly number[];
    readonly sigma2: readonly (readonly number[])[];
    readonly frechet: number;
  }[];
}

const test = suite('Frechet distance');

function features(name: string): Float32Array {
  return new Float32Array(Uint8Array.from(readFileSync(metricsPath(`fid/${name}`)!)).buffer);
}

function trace(matrix: Float64Array, n: number): number {
  return Array.from({length: n}, (_, i) => matrix[i * n + i]!).reduce((sum, x) => sum + x, 0);
}

testOnMetrics<FidFile>(test, 'of features', 'fid/fid.json', ({cases}) => {
  for (const each of cases) {
    const {title, dims} = each;
    const [a, b] = [features(each.a), features(each.b)];
    const [momentsA, momentsB] = [featureMoments(a, dims), featureMoments(b, dims)];
    assert.is(a.length, each.n_a * dims, title);
    for (const [i, value] of each.mean_a_head.entries())
      assert.ok(isNear(momentsA.mean[i]!, value, 1e-9), title);
    assert.ok(isNear(momentsA.covariance[0]!, each.cov_a_00, 1e-9), title);
    assert.ok(isNear(momentsA.covariance[1]!, each.cov_a_01, 1e-9), title);
    assert.ok(isNear(trace(momentsA.covariance, dims), each.trace_cov_a, 1e-9), title);
    assert.ok(isNear(trace(momentsB.covariance, dims), each.trace_cov_b, 1e-9), title);
    const meanPart = momentsA.mean.reduce((sum, x, i) => sum + (x - momentsB.mean[i]!) ** 2, 0);
    assert.ok(isNear(meanPart, each.mean_sq_diff, 1e-9), title);
    const distance = frechetDistance(momentsA, momentsB);
    assert.is(distance, frechetDistanceOfFeatures(a, b, dims));
    for (const expected of [each.frechet_sqrtm, each.frechet_symmetric_eig]) {
      // A constant feature costs rank and harms no method; too few items do.
      const isFull = Math.min(a.length, b.length) > dims * dims;
      const atol = isFull ? 1e-6 * Math.max(1, Math.abs(expected)) : 1e-5;
      assert.ok(isNear(distance, expected, atol), `${title}: ${distance}, expected ${expected}`);
    }
  }
});

function moments(
  mean: readonly number[],
  covariance: readonly (readonly number[])[],
): FeatureMoments {
  return {mean: Float64Array.from(mean), covariance: Float64Array.from(covariance.flat())};
}

testOnMetrics<FidFile>(test, 'of given moments', 'fid/fid.json', (json) => {
  for (const {mu1, sigma1, mu2, sigma2, frechet} of json.moments) {
    const distance = frechetDistance(moments(mu1, sigma1), moments(mu2, sigma2));
    assert.ok(
      isNear(distance, frechet, 1e-9 * Math.max(1e-3, Math.abs(frechet))),
      `${distance}, not ${frechet}`,
    );
  }
});

/** Features whose columns hang together, some of them constant. */
function randomFeatures(N: number, D: number, seed: number): Float64Array {
  const random = new Random(seed);
  const out = new Float64Array(N * D);
  for (let i = 0; i < out.length; i++)
    out[i] = i % D === 2 ? 1 : random.normal() * (1 + (i % D)) + (i % D > 0 ? out[i - 1]! / 2 : 0);
  return out;
}

test('is symmetric, and 0 from a set to itself', () => {
  for (const [N, D] of [
    [40, 7],
    [7, 40],
    [33, 33],
  ] as const) {
    const a = randomFeatures(N, D, 1);
    const b = randomFeatures(N + 5, D, 2);
    const there = frechetDistanceOfFeatures(a, b, D);
    assert.ok(isNear(there, frechetDistanceOfFeatures(b, a, D), 1e-9 * there));
    assert.ok(isNear(frechetDistanceOfFeatures(a, a, D), 0, 1e-9 * there));
  }
});

test('of independent features is the sum over each', () => {
  const D = 9;
  const variances = (of: (d: number) => number) =>
    Array.from({length: D}, (_, i) => Array.from({length: D}, (_, j) => (i === j ? of(i) : 0)));
  const distance = frechetDistance(
    moments(
      new Array(D).fill(1),
      variances((d) => d ** 2),
    ),
    moments(
      new Array(D).fill(0),
      variances((d) => (d + 2) ** 2),
    ),
  );
  assert.ok(isNear(distance, D + 4 * D, 1e-9));
});

test('eigenvalues of a matrix known by them', () => {
  // The second difference has 2 - 2 cos(k pi / (n + 1)); a reflection leaves eigenvalues as they are.
  for (const n of [1, 2, 3, 30]) {
    const matrix = new Float64Array(n * n);
    for (let i = 0; i < n; i++)
      for (let j = 0; j < n; j++) matrix[i * n + j] = i === j ? 2 : Math.abs(i - j) === 1 ? -1 : 0;
    const v = Float64Array.from({length: n}, (_, i) => Math.sin(i + 1));
    const length = Math.hypot(...v);
    const reflection = new Float64Array(n * n);
    for (let i = 0; i < n; i++)
      for (let j = 0; j < n; j++)
        reflection[i * n + j] = (i === j ? 1 : 0) - (2 * v[i]! * v[j]!) / length ** 2;
    // Both are symmetric, so that products of rows are products of matrices.
    const once = new Float64Array(n * n);
    const both = new Float64Array(n * n);
    addRowProducts(once, reflection, matrix, [n, n, n]);
    addRowProducts(both, once, reflection, [n, n, n]);
    const found = symmetricEigenvalues(both, n);
    for (let k = 1; k <= n; k++)
      assert.ok(isNear(found[k - 1]!, 2 - 2 * Math.cos((k * Math.PI) / (n + 1)), 1e-12));
  }
});

test('names what has no distance', () => {
  const one = moments(
    [0, 0],
    [
      [1, 0],
      [0, 1],
    ],
  );
  throwsEmuError(() => frechetDistance(one, moments([0], [[1]])), /2 features on one side, 1 on/);
  throwsEmuError(
    () => frechetDistance(one, moments([0, 0], [[1]])),
    /covariance of 2 x 2 numbers, got 1/,
  );
  throwsEmuError(
    () =>
      frechetDistance(
        one,
        moments(
          [0, 0],
          [
            [1, 0],
            [1, 1],
          ],
        ),
      ),
    /not symmetric at 1, 0/,
  );
  throwsEmuError(
    () =>
      frechetDistance(
        one,
        moments(
          [0, 0],
          [
            [1, 2],
            [2, 1],
          ],
        ),
      ),
    /negative eigenvalue/,
  );
  throwsEmuError(
    () =>
      frechetDistance(
        one,
        moments(
          [0, 0],
          [
            [1, 0],
            [0, -1],
          ],
        ),
      ),
    /negative eigenvalue/,
  );
  throwsEmuError(
    () =>
      frechetDistance(
        one,
        moments(
          [0, Number.NaN],
          [
            [1, 0],
            [0, 1],
          ],
        ),
      ),
    /finite means/,
  );
  throwsEmuError(() => featureMoments(new Float32Array(2), 2), /two items or more, got 1/);
  throwsEmuError(() => featureMoments(new Float32Array(5), 2), /rows of 2 features, got 5/);
  throwsEmuError(() => featureMoments(Float32Array.of(1, Number.NaN), 1), /finite features/);
});

test.run();
