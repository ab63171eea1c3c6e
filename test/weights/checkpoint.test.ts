import {chmodSync, copyFileSync, mkdirSync, readFileSync, writeFileSync} from 'node:fs';
import path from 'node:path';
import {fileURLToPath} from 'node:url';
import {suite} from 'uvu';
import * as assert from 'uvu/assert';
import {openCheckpoint} from '../../src/weights/checkpoint.js';
import {writeSafetensors} from '../../src/weights/safetensors.js';
import {throwsEmuError} from '../support/errors.js';
import {skip} from '../support/skip.js';
import {temporaryFolder} from '../support/temporary.js';

const folder = temporaryFolder();
const fixture = fileURLToPath(new URL('./fixtures/strided.pt', import.meta.url));
let count = 0;

function file(bytes: string | Uint8Array): string {
  const name = path.join(folder, `${count++}.pt`);
  writeFileSync(name, typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes);
  return name;
}

const refuses = (name: string, message: RegExp) => {
  const error = throwsEmuError(() => openCheckpoint(name), message);
  assert.is(error.exitCode, 3);
  assert.ok(error.message.startsWith(name));
};

const test = suite('checkpoint');

test('goes by content, not by name', () => {
  const torch = path.join(folder, 'torch.safetensors');
  copyFileSync(fixture, torch);
  assert.is(openCheckpoint(torch).format, 'pytorch');
  const safetensors = path.join(folder, 'safetensors.bin');
  writeSafetensors(safetensors, [{name: 'a', shape: [1], encoding: 'u8', data: Uint8Array.of(5)}]);
  assert.is(openCheckpoint(safetensors).format, 'safetensors');
});

test('says what a file is that is no checkpoint', () => {
  refuses(file(''), /empty.*download/);
  refuses(file('GGUF\x03\0\0\0'), /GGUF.*not read yet/);
  refuses(file('version https://git-lfs.github.com/spec/v1\noid sha256:0\n'), /git lfs pull/);
  refuses(file('<!DOCTYPE html><html>'), /web page/);
  refuses(file('\n <HTML>'), /web page/);
  refuses(file('\x80\x02}q\0.'), /bare pickle/);
  refuses(file('{"error":"not found"}'), /not a checkpoint/);
  refuses(file('hello'), /not a checkpoint.*68656c6c6f/);
  refuses(file('\x1f\x8b\x08\0\0\0\0\0\0\x03'), /not a checkpoint/);
  refuses(file(new Uint8Array(100)), /not a checkpoint/);
  refuses(file('PK\x03\x04'), /cut off/);
});

test('says that a checkpoint is cut off, at any length', () => {
  const bytes = readFileSync(fixture);
  for (let size = 30; size < bytes.length; size += 50) {
    refuses(file(bytes.subarray(0, size)), /cut off/);
  }
});

test('a missing file is a ModelError', () => {
  refuses(path.join(folder, 'missing.pt'), /no such file/);
  refuses(path.join(fixture, 'below'), /no such file/);
});

test('opens the checkpoint of a folder', () => {
  const model = path.join(folder, 'model');
  mkdirSync(path.join(model, 'multimodal_encoder'), {recursive: true});
  refuses(model, /no checkpoint in this folder.*model\.safetensors.*Emu-instruct\.pt/);
  const inside = path.join(model, 'multimodal_encoder', 'pytorch_model.bin');
  copyFileSync(fixture, inside);
  assert.is(openCheckpoint(model).path, inside);
  const own = path.join(model, 'model.safetensors');
  writeSafetensors(own, [{name: 'a', shape: [1], encoding: 'u8', data: Uint8Array.of(5)}]);
  assert.is(openCheckpoint(model).path, own);
});

test('shards are refused by name', () => {
  const sharded = path.join(folder, 'sharded');
  mkdirSync(sharded);
  writeFileSync(path.join(sharded, 'model.safetensors.index.json'), '{}');
  refuses(sharded, /shards/);
});

const permission = 'a file that may not be read is exit 4';
if (process.getuid?.() === 0) skip(test, permission, 'the superuser may read every file');
else {
  test(permission, () => {
    const name = file('PK\x03\x04');
    chmodSync(name, 0);
    assert.is(throwsEmuError(() => openCheckpoint(name), /not permitted/).exitCode, 4);
  });
}

test.run();
