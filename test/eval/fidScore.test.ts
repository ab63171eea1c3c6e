// FID of files of features against numpy and scipy, and what is wrong with such files.
import {copyFileSync, writeFileSync} from 'node:fs';
import path from 'node:path';
import {suite} from 'uvu';
import * as assert from 'uvu/assert';
import {scoreFeatures} from '../../src/eval/fidScore.js';
import {throwsEmuError} from '../support/errors.js';
import {isNear, metricsPath, testOnMetrics} from '../support/metricsData.js';
import {temporaryFolder} from '../support/temporary.js';

const test = suite('FID of feature files');
const folder = temporaryFolder();

interface FidFile {
  readonly cases: readonly {
    readonly a: string;
    readonly b: string;
    readonly n_a: number;
    readonly n_b: number;
    readonly dims: number;
    readonly frechet_symmetric_eig: number;
  }[];
}

testOnMetrics<FidFile>(test, 'equals the usual formula', 'fid/fid.json', ({cases}) => {
  const prepared = (name: string, shape: readonly number[]) => {
    const file = path.join(folder, name);
    copyFileSync(metricsPath(`fid/${name}`)!, file);
    writeFileSync(file.replace(/f32$/, 'json'), JSON.stringify({shape}));
    return file;
  };
  for (const {a, b, n_a, n_b, dims, frechet_symmetric_eig: expected} of cases) {
    const result = scoreFeatures(prepared(a, [n_a, dims]), prepared(b, [n_b, dims]));
    assert.ok(isNear(result.scores.FID!, expected, 1e-5 + 1e-6 * expected), `${a} and ${b}`);
    assert.is(/fewer than/.test(result.note ?? ''), Math.min(n_a, n_b) < dims);
    assert.ok(result.isPartial);
    assert.equal(result.options.pictures, [n_a, n_b]);
  }
});

function features(name: string, values: readonly number[], shape?: unknown): string {
  const file = path.join(folder, `${name}.f32`);
  writeFileSync(file, new Uint8Array(Float32Array.from(values).buffer));
  if (shape !== undefined) writeFileSync(path.join(folder, `${name}.json`), JSON.stringify(shape));
  return file;
}

test('bad files: which one, and what it must be', () => {
  const good = features('good', [1, 2, 3, 4, 5, 6], {shape: [3, 2]});
  const cases: [string, RegExp][] = [
    [path.join(folder, 'none.f32'), /none\.f32: no such file/],
    [features('alone', [1, 2]), /alone\.json: no such file; it must say the shape of alone\.f32/],
    [features('short', [1, 2, 3], {shape: [2, 2]}), /short\.f32: expected 16 bytes.*got 12; see /],
    [features('flat', [1, 2], {shape: [2]}), /flat\.json: shape/],
    [features('nan', [1, Number.NaN, 3, 4], {shape: [2, 2]}), /got NaN in row 1/],
    [
      features('other', [1, 2, 3], {shape: [1, 3]}),
      /has 3 features a picture, and .* has 2; make both/,
    ],
    [features('one', [1, 2], {shape: [1, 2]}), /has features of 1 picture; a spread takes two/],
    [path.join(folder, 'good.json'), /is the shape of features; name the file of numbers/],
  ];
  for (const [file, says] of cases) throwsEmuError(() => scoreFeatures(file, good), says);
});

test.run();
