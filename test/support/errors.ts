import * as assert from 'uvu/assert';
import {EmuError} from '../../src/errors.js';

/** Runs `run`, which must throw an EmuError whose one-line message matches; returns it. */
export function throwsEmuError(run: () => unknown, message: RegExp): EmuError {
  try {
    run();
  } catch (error) {
    if (!(error instanceof EmuError)) throw error;
    assert.match(error.message, message);
    assert.not.match(error.message, /\p{Cc}/u);
    return error;
  }
  assert.unreachable(`expected an error that matches ${message}`);
  throw new Error('unreachable');
}
