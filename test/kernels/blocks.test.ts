// The bytes of the quantized encodings are those of ggml: the blocks below were quantized by the Python
// package gguf 0.19.0, which reproduces ggml's reference bit by bit.
import {suite} from 'uvu';
import * as assert from 'uvu/assert';
import {isQuantized, type QuantizedEncoding} from '../../src/kernels/blocks.js';
import {decode, encode, encodedBytes} from '../../src/kernels/encoding.js';

const test = suite('blocks');
const encodings: QuantizedEncoding[] = ['q8_0', 'q4_0', 'q4_1'];

const spread = (i: number) => ((i * 7919 + 13) % 1009) / 1009 - 0.5;
/** The numbers i = 0 to 31 of each block. */
const numbers: Record<string, (i: number) => number> = {
  'numbers around 0': spread,
  'above 0': (i) => spread(i) + 0.75,
  zeros: () => 0,
  'a constant': () => -1.5,
  ties: (i) => ((i * 37 + 11) % 101) / 16 - 3,
  'scales that f16 holds as subnormal': (i) => spread(i) * 1e-4,
  'scales that f16 rounds to 0': (i) => spread(i) * 1e-7,
  subnormal: (i) => spread(i) * 1e-41,
  'scales near the largest of f16': (i) => spread(i) * 4e5,
  'scales beyond f16': (i) => spread(i) * 1e30,
};
const expected: Record<string, Record<QuantizedEncoding, string>> = {
  'numbers around 0': {
    q8_0: 'db1b815e370fe8c099764e27ffd8b088663e17efc8a07d562e07dfb8906d461ef7cf',
    q4_0: 'cb2b907e4b29f6d4b18f6d3a18f5c3a07e5c',
    q4_1: '212ccbb7907d4b28f6d4a18f6c3a18e5c3907e5b',
  },
  'above 0': {
    q8_0: 'f6201b7363534434247c6c5d4d3d2e1e7666564737277f6f60504031217969594a3a',
    q4_0: 'ecb036415263041526304152630415263142',
    q4_1: '212c3534907d4b28f6d4a18f6c3a18e5c3907e5b',
  },
  zeros: {
    q8_0: '00000000000000000000000000000000000000000000000000000000000000000000',
    q4_0: '008088888888888888888888888888888888',
    q4_1: '0000000000000000000000000000000000000000',
  },
  'a constant': {
    q8_0: '0c228181818181818181818181818181818181818181818181818181818181818181',
    q4_0: '003200000000000000000000000000000000',
    q4_1: '000000be00000000000000000000000000000000',
  },
  ties: {
    q8_0: '4d26a2005ebb1977d53390ee4caa0866c3217fdc3a98f654b10f6dcb2986e4429ffd',
    q4_0: '40b60ea842fc9630db751fb953fda842ec86',
    q4_1: '893600c2f257bd1379cf358ae146ac0268bd2479',
  },
  'scales that f16 holds as subnormal': {
    q8_0: '0600815e370fe8c099764e27ffd8b088663e17efc8a07d562e07dfb8906d461ef7cf',
    q4_0: '6600907e4b29f6d4b18f6d3a18f5c3a07e5c',
    q4_1: '6c003183907d4b28f6d4a18f6c3a17e5c3907e5b',
  },
  'scales that f16 rounds to 0': {
    q8_0: '0000815e370fe8c099764e27ffd8b088663e17efc8a07d562e07dfb8906d461ef7cf',
    q4_0: '0000907e4b29f6d4b18f6d3a18f5c3a07e5c',
    q4_1: '00000180907d4b28f6d4a18f6c3a17e5c3907e5b',
  },
  subnormal: {
    q8_0: '00000000000000000000000000000000000000000000000000000000000000000000',
    q4_0: '000000000000000000000000000000000000',
    q4_1: '0000008000000000000000000000000000000000',
  },
  'scales near the largest of f16': {
    q8_0: 'fe65815e370fe8c099764e27ffd8b088663e17efc8a07d562e07dfb8906d461ef7cf',
    q4_0: 'f275907e4b29f6d4b18f6d3a18f5c3a07e5c',
    q4_1: '4c7600fc907d4b28f6d4a18f6c3a17e5c3907e5b',
  },
  'scales beyond f16': {
    q8_0: '007c815e370fe8c099764e27ffd8b088663e17efc8a07d562e07dfb8906d461ef7cf',
    q4_0: '007c907e4b29f6d4b18f6d3a18f5c3a07e5c',
    q4_1: '007c00fc907d4b28f6d4a18f6c3a18e5c3907e5b',
  },
};

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
const blockOf = (name: string) => Float32Array.from({length: 32}, (_, i) => numbers[name]!(i));

for (const [name, bytes] of Object.entries(expected)) {
  test(`quantizes as ggml: ${name}`, () => {
    for (const encoding of encodings) {
      assert.is(hex(encode(blockOf(name), encoding)), bytes[encoding], encoding);
    }
  });
}

test('quantizes block by block', () => {
  const names = Object.keys(numbers);
  const values = Float32Array.from(names.flatMap((name) => [...blockOf(name)]));
  for (const encoding of encodings) {
    const bytes = names.map((name) => expected[name]![encoding]).join('');
    assert.is(hex(encode(values, encoding)), bytes, encoding);
  }
});

/** Block bytes: halves, then bytes counted from 0 in steps of 37. */
function block(halves: number[], numBytes: number): Uint8Array {
  const counted = Array.from({length: numBytes}, (_, i) => (i * 37) % 256);
  return Uint8Array.from([...halves.flatMap((half) => [half & 255, half >> 8]), ...counted]);
}

test('decodes by the formats', () => {
  const byte = (i: number) => (i * 37) % 256;
  const nibble = (i: number) => (i < 16 ? byte(i) & 15 : byte(i - 16) >> 4);
  const signed = (i: number) => (byte(i) > 127 ? byte(i) - 256 : byte(i));
  const all = (value: (i: number) => number) => Float32Array.from({length: 32}, (_, i) => value(i));
  // -0.75 and 2.5 as halves; 2^-24 is the smallest.
  const [scale, minimum] = [0xba00, 0x4100];
  assert.equal(
    decode(block([scale], 32), 'q8_0'),
    all((i) => -0.75 * signed(i)),
  );
  assert.equal(
    decode(block([1], 16), 'q4_0'),
    all((i) => 2 ** -24 * (nibble(i) - 8)),
  );
  assert.equal(
    decode(block([scale, minimum], 16), 'q4_1'),
    all((i) => -0.75 * nibble(i) + 2.5),
  );
});

test('an error is at most half a step', () => {
  const values = Float32Array.from({length: 3200}, (_, i) => Math.sin(i * i) * (1 + (i >> 5)));
  // Steps of a block by its largest magnitude.
  const steps = {q8_0: 1 / 127, q4_0: 1 / 8, q4_1: 2 / 15};
  for (const encoding of encodings) {
    const found = decode(encode(values, encoding), encoding);
    for (let start = 0; start < values.length; start += 32) {
      const own = values.subarray(start, start + 32);
      const largest = Math.max(...own.map(Math.abs));
      for (const [i, value] of own.entries()) {
        const error = Math.abs(found[start + i]! - value) / largest;
        // q4_0 has no +8: what lies opposite the extreme is cut by up to a step. Scale and minimum are rounded to f16.
        const allowed = (encoding === 'q4_0' ? 1 : 0.5) * steps[encoding] + 2 ** -10;
        assert.ok(error <= allowed, `${encoding} ${start + i}: ${error} > ${allowed}`);
      }
    }
  }
});

test('counts bytes by blocks', () => {
  assert.is(encodedBytes('q8_0', [3, 64]), 3 * 2 * 34);
  assert.is(encodedBytes('q4_0', [2, 3, 32]), 6 * 18);
  assert.is(encodedBytes('q4_1', [96]), 3 * 20);
  assert.is(encodedBytes('q4_1', [5, 0]), 0);
  assert.is(encodedBytes('bf16', [3, 5]), 30);
  assert.is(encodedBytes('f32', []), 4);
  assert.ok(isQuantized('q4_0') && !isQuantized('f16'));
});

test('refuses rows of no whole blocks, and what is not finite', () => {
  for (const shape of [[64, 33], [31], [32, 1], []]) {
    assert.throws(
      () => encodedBytes('q4_1', shape),
      (error: Error) =>
        error.message ===
        `q4_1 stores rows of a multiple of 32 numbers, and the shape is [${shape.join(', ')}]; keep this tensor in f16`,
    );
  }
  assert.throws(() => encode(new Float32Array(40), 'q8_0'), /multiple of 32 .*\[40\]/);
  for (const value of [Number.NaN, Number.NEGATIVE_INFINITY]) {
    const values = new Float32Array(64);
    values[37] = value;
    for (const encoding of encodings) {
      assert.throws(
        () => encode(values, encoding),
        new RegExp(`^${encoding} stores finite numbers only, and element 37 is ${value};`),
      );
    }
  }
});

test.run();
