// A thousand captions in one process: no tensor is left over, and memory stays where it was.
import {fileURLToPath} from 'node:url';
import {setFlagsFromString} from 'node:v8';
import {runInNewContext} from 'node:vm';
import tf from '#tfjs';
import {suite} from 'uvu';
import * as assert from 'uvu/assert';
import {readImage} from '../../src/data/image.js';
import {Emu} from '../../src/emu.js';
import {availableBackends} from '../../src/kernels/backend.js';
import {goldenCheckpoint} from '../support/goldenModel.js';
import {goldenPath} from '../support/goldens.js';
import {skip} from '../support/skip.js';

const test = suite('1,000 captions');
const file = goldenCheckpoint('pretrain');
// What V8 has not collected yet says nothing: of its own accord it lets the heap grow for minutes.
setFlagsFromString('--expose-gc');
const collectGarbage: () => void = runInNewContext('gc');
const memory = () => {
  collectGarbage();
  const {rss, heapUsed} = process.memoryUsage();
  return {rss, heapUsed};
};

if (!file) skip(test, 'leave nothing behind', 'the golden model is not in this clone');
else if (!availableBackends().includes('native'))
  skip(
    test,
    'leave nothing behind',
    'there is no native backend, and the reference takes too long',
  );
else
  test('leave nothing behind', async () => {
    const picture = await readImage(
      fileURLToPath(new URL('../../fixtures/cat.jpg', import.meta.url)),
    );
    const emu = await Emu.load(file, {config: goldenPath('tiny-config')!, backend: 'native'});
    const captioned = async (times: number) => {
      for (let i = 0; i < times; i++) {
        const options = {task: 'caption', numBeams: 2, maxTokens: 3} as const;
        for await (const event of emu.generateText([{type: 'image', picture}], options))
          if (event.type === 'done') assert.ok(event.result.tokens.length > 0);
      }
      return {tensors: tf.memory().numTensors, ...memory()};
    };
    const early = await captioned(100);
    const late = await captioned(900);
    emu.close();
    assert.is(late.tensors, early.tensors, 'tensors after 100 and after 1,000');
    for (const kind of ['rss', 'heapUsed'] as const) {
      const growth = late[kind] / early[kind];
      assert.ok(growth <= 1.05, `${kind} grew by a factor of ${growth.toFixed(3)}`);
    }
  });

test.run();
