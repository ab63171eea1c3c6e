// The language model's goldens: text, pictures between text, padding on either side, both models.
import tf from '#tfjs';
import {suite} from 'uvu';
import * as assert from 'uvu/assert';
import {countingPositions, type SequenceLayout} from '../../src/model/llama.js';
import {collectTrace} from '../../src/model/trace.js';
import {
  closeTo,
  type GoldenModel,
  goldenCheckpoint,
  goldenPixels,
  loadGoldenModel,
  type Mode,
  onEveryBackend,
} from '../support/goldenModel.js';
import {type GoldenGroup, goldens} from '../support/goldens.js';
import {skip} from '../support/skip.js';

const test = suite('llm goldens');
const tolerance = {atol: 2e-4, rtol: 1e-4};
const pixelGoldens = goldens('pixels_tiny');

/** A prompt's facts; the padded batches have none and are taken below. */
interface Scene {
  prompt?: string;
  input_ids: number[];
  images: string[];
  argmax: number[];
}

type Traced = Map<string, {shape: number[]; data: Float32Array}>;

/** One pass over ids [B, T]; every traced tensor. */
function run(
  {model, tokenizer}: GoldenModel,
  ids: number[][],
  images: string[],
  layout: (batch: number, seqLen: number) => SequenceLayout,
): Traced {
  const found: Traced = new Map();
  const keep = (name: string, x: tf.Tensor) =>
    void found.set(name, {shape: x.shape, data: Float32Array.from(x.dataSync())});
  tf.tidy(() => {
    const embeds = images.length
      ? model.encodeImages(goldenPixels(pixelGoldens!, undefined, images))
      : undefined;
    const inputs = model.embedPrompt(ids, tokenizer.ids.image, embeds);
    collectTrace(keep, () => {
      const hidden = model.llama.forward(inputs, layout(ids.length, ids[0]!.length));
      model.llama.logits(hidden);
      model.llama.regress(hidden);
    });
  });
  return found;
}

/** Compares a golden of logits in whichever part it keeps of them. */
function compareLogits(
  name: string,
  part: string,
  logits: Float32Array,
  golden: GoldenGroup,
  vocab: number,
) {
  const expected = golden.get(name).data as Float32Array;
  const every = /every_(\d+)th_vocab_id/.exec(part);
  const positions = logits.length / vocab;
  if (part === 'logits') closeTo(logits, expected, {...tolerance, name});
  else if (part === 'logits_last')
    closeTo(logits.subarray((positions - 1) * vocab), expected, {...tolerance, name});
  else if (part === 'logits_logsumexp') {
    const sums = Float32Array.from({length: positions}, (_, t) => {
      const row = logits.subarray(t * vocab, (t + 1) * vocab);
      const max = row.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
      return max + Math.log(row.reduce((sum, x) => sum + Math.exp(x - max), 0));
    });
    closeTo(sums, expected, {...tolerance, name});
  } else if (every) {
    const step = Number(every[1]);
    const kept = logits.filter((_, i) => (i % vocab) % step === 0);
    closeTo(kept, expected, {...tolerance, name});
  } else throw new Error(`unknown part of the logits: ${name}`);
}

for (const mode of ['pretrain', 'instruct'] as Mode[]) {
  const golden = goldens(`llm_${mode}`);
  if (!golden || !goldenCheckpoint(mode) || !pixelGoldens) {
    skip(test, `llm_${mode}`, 'the goldens are not in this clone');
    continue;
  }
  for (const [scene, facts] of Object.entries<Scene>(golden.json)) {
    const {prompt, input_ids: ids, images} = facts;
    if (prompt === undefined) continue; // the padded batches, below
    onEveryBackend(test, `llm_${mode}: ${scene}`, () => {
      const loaded = loadGoldenModel(mode);
      assert.equal(loaded.tokenizer.encode(prompt, {bos: true}), ids);
      const vocab = loaded.config.llama.vocabSize;
      const found = run(loaded, [ids], images, (batch, seqLen) => ({
        positions: countingPositions(batch, seqLen),
      }));
      loaded.dispose();
      for (const name of golden.names().filter((name) => name.startsWith(`${scene}.`))) {
        const part = name.slice(scene.length + 1);
        if (part.startsWith('logits')) {
          compareLogits(name, part, found.get('llm.logits')!.data, golden, vocab);
          continue;
        }
        const traced = found.get(`llm.${part}`);
        assert.ok(traced, `trace has llm.${part}`);
        closeTo(traced!.data, golden.get(name).data as Float32Array, {...tolerance, name});
      }
      const logits = found.get('llm.logits')!.data;
      const argmax = ids.map((_: number, t: number) => {
        const row = logits.subarray(t * vocab, (t + 1) * vocab);
        return row.indexOf(row.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY));
      });
      assert.equal(argmax, facts.argmax);
    });
  }
  for (const scene of Object.keys(golden.json).filter((name) => name.startsWith('padded'))) {
    const {
      input_ids: ids,
      attention_mask: mask,
      position_ids,
    } = golden.json[scene] as {
      input_ids: number[][];
      attention_mask: number[][];
      position_ids: number[][] | null;
    };
    onEveryBackend(test, `llm_${mode}: ${scene}`, () => {
      const loaded = loadGoldenModel(mode);
      const starts = mask.map((row) => row.indexOf(1));
      const ends = mask.map((row) => row.lastIndexOf(1) + 1);
      const found = run(loaded, ids, [], (batch, seqLen) => ({
        positions: position_ids
          ? tf.tensor2d(position_ids, [batch, seqLen], 'int32')
          : countingPositions(batch, seqLen),
        keyStart: tf.tensor1d(starts, 'int32'),
        keyEnd: tf.tensor1d(ends, 'int32'),
      }));
      loaded.dispose();
      const {hiddenSize, vocabSize} = loaded.config.llama;
      const seqLen = ids[0]!.length;
      const rows = (data: Float32Array, width: number, chosen: number[]) =>
        Float32Array.from(
          chosen.flatMap((i) => Array.from(data.subarray(i * width, (i + 1) * width))),
        );
      // What padding itself computes is nobody's business: only real positions are compared.
      const real = mask.flat().flatMap((isReal, i) => (isReal ? [i] : []));
      const name = `${scene}.final_norm`;
      closeTo(
        rows(found.get('llm.final_norm')!.data, hiddenSize, real),
        rows(golden.get(name).data as Float32Array, hiddenSize, real),
        {...tolerance, name},
      );
      const last = ends.map((end, b) => b * seqLen + end - 1);
      closeTo(
        rows(found.get('llm.logits')!.data, vocabSize, last),
        golden.get(`${scene}.logits_last_real`).data as Float32Array,
        {...tolerance, name: `${scene}.logits_last_real`},
      );
    });
  }
}

test.run();
