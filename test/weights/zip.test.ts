import {execFileSync} from 'node:child_process';
import {closeSync, openSync, readFileSync, writeFileSync} from 'node:fs';
import path from 'node:path';
import {suite} from 'uvu';
import * as assert from 'uvu/assert';
import {mapFile} from '../../src/kernels/native/mappedFile.js';
import {readZip, type ZipEntry} from '../../src/weights/zip.js';
import {crc32} from '../../src/crc32.js';
import {ZipWriter} from '../../src/weights/zipWriter.js';
import {throwsEmuError} from '../support/errors.js';
import {skip} from '../support/skip.js';
import {temporaryFolder} from '../support/temporary.js';

const folder = temporaryFolder();
let count = 0;

function write(bytes: Uint8Array): string {
  const file = path.join(folder, `${count++}.zip`);
  writeFileSync(file, bytes);
  return file;
}

function read(file: string): Map<string, ZipEntry> {
  const mapped = mapFile(file);
  try {
    return readZip(mapped);
  } finally {
    mapped.close();
  }
}

/** An archive of a few entries. */
function archive(): Buffer {
  const file = path.join(folder, 'archive.zip');
  const fd = openSync(file, 'w');
  const zip = new ZipWriter(fd);
  zip.add('a/data.pkl', Buffer.from('first'));
  zip.add('a/data/0', Buffer.from('second'));
  zip.add('a/ä', new Uint8Array(0));
  zip.finish();
  closeSync(fd);
  return readFileSync(file);
}

const CENTRAL = Buffer.from('PK\x01\x02', 'latin1');
const END = Buffer.from('PK\x05\x06', 'latin1');
const END64 = Buffer.from('PK\x06\x06', 'latin1');

/** The archive after `change`, which gets it and the offset of `signature`. */
function changed(signature: Buffer, change: (bytes: Buffer, at: number) => void): string {
  const bytes = archive();
  change(bytes, bytes.indexOf(signature));
  return write(bytes);
}

const test = suite('zip');

test('finds every entry, aligned to 64 bytes', () => {
  const file = write(archive());
  const entries = read(file);
  assert.equal([...entries.keys()], ['a/data.pkl', 'a/data/0', 'a/ä']);
  const {offset, size} = entries.get('a/data/0')!;
  assert.is(offset % 64, 0);
  assert.is(readFileSync(file).toString('latin1', offset, offset + size), 'second');
});

test('crc32 is the one of zip', () => {
  assert.is(crc32(Buffer.from('123456789')), 0xcbf43926);
});

test('reads offsets and sizes beyond 4 GB, of a sparse file', () => {
  const file = path.join(folder, 'large.zip');
  const fd = openSync(file, 'w');
  const zip = new ZipWriter(fd);
  zip.skip('large', 5 * 2 ** 30, 0);
  zip.add('after', Buffer.from('after'));
  zip.finish();
  closeSync(fd);
  const entries = read(file);
  assert.is(entries.get('large')!.size, 5 * 2 ** 30);
  assert.ok(entries.get('after')!.offset > 5 * 2 ** 30);
});

test('an archive without zip64 ends is read too', () => {
  const bytes = archive();
  const end64 = bytes.indexOf(END64);
  const plain = Buffer.concat([bytes.subarray(0, end64), bytes.subarray(bytes.indexOf(END))]);
  assert.is(read(write(plain)).size, 3);
});

test('says that a file is cut off, wherever', () => {
  const bytes = archive();
  for (let size = 4; size < bytes.length; size += 7) {
    const error = throwsEmuError(() => read(write(bytes.subarray(0, size))), /cut off/);
    assert.is(error.exitCode, 3);
  }
});

test('bytes after the end are refused', () => {
  throwsEmuError(() => read(write(Buffer.concat([archive(), Buffer.from('x')]))), /cut off/);
});

test('refuses every inconsistent header', () => {
  const cases: [string, RegExp][] = [
    [changed(END64, (bytes, at) => bytes.writeUInt32LE(0, at)), /no signature/],
    [changed(END64, (bytes, at) => bytes.writeUInt32LE(1, at + 16)), /volumes/],
    [changed(END64, (bytes, at) => bytes.writeBigUInt64LE(1n << 60n, at + 48)), /outside the file/],
    [changed(END64, (bytes, at) => bytes.writeBigUInt64LE(1n << 40n, at + 40)), /outside the file/],
    [changed(END64, (bytes, at) => bytes.writeBigUInt64LE(1n << 40n, at + 32)), /cannot hold/],
    [changed(END64, (bytes, at) => bytes.writeBigUInt64LE(0n, at + 48)), /entry 0 of 3 is broken/],
    [changed(END64, (bytes, at) => bytes.writeBigUInt64LE(1n << 62n, at + 48 + 8 + 8)), /outside/],
    [changed(CENTRAL, (bytes, at) => bytes.writeUInt16LE(1, at + 8)), /encrypted/],
    [changed(CENTRAL, (bytes, at) => bytes.writeUInt32LE(7, at + 20)), /two different sizes/],
    [changed(CENTRAL, (bytes, at) => bytes.writeUInt16LE(0xffff, at + 28)), /cut off/],
    [
      changed(CENTRAL, (bytes, at) => bytes.writeUInt32LE(0xffffffff, at + 24)),
      /two different sizes/,
    ],
    [changed(CENTRAL, (bytes, at) => bytes.writeUInt8(0xff, at + 46)), /not UTF-8/],
    [changed(CENTRAL, (bytes, at) => bytes.writeUInt8(0x62, at + 46)), /does not agree/],
    [changed(CENTRAL, (bytes, at) => bytes.writeUInt16LE(8, at + 10)), /does not agree/],
    [changed(CENTRAL, (bytes, at) => bytes.writeUInt32LE(9, at + 42)), /does not agree/],
    [changed(CENTRAL, (bytes, at) => bytes.writeUInt32LE(0xfffffff0, at + 42)), /not in the file/],
    [
      changed(CENTRAL, (bytes, at) => {
        for (const field of [20, 24]) bytes.writeUInt32LE(100, at + field);
      }),
      /overlaps/,
    ],
    [
      changed(CENTRAL, (bytes, at) => {
        for (const field of [20, 24]) bytes.writeUInt32LE(0x7fffffff, at + field);
      }),
      /reaches beyond/,
    ],
  ];
  for (const [file, message] of cases) throwsEmuError(() => read(file), message);
});

test('two entries of one name are refused', () => {
  const file = path.join(folder, 'twice.zip');
  const fd = openSync(file, 'w');
  const zip = new ZipWriter(fd);
  zip.add('a', Buffer.from('1'));
  zip.add('a', Buffer.from('2'));
  zip.finish();
  closeSync(fd);
  throwsEmuError(() => read(file), /two entries are named "a"/);
});

test('an empty archive has no entries', () => {
  const end = Buffer.alloc(22);
  END.copy(end);
  assert.is(read(write(end)).size, 0);
});

const python = (() => {
  try {
    execFileSync('python3', ['-c', 'import zipfile'], {stdio: 'ignore'});
    return true;
  } catch {
    return false;
  }
})();
const pythonTest = "Python's zipfile finds nothing wrong with what is written";
if (!python) skip(test, pythonTest, 'no python3 here');
else {
  test(pythonTest, () => {
    const script =
      'import sys, zipfile; z = zipfile.ZipFile(sys.argv[1]); print(z.testzip(), z.namelist())';
    const out = execFileSync('python3', ['-c', script, write(archive())], {
      encoding: 'utf8',
      env: {...process.env, PYTHONIOENCODING: 'utf-8'},
    });
    assert.is(out.trim(), "None ['a/data.pkl', 'a/data/0', 'a/ä']");
  });
}

test.run();
