// What the tests of written models share: tensors to the byte, and logits of a prompt.
import * as assert from 'uvu/assert';
import {Emu, type Item, type LoadOptions, type TextOptions} from '../../src/emu.js';
import type {StoredTensor} from '../../src/weights/storedTensor.js';

/** Name, shape, encoding and bytes. */
export function assertSameTensors(actual: StoredTensor, expected: StoredTensor): void {
  const {name} = expected;
  assert.equal([...actual.shape], [...expected.shape], name);
  assert.is(actual.encoding, expected.encoding, name);
  assert.ok(Buffer.from(actual.read()).equals(Buffer.from(expected.read())), `bytes of ${name}`);
}

export interface Logits {
  readonly numTokens: number;
  readonly vocabSize: number;
  readonly data: Float32Array;
}

const picture = {
  width: 24,
  height: 20,
  data: Uint8Array.from({length: 24 * 20 * 3}, (_, i) => (i * 37) % 256),
};

/** Logits of every token of a prompt with a picture, as the model in that folder is asked for the task. */
export async function tracedLogits(
  model: string,
  task: TextOptions['task'],
  options: LoadOptions = {},
): Promise<Logits> {
  const emu = await Emu.load(model, options);
  const items: Item[] = [
    {type: 'image', picture},
    {type: 'text', text: 'What is it?'},
  ];
  const {shape, data} = emu
    .trace(task === 'caption' ? items.slice(0, 1) : items, {task})
    .get('llm.logits')!;
  emu.close();
  return {numTokens: shape[1]!, vocabSize: shape[2]!, data};
}

/** Of the tokens that both vocabularies have, over the positions that both prompts have. */
export function largestDifference(a: Logits, b: Logits): number {
  const vocabSize = Math.min(a.vocabSize, b.vocabSize);
  const numTokens = Math.min(a.numTokens, b.numTokens);
  let largest = 0;
  for (let t = 0; t < numTokens; t++)
    for (let id = 0; id < vocabSize; id++) {
      const difference = Math.abs(a.data[t * a.vocabSize + id]! - b.data[t * b.vocabSize + id]!);
      largest = Math.max(largest, difference);
    }
  return largest;
}
