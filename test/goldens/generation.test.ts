// Generated ids, greedy and beam, equal to the official code's, for every call that the goldens hold.
import tf from '#tfjs';
import {suite} from 'uvu';
import * as assert from 'uvu/assert';
import {LlamaDecoder} from '../../src/model/decoder.js';
import {generate} from '../../src/model/generate.js';
import {
  type GoldenModel,
  goldenCheckpoint,
  goldenPixels,
  loadGoldenModel,
  type Mode,
  onEveryBackend,
} from '../support/goldenModel.js';
import {goldens} from '../support/goldens.js';
import {skip} from '../support/skip.js';

const test = suite('generation goldens');
const golden = goldens('generation');
const pixels = goldens('pixels_tiny');
const video = goldens('preprocess');

interface Case {
  name: string;
  prompt: string | string[];
  images: string[];
  kwargs: Record<string, number>;
  sequences: number[][];
  sequences_scores?: number[];
  text: string[];
}

/** Emu.generate's defaults, then the case's own settings (official code: models/modeling_emu.py). */
function options(kwargs: Case['kwargs'], {tokenizer}: GoldenModel) {
  return {
    maxNewTokens: kwargs.max_new_tokens ?? 50,
    minLength: kwargs.min_length ?? 1,
    numBeams: kwargs.num_beams ?? 5,
    lengthPenalty: kwargs.length_penalty ?? 0,
    repetitionPenalty: kwargs.repetition_penalty ?? 1,
    noRepeatNgramSize: kwargs.no_repeat_ngram_size ?? 0,
    numReturnSequences: kwargs.num_captions ?? 1,
    doSample: false,
    temperature: 1,
    topK: 50,
    topP: 1,
    seed: 0,
    bosId: tokenizer.ids.bos,
    eosId: tokenizer.ids.eos,
  };
}

async function runCase(loaded: GoldenModel, {name, prompt, images, kwargs, ...expected}: Case) {
  const {model, tokenizer, config} = loaded;
  const prompts = Array.isArray(prompt) ? prompt : [prompt];
  const all = images.length ? goldenPixels(pixels!, video, images) : undefined;
  const sequences: number[][] = [];
  const scores: (number | undefined)[] = [];
  let nextImage = 0;
  for (const text of prompts) {
    const ids = tokenizer.encode(text, {bos: true});
    const places = ids.filter((id) => id === tokenizer.ids.image).length;
    const numImages = places / config.causalFormer.numTokens;
    const embeds = tf.tidy(() => {
      const mine = numImages ? tf.slice(all!, nextImage, numImages) : undefined;
      return model.embedPrompt([ids], tokenizer.ids.image, mine && model.encodeImages(mine));
    });
    nextImage += numImages;
    const settings = options(kwargs, loaded);
    const decoder = new LlamaDecoder(model.llama, embeds, settings.numBeams, settings.maxNewTokens);
    const streamed: number[] = [];
    for await (const event of generate(decoder, settings)) {
      if (event.type === 'tokens') {
        streamed.push(...event.ids);
        continue;
      }
      sequences.push(...event.sequences.map((sequence) => [...sequence.ids]));
      scores.push(...event.sequences.map((sequence) => sequence.score));
      const best = event.sequences[0]!.ids.slice(1);
      assert.equal(streamed, best.slice(0, streamed.length), `${name}: what was streamed is final`);
    }
    decoder.dispose();
  }
  all?.dispose();
  for (const [i, want] of expected.sequences.entries()) {
    // A batch of the official code is filled up with [PAD] to its longest row.
    const end = want.indexOf(tokenizer.ids.pad);
    assert.equal(sequences[i], end < 0 ? want : want.slice(0, end), `${name}: sequence ${i}`);
    const text = tokenizer.decode(want, {skipSpecial: true});
    assert.is(text, expected.text[i], `${name}: text ${i}`);
    const score = expected.sequences_scores?.[i];
    if (score !== undefined)
      assert.ok(Math.abs(scores[i]! - score) < 5e-3, `${name}: score ${scores[i]}, want ${score}`);
  }
}

for (const mode of ['pretrain', 'instruct'] as Mode[]) {
  if (!golden || !pixels || !goldenCheckpoint(mode)) {
    skip(test, `generation: ${mode}`, 'the goldens are not in this clone');
    continue;
  }
  const group = golden.json.groups[mode];
  for (const entry of [...group.official_examples, ...group.cases] as Case[]) {
    if (!video && entry.images.some((image) => /\.mp4/.test(image))) {
      skip(test, `${mode}: ${entry.name}`, 'the frames of the example video are not in this clone');
      continue;
    }
    onEveryBackend(test, `${mode}: ${entry.name}`, async () => {
      const loaded = loadGoldenModel(mode);
      const before = tf.memory().numTensors;
      await runCase(loaded, entry);
      assert.is(tf.memory().numTensors, before, 'no tensor is left over');
      loaded.dispose();
    });
  }
}

test.run();
