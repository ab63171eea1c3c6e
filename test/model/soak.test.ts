// A thousand captions in one process: no tensor is left over, and memory stays where it was.
import {setFlagsFromString} from 'node:v8';
import {runInNewContext} from 'node:vm';
import {suite} from 'uvu';
import * as assert from 'uvu/assert';
import {Emu} from '../../src/emu.js';
import {writeRandomModel} from '../cli/randomModel.js';
import {tensorsHeld, testedBackends} from '../support/backends.js';
import {skip} from '../support/skip.js';
import {temporaryFolder} from '../support/temporary.js';

const test = suite('1,000 captions');
const model = writeRandomModel(temporaryFolder());
const picture = {width: 20, height: 16, data: new Uint8Array(20 * 16 * 3).map((_, i) => 37 * i)};
// What V8 has not collected yet says nothing: of its own accord it lets the heap grow for minutes.
setFlagsFromString('--expose-gc');
const collectGarbage: () => void = runInNewContext('gc');
const memory = () => {
  collectGarbage();
  const {rss, heapUsed} = process.memoryUsage();
  return {rss, heapUsed};
};

const NAME = 'leave nothing behind';
const fast = testedBackends().filter((backend) => backend !== 'reference');
if (fast.length === 0) skip(test, NAME, 'the only backend is the reference, which takes too long');
for (const backend of fast)
  test(`${NAME} (${backend})`, async () => {
    const emu = await Emu.load(model, {backend});
    const captioned = async (times: number) => {
      for (let i = 0; i < times; i++) {
        const options = {task: 'caption', numBeams: 2, maxTokens: 6} as const;
        for await (const event of emu.generateText([{type: 'image', picture}], options))
          if (event.type === 'done') assert.ok(event.result.tokens.length > 0);
      }
      return {tensors: tensorsHeld(), ...memory()};
    };
    const early = await captioned(300); // until then V8 still compiles what is run often
    const late = await captioned(700);
    emu.close();
    assert.equal(late.tensors, early.tensors, 'tensors after 300 and after 1,000');
    for (const kind of ['rss', 'heapUsed'] as const) {
      const growth = late[kind] / early[kind];
      assert.ok(growth <= 1.04, `${kind} grew by a factor of ${growth.toFixed(3)}`);
    }
  });

test.run();
