// Official files are complete: names and shapes of the released checkpoints, and what is made for them.
import {readFileSync} from 'node:fs';
import {suite} from 'uvu';
import * as assert from 'uvu/assert';
import {openCheckpoint} from '../../src/weights/checkpoint.js';
import {emu14b} from '../../src/weights/config.js';
import {emuTensors} from '../../src/weights/emuTensors.js';
import {officialProblem, withUnusedTensors} from '../../src/weights/officialForm.js';
import {openModel} from '../../src/weights/openModel.js';
import {storedTensors} from '../../src/weights/tensorsToWrite.js';
import {releaseFiles} from '../../src/weights/mode.js';
import {goldenCheckpoint} from '../support/goldenModel.js';
import {goldenPath} from '../support/goldens.js';
import {skip} from '../support/skip.js';

const test = suite('official form');

const manifest = goldenPath('manifest-full.json');
const full = 'Emu-14B written anew has the tensors of the release';
if (!manifest) skip(test, full, 'no manifest of the release');
else
  test(full, () => {
    const {files} = JSON.parse(readFileSync(manifest, 'utf8'));
    for (const mode of ['pretrain', 'instruct'] as const) {
      const config = emu14b(mode);
      const own = emuTensors(config).required.map(({name, shape}) => ({
        name,
        shape,
        encoding: 'bf16' as const,
        data: new Uint8Array(0),
      }));
      const shapes = (list: readonly {name: string; shape: readonly number[]}[]) =>
        list.map(({name, shape}) => `${name} ${shape.join(' ')}`).sort();
      const {tensors} = files[releaseFiles[mode]];
      assert.equal(shapes(withUnusedTensors(own, config, 'bf16')), shapes(tensors), mode);
    }
  });

const file = goldenCheckpoint('pretrain');
const frequencies = 'rotary frequencies are made as PyTorch makes them';
if (!file) skip(test, frequencies, 'no golden checkpoint');
else
  test(frequencies, () => {
    const {config, checkpoint} = openModel(file, {config: goldenPath('tiny-config')!});
    const official = openCheckpoint(file);
    const isMade = (name: string) => name.endsWith('inv_freq');
    const others = storedTensors(checkpoint).filter(({name}) => !isMade(name));
    const made = withUnusedTensors(others, config, 'bf16').filter(({name}) => isMade(name));
    assert.is(made.length, 3);
    for (const {name, data} of made) {
      const bytes = typeof data === 'function' ? data() : data;
      assert.equal(Buffer.from(bytes), Buffer.from(official.tensors.get(name)!.read()), name);
    }
    official.close();
    checkpoint.close();
  });

test('says what the official code has no place for', () => {
  const {vision} = emu14b('pretrain');
  assert.is(officialProblem({vision}), undefined);
  const stem = {channels: [4], blocks: [1], batchNormEps: 1e-5};
  assert.match(officialProblem({vision: {...vision, stem}})!, /convolutional stem/);
  assert.match(officialProblem({vision: {...vision, layerNormEps: 1e-5}})!, /layerNormEps/);
});

test.run();
