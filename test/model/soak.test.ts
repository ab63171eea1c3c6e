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
  const {rss, heapTotal, heapUsed} = process.memoryUsage();
  // How many empty pages V8 keeps for its next objects varies from run to run.
  return {outsideHeap: rss - heapTotal, heapUsed};
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
    const early = await captioned(500); // until then V8 still compiles what is run often
    const late = await captioned(1000);
    emu.close();
    assert.equal(late.tensors, early.tensors, 'tensors before and after');
    // Megabytes: pages that the allocators keep for later come and go.
    for (const [kind, most] of [
      ['outsideHeap', 10],
      ['heapUsed', 1],
    ] as const) {
      const grown = (late[kind] - early[kind]) / 1e6;
      assert.ok(grown <= most, `${kind} grew by ${grown.toFixed(1)} MB`);
    }
  });

test.run();
