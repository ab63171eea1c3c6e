import {totalmem} from 'node:os';
import {suite} from 'uvu';
import * as assert from 'uvu/assert';
import {availableMemory, checkMemory} from '../../src/weights/memory.js';
import {throwsEmuError} from '../support/errors.js';

const test = suite('memory');

test('what is available is some of what there is', () => {
  assert.ok(availableMemory() > 0 && availableMemory() <= totalmem());
});

test('what fits passes, what does not is refused with the figures', () => {
  checkMemory('a.bin', 2e9, 'take less', 2e9);
  const error = throwsEmuError(
    () => checkMemory('a.bin', 3e9, 'take less', 2e9),
    /^a\.bin: needs 3\.0 GB of memory, 2\.0 GB are free; take less$/,
  );
  assert.is(error.exitCode, 5);
  assert.is(error.file, 'a.bin');
});

test.run();
