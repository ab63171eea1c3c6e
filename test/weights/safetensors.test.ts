import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import path from 'node:path';
import {suite} from 'uvu';
import * as assert from 'uvu/assert';
import {EmuError} from '../../src/errors.js';
import {openCheckpoint} from '../../src/weights/checkpoint.js';
import {
  MAX_HEADER_BYTES,
  type TensorToWrite,
  writeSafetensors,
} from '../../src/weights/safetensors.js';
import {encodingBytes, type StoredEncoding} from '../../src/weights/storedTensor.js';
import {throwsEmuError} from '../support/errors.js';
import {goldenPath} from '../support/goldens.js';
import {skip} from '../support/skip.js';
import {temporaryFolder} from '../support/temporary.js';

const folder = temporaryFolder();
let count = 0;

/** A file of that header and `size` bytes of data. */
function file(header: unknown, size = 0, length?: bigint): string {
  const text = typeof header === 'string' ? header : JSON.stringify(header);
  const bytes = Buffer.alloc(8 + Buffer.byteLength(text) + size);
  bytes.writeBigUInt64LE(length ?? BigInt(Buffer.byteLength(text)));
  bytes.write(text, 8);
  const name = path.join(folder, `${count++}.safetensors`);
  writeFileSync(name, bytes);
  return name;
}

const refuses = (name: string, message: RegExp) => {
  const error = throwsEmuError(() => openCheckpoint(name), message);
  assert.is(error.exitCode, 3);
  assert.ok(error.message.startsWith(name));
};

const f32 = (shape: number[], begin: number, end: number) => ({
  dtype: 'F32',
  shape,
  data_offsets: [begin, end],
});

const test = suite('safetensors');

test('reads names, shapes, data and metadata', () => {
  const header = {
    __metadata__: {a: 'ä'},
    b: f32([2], 4, 12),
    'x\n"': f32([], 0, 4),
    none: f32([0], 12, 12),
  };
  const name = file(header, 12);
  const {tensors, metadata, format, close} = openCheckpoint(name);
  assert.is(format, 'safetensors');
  assert.equal(metadata, {a: 'ä'});
  assert.equal([...tensors.keys()], ['b', 'x\n"', 'none']);
  assert.equal(tensors.get('b')!.shape, [2]);
  assert.is(tensors.get('b')!.read().length, 8);
  assert.equal(tensors.get('x\n"')!.shape, []);
  assert.is(tensors.get('none')!.read().length, 0);
  close();
});

test('writes what it reads, every encoding, aligned', () => {
  const encodings = Object.keys(encodingBytes) as StoredEncoding[];
  const tensors: TensorToWrite[] = encodings.map((encoding, index) => ({
    name: `${index}`,
    shape: [index, 3],
    encoding,
    data: Uint8Array.from({length: index * 3 * encodingBytes[encoding]}, (_, i) => i * index),
  }));
  const name = path.join(folder, 'round trip.safetensors');
  writeSafetensors(name, tensors, {format: 'pt'});
  const read = openCheckpoint(name);
  assert.equal(read.metadata, {format: 'pt'});
  assert.is(read.tensors.size, tensors.length);
  for (const {name, shape, encoding, data} of tensors) {
    const stored = read.tensors.get(name)!;
    assert.equal([stored.shape, stored.encoding], [shape, encoding]);
    assert.equal(Buffer.from(stored.read()), Buffer.from(data as Uint8Array));
    const {offset} = stored as unknown as {offset: number};
    assert.is(offset % encodingBytes[encoding], 0);
  }
  read.close();
});

test('data that does not start on an element is copied, so that typed arrays fit on it', () => {
  const name = file({a: {dtype: 'U8', shape: [1], data_offsets: [0, 1]}, b: f32([1], 1, 5)}, 5);
  const {tensors, close} = openCheckpoint(name);
  const bytes = tensors.get('b')!.read();
  assert.is(new Float32Array(bytes.buffer, bytes.byteOffset, 1)[0], 0);
  close();
});

test('refuses wrong offsets, shapes and dtypes', () => {
  refuses(file({a: f32([2], 0, 8), b: f32([2], 4, 12)}, 12), /b overlaps/);
  refuses(file({a: f32([1], 0, 4), b: f32([1], 8, 12)}, 12), /b leaves a gap/);
  refuses(file({a: f32([1], 4, 8)}, 8), /a leaves a gap/);
  refuses(file({a: f32([2], 0, 8)}, 7), /cut off/);
  refuses(file({a: f32([2], 0, 8)}, 9), /1 bytes follow/);
  refuses(file({a: f32([3], 0, 8)}, 8), /does not fit/);
  refuses(file({a: f32([2], 8, 0)}, 8), /does not fit/);
  refuses(file({a: f32([2 ** 40, 2 ** 40], 0, 8)}, 8), /does not fit/);
  refuses(file({a: f32(new Array(65).fill(1), 0, 4)}, 4), /more than 64/);
  refuses(file({a: f32([2.5], 0, 8)}, 8), /expected a size/);
  refuses(file({a: f32([-2], 0, 8)}, 8), /expected a size/);
  refuses(file('{"a":{"dtype":"F32","shape":[1e2],"data_offsets":[0,4]}}', 4), /expected/);
  refuses(file('{"a":{"dtype":"F32","shape":[9007199254740993],"data_offsets":[0,4]}}', 4), /size/);
  refuses(file({a: {...f32([1], 0, 4), dtype: 'F12'}}, 4), /unknown dtype "F12"/);
  refuses(file({a: {dtype: 'F32', shape: [1]}}, 4), /lacks/);
  refuses(file({a: {...f32([1], 0, 4), data_offsets: [0, 4, 8]}}, 4), /more than 2/);
  refuses(file({a: {...f32([1], 0, 4), extra: 1}}, 4), /unknown field "extra"/);
  refuses(file({}, 0), /no tensors/);
});

test('refuses equal names and broken JSON', () => {
  const tensor = JSON.stringify(f32([1], 0, 4));
  refuses(file(`{"a":${tensor},"\\u0061":${tensor}}`, 4), /"a" stands there twice/);
  refuses(file(`{"a":{"dtype":"F32","dtype":"F32"}}`, 4), /"dtype" stands there twice/);
  refuses(file(`{"a":${tensor}`, 0), /expected "}"/);
  refuses(file(`{"a":${tensor}}x`, 0), /expected the end/);
  refuses(file(`{"a":${tensor},}`, 0), /expected """/);
  refuses(file('{"a', 0), /no end/);
  refuses(file('{"a\n":1}', 0), /not JSON/);
  refuses(file('{"__metadata__":{"a":1}}', 0), /expected """/);
  refuses(file(`{"a":${'['.repeat(100000)}`, 0), /expected "{"/);
  refuses(file('{"\x1b[2J":{}}', 0), /not JSON/);
  refuses(file('{"\\u001b[2J":{}}', 0), /\?\[2J lacks/);
});

test('a name like __proto__ is a name', () => {
  const tensor = JSON.stringify(f32([1], 0, 4));
  const {tensors, metadata} = openCheckpoint(
    file(`{"__metadata__":{"__proto__":"x"},"__proto__":${tensor}}`, 4),
  );
  assert.equal([...tensors.keys()], ['__proto__']);
  assert.is(Object.getPrototypeOf(metadata), Object.prototype);
});

test('limits the header', () => {
  refuses(file('{}', 0, BigInt(MAX_HEADER_BYTES) + 1n), /limit is 100000000/);
  refuses(file('{}', 0, 1n << 63n), /limit/);
  refuses(file('{}', 0, 100n), /file ends after 10/);
  const large = file({a: f32([1], 0, 4)}, 4);
  truncateSync(large, 12);
  refuses(large, /file ends after 12/);
});

test('a header of 100 MB of blanks is read in bounded time', () => {
  const name = path.join(folder, 'blanks.safetensors');
  const fd = openSync(name, 'w');
  const head = Buffer.alloc(9);
  head.writeBigUInt64LE(BigInt(MAX_HEADER_BYTES));
  head.write('{', 8);
  writeSync(fd, head);
  for (let i = 0; i < 99; i++) writeSync(fd, Buffer.alloc(1_000_000, ' '));
  writeSync(fd, Buffer.alloc(999_998, ' '));
  writeSync(fd, '}');
  closeSync(fd);
  const started = Date.now();
  refuses(name, /no tensors/);
  assert.ok(Date.now() - started < 10_000);
});

test('a written file is complete or absent', () => {
  const place = path.join(folder, 'whole');
  mkdirSync(place);
  const name = path.join(place, 'a.safetensors');
  const good: TensorToWrite = {name: 'a', shape: [2], encoding: 'f32', data: new Uint8Array(8)};
  throwsEmuError(() => writeSafetensors(name, [{...good, shape: [3]}]), /takes 12 bytes, got 8/);
  throwsEmuError(() => writeSafetensors(name, [good, good]), /two tensors are named "a"/);
  const failing = () => {
    throw new Error('stopped half way');
  };
  assert.throws(
    () => writeSafetensors(name, [good, {...good, name: 'b', data: failing}]),
    /stopped half way/,
  );
  assert.equal(readdirSync(place), []);

  writeSafetensors(name, [good]);
  const before = readFileSync(name);
  assert.throws(
    () => writeSafetensors(name, [{...good, name: 'b', data: failing}]),
    /stopped half way/,
  );
  assert.equal(readdirSync(place), ['a.safetensors']);
  assert.equal(readFileSync(name), before);
});

test('a folder that is not there is said', () => {
  const name = path.join(folder, 'no such folder', 'a.safetensors');
  const error = throwsEmuError(() => writeSafetensors(name, []), /folder does not exist/);
  assert.instance(error, EmuError);
  assert.not(existsSync(path.dirname(name)));
});

const rewrite = 'a golden file written again holds the same';
const golden = goldenPath('goldens/vision.safetensors');
if (!golden) skip(test, rewrite, 'the golden set is not here');
else {
  test(rewrite, () => {
    const original = openCheckpoint(golden);
    const name = path.join(folder, 'again.safetensors');
    writeSafetensors(
      name,
      [...original.tensors.values()].map(({name, shape, encoding}) => ({
        name,
        shape,
        encoding,
        data: () => original.tensors.get(name)!.read(),
      })),
    );
    const again = openCheckpoint(name);
    assert.is(again.tensors.size, original.tensors.size);
    for (const [key, stored] of original.tensors) {
      assert.equal(again.tensors.get(key)!.shape, stored.shape);
      assert.is(Buffer.compare(again.tensors.get(key)!.read(), stored.read()), 0, key);
    }
    assert.ok(statSync(name).size < statSync(golden).size + 128);
  });
}

test.run();
