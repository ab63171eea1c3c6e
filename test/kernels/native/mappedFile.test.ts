import {appendFileSync, mkdtempSync, rmSync, truncateSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import path from 'node:path';
import tf from '#tfjs';
import {suite} from 'uvu';
import * as assert from 'uvu/assert';
import {availableBackends, selectBackend} from '../../../src/kernels/backend.js';
import {addonProblem} from '../../../src/kernels/native/addon.js';
import {mapFile} from '../../../src/kernels/native/mappedFile.js';
import {makeWeight} from '../../../src/kernels/weight.js';
import {skip} from '../../support/skip.js';

const test = suite('mappedFile');
const folder = mkdtempSync(path.join(tmpdir(), 'emu-mapped-'));
test.after(() => rmSync(folder, {recursive: true}));

function file(name: string, content: Uint8Array | string): string {
  const full = path.join(folder, name);
  writeFileSync(full, content);
  return full;
}

test('gives the bytes of a region', () => {
  const mapped = mapFile(file('a', 'hello world'));
  assert.is(mapped.size, 11);
  assert.is(Buffer.from(mapped.bytes(6, 5)).toString(), 'world');
  assert.is(mapped.bytes(11, 0).length, 0);
  mapped.prefetch(0, 11);
  mapped.close();
});

test('regions outlive the file that was closed', () => {
  const mapped = mapFile(file('b', 'hello world'));
  const region = mapped.bytes(0, 5);
  mapped.close();
  assert.is(Buffer.from(region).toString(), 'hello');
});

test('refuses regions outside and files that cannot be read', () => {
  const mapped = mapFile(file('c', '12345'));
  for (const [offset, length] of [
    [0, 6],
    [6, 0],
    [-1, 2],
    [2, 2 ** 53],
    [0.5, 1],
  ] as [number, number][]) {
    assert.throws(() => mapped.bytes(offset, length), /expected a region inside its 5 bytes/);
  }
  mapped.close();
  assert.throws(() => mapFile(path.join(folder, 'missing')), /missing/);
});

test('an empty file can be opened', () => {
  const mapped = mapFile(file('d', ''));
  assert.is(mapped.size, 0);
  assert.is(mapped.bytes(0, 0).length, 0);
  mapped.close();
});

const sparse = 'a sparse file of 30 GB costs neither memory nor time';
if (availableBackends().includes('native')) {
  test(sparse, () => {
    const size = 30e9;
    const name = file('e', '');
    truncateSync(name, size - 4);
    appendFileSync(name, 'last');
    const mapped = mapFile(name);
    assert.is(mapped.size, size);
    const before = process.memoryUsage().rss;
    const regions = Array.from({length: 300}, (_, i) => mapped.bytes(i * 1e8, 1e8));
    assert.is(Buffer.from(regions[299]!.subarray(-4)).toString(), 'last');
    assert.ok(process.memoryUsage().rss - before < 2 ** 27);
    mapped.close();
  });
} else {
  skip(test, sparse, addonProblem() ?? '');
}

test('a mapped weight is read in place', () => {
  selectBackend();
  const values = Float32Array.from({length: 12}, (_, i) => i);
  const mapped = mapFile(file('f', new Uint8Array(values.buffer)));
  const weight = makeWeight(mapped.bytes(0, 48), 'f32', [4, 3]);
  mapped.close();
  const product = tf.matMul(tf.ones([1, 4]), weight);
  assert.equal(Array.from(product.dataSync()), [18, 22, 26]);
  tf.dispose([weight, product]);
});

test.run();
