import {existsSync, readFileSync} from 'node:fs';
import path from 'node:path';
import {fileURLToPath} from 'node:url';
import * as assert from 'uvu/assert';
import {EmuError, InputError} from '../../src/errors.js';

const folder = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../../fixtures');

/** Path of a committed picture or video. */
export function fixture(name: string): string {
  const file = path.join(folder, name);
  if (!existsSync(file)) throw new Error(`fixture ${name} is missing`);
  return file;
}

export const fixtureBytes = (name: string): Uint8Array => readFileSync(fixture(name));

/** The InputError that `promise` ends in: one line that begins with `file` and matches `message`. */
export async function expectInputError(
  promise: Promise<unknown>,
  file: string,
  message: RegExp,
): Promise<void> {
  const error = await settle(promise);
  assert.instance(error, InputError);
  assert.match(error.message, message);
  assert.is(error.message.includes('\n'), false, 'one line');
  assert.ok(error.message.startsWith(`${file}: `), `${error.message} begins with ${file}`);
  assert.is(error.exitCode, 1);
}

/** The EmuError that `promise` ends in. */
export async function expectEmuError(promise: Promise<unknown>, code: string): Promise<EmuError> {
  const error = await settle(promise);
  assert.instance(error, EmuError);
  assert.is(error.code, code);
  return error;
}

async function settle(promise: Promise<unknown>): Promise<EmuError> {
  try {
    await promise;
  } catch (error) {
    return error as EmuError;
  }
  throw new Error('expected an error, got a result');
}
