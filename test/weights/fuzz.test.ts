// Damaged and hostile checkpoints: whatever the bytes, the reader gives tensors or one EmuError,
// soon, and in little memory. Seeded: a failure names its case, and `EMU_FUZZ_SEED` moves on to
// others.
import {readFileSync, rmSync, writeFileSync} from 'node:fs';
import path from 'node:path';
import {performance} from 'node:perf_hooks';
import {fileURLToPath} from 'node:url';
import {setFlagsFromString} from 'node:v8';
import {runInNewContext} from 'node:vm';
import {suite} from 'uvu';
import * as assert from 'uvu/assert';
import {EmuError} from '../../src/errors.js';
import {openCheckpoint} from '../../src/weights/checkpoint.js';
import {decodeFloat32} from '../../src/weights/decode.js';
import {PickleGlobal, unpickle} from '../../src/weights/pickle.js';
import {writeSafetensors} from '../../src/weights/safetensors.js';
import {SeededRandom} from '../support/random.js';
import {temporaryFolder} from '../support/temporary.js';

const CASES = 1000;
/** Of one case; a good one takes about a millisecond, the rest is for a busy machine. */
const CASE_SECONDS = 2;
/** Allocated in one case, garbage included: the files have 3 kB. */
const CASE_BYTES = 32 * 2 ** 20;
/** Still held after all cases. */
const HELD_BYTES = 16 * 2 ** 20;

const seed = Number(process.env.EMU_FUZZ_SEED ?? 1);
const folder = temporaryFolder();
const fixture = (name: string) =>
  readFileSync(fileURLToPath(new URL(`./fixtures/${name}`, import.meta.url)));

setFlagsFromString('--expose-gc');
const collectGarbage: () => void = runInNewContext('gc');

function allocated(): number {
  const {heapUsed, external} = process.memoryUsage();
  return heapUsed + external;
}

const extremes = [0, 1, 0x7f, 0x80, 0xff, 0x7fffffff, 0x80000000, 0xffffffff, 2 ** 40, 2 ** 53, -1];

type Mutation = (bytes: Buffer, random: SeededRandom) => Buffer;

/** One to four bytes changed, a number made extreme, a stretch cut, doubled, swapped or blanked. */
const mutations: readonly Mutation[] = [
  (bytes, random) => {
    for (let i = random.below(4); i >= 0; i--) {
      const at = random.below(bytes.length);
      bytes[at] = bytes[at]! ^ (1 << random.below(8));
    }
    return bytes;
  },
  (bytes, random) => {
    bytes[random.below(bytes.length)] = random.below(256);
    return bytes;
  },
  (bytes, random) => {
    const width = random.pick([2, 4, 8]);
    const number = Buffer.alloc(8);
    number.writeBigInt64LE(BigInt(random.pick(extremes)));
    number.copy(bytes, random.below(bytes.length - 8), 0, width);
    return bytes;
  },
  (bytes, random) => bytes.subarray(0, random.below(bytes.length)),
  (bytes, random) => {
    const at = random.below(bytes.length);
    return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1 + random.below(64))]);
  },
  (bytes, random) => {
    const at = random.below(bytes.length);
    const piece = bytes.subarray(at, at + 1 + random.below(64));
    return Buffer.concat([bytes.subarray(0, at), piece, bytes.subarray(at)]);
  },
  (bytes, random) => {
    const length = 1 + random.below(64);
    bytes.copyWithin(random.below(bytes.length), random.below(bytes.length - length), length);
    return bytes;
  },
  (bytes, random) => {
    const at = random.below(bytes.length);
    bytes.fill(random.pick([0, 0xff]), at, Math.min(bytes.length, at + random.below(64)));
    return bytes;
  },
];

/** Runs all cases; `run` may throw an EmuError and nothing else. Gives how many cases passed. */
function everyCase(cases: number, run: (index: number, random: SeededRandom) => void): number {
  let accepted = 0;
  collectGarbage();
  const before = allocated();
  for (let index = 0; index < cases; index++) {
    const random = new SeededRandom(seed * 1_000_003 + index);
    const start = allocated();
    const started = performance.now();
    try {
      run(index, random);
      accepted++;
    } catch (error) {
      if (!(error instanceof EmuError)) {
        throw new Error(`seed ${seed}, case ${index}: ${(error as Error).stack}`);
      }
      assert.not.match(error.message, /\p{Cc}/u, `case ${index}`);
      assert.ok(error.message.length < 1000, `case ${index}: ${error.message.length} characters`);
    }
    const seconds = (performance.now() - started) / 1000;
    assert.ok(seconds < CASE_SECONDS, `case ${index} took ${seconds} s`);
    const growth = allocated() - start;
    assert.ok(growth < CASE_BYTES, `case ${index} allocated ${growth} bytes`);
  }
  collectGarbage();
  const held = allocated() - before;
  assert.ok(held < HELD_BYTES, `${held} bytes are still held`);
  return accepted;
}

/** Opens the bytes as a file and reads every tensor. */
function openAndRead(bytes: Uint8Array, index: number): void {
  const file = path.join(folder, `${index}.bin`);
  writeFileSync(file, bytes);
  try {
    const checkpoint = openCheckpoint(file);
    for (const tensor of checkpoint.tensors.values()) {
      const data = tensor.read();
      assert.ok(data.length <= bytes.length, `${tensor.name} has ${data.length} bytes`);
      decodeFloat32(data, tensor.encoding);
    }
    checkpoint.close();
  } finally {
    rmSync(file);
  }
}

const test = suite('fuzz');

test(`${CASES} damaged PyTorch checkpoints`, () => {
  const originals = ['strided.pt', 'module.pt', 'types.pt', 'protocol4.pt'].map(fixture);
  const accepted = everyCase(CASES, (index, random) => {
    const original = random.pick(originals);
    openAndRead(random.pick(mutations)(Buffer.from(original), random), index);
  });
  // Damage to the numbers themselves cannot be seen; most other damage must be.
  assert.ok(accepted > 0 && accepted < CASES * 0.7, `${accepted} of ${CASES} were accepted`);
});

test(`${CASES} checkpoints whose pickle is damaged`, () => {
  const original = fixture('module.pt');
  const start = original.indexOf(Buffer.from([0x80, 0x02]));
  const end = original.indexOf('PK\x07\x08', start, 'latin1'); // the data descriptor after it
  assert.ok(start > 0 && end > start);
  everyCase(CASES, (index, random) => {
    const bytes = Buffer.from(original);
    const pickle = bytes.subarray(start, end);
    for (let i = random.below(3); i >= 0; i--) {
      // Its size must stay, or the zip directory is what fails.
      const damaged = random.pick(mutations)(Buffer.from(pickle), random);
      damaged.copy(pickle, 0, 0, Math.min(damaged.length, pickle.length));
    }
    openAndRead(bytes, index);
  });
});

test(`${CASES} damaged safetensors headers`, () => {
  const file = path.join(folder, 'original.safetensors');
  const data = new Uint8Array(24);
  writeSafetensors(
    file,
    [
      {name: 'first', shape: [2, 3], encoding: 'f32', data},
      {name: 'second', shape: [12], encoding: 'f16', data},
      {name: 'third', shape: [], encoding: 'i64', data: data.subarray(0, 8)},
    ],
    {format: 'pt'},
  );
  const original = readFileSync(file);
  const headerEnd = 8 + Number(original.readBigUInt64LE());
  const tokens = [
    '0',
    '-1',
    '1e400',
    '9007199254740993',
    '[]',
    '{',
    '}',
    ',',
    '"',
    '\\',
    '"F64"',
    'null',
  ];
  everyCase(CASES, (index, random) => {
    let bytes = Buffer.from(original);
    if (random.below(2) === 0) {
      // One token of the header becomes another; the length follows half of the time.
      const text = bytes.toString('latin1', 8, headerEnd);
      const at = random.below(text.length);
      const header = text.slice(0, at) + random.pick(tokens) + text.slice(at + random.below(6));
      const length = random.below(2) === 0 ? header.length : headerEnd - 8;
      bytes = Buffer.concat([bytes.subarray(0, 8), Buffer.from(header), bytes.subarray(headerEnd)]);
      bytes.writeBigUInt64LE(BigInt(length));
    } else {
      const header = Buffer.from(bytes.subarray(0, headerEnd));
      const damaged = random.pick(mutations)(header, random);
      bytes = Buffer.concat([damaged, bytes.subarray(headerEnd)]);
    }
    openAndRead(bytes, index);
  });
});

test('5,000 random pickle programs', () => {
  // Opcodes that build and call, weighted towards those that grow things; then random bytes.
  const opcodes = [...'((((NK]})tlus0122Rbqqhhca\x85\x86\x87\x94\x8f\x90\x91\x81\x93\x88\x8aXGQe'];
  const callable = new PickleGlobal('a.b', (args) => [...args]);
  const globals = new Map([['a.b', callable]]);
  everyCase(5000, (_, random) => {
    let program = '';
    for (let i = random.below(400); i > 0; i--) {
      const opcode = random.pick(opcodes);
      if (opcode === 'c') program += 'ca\nb\n';
      else if ('Kqh'.includes(opcode)) program += opcode + String.fromCharCode(random.below(8));
      else if (opcode === 'X') program += 'X\x01\0\0\0a';
      else if (opcode === '\x8a') program += `\x8a\x01${String.fromCharCode(random.below(256))}`;
      else if (opcode === 'G') program += 'G\x7f\xf8\0\0\0\0\0\0';
      else program += opcode;
    }
    unpickle(Buffer.from(`${program}.`, 'latin1'), {
      file: 'program',
      globals,
      persistentLoad: (id) => [id],
    });
  });
});

test.run();
