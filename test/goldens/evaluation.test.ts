// How the official evaluation asks (mm_eval): an answer out of given ones, candidates by their likelihood; and
// answers found together are those found one by one.
import path from 'node:path';
import {suite} from 'uvu';
import * as assert from 'uvu/assert';
import {readImage} from '../../src/data/image.js';
import {Emu, type Item, type TextOptions} from '../../src/emu.js';
import type {BackendName} from '../../src/kernels/backend.js';
import {goldenCheckpoint, onEveryBackend} from '../support/goldenModel.js';
import {goldenPath, goldens} from '../support/goldens.js';
import {skip} from '../support/skip.js';

interface Asked {
  readonly image: string;
  readonly prompt: string;
}
interface Generated extends Asked {
  readonly sequences: readonly number[][];
  readonly sequences_scores: readonly number[];
  readonly text: readonly string[];
}
interface Ranked extends Asked {
  readonly candidates: readonly string[];
  readonly candidate_ids: readonly number[][];
  readonly prompt_ids: readonly number[];
  readonly n_segments: number;
  readonly segments: readonly {
    readonly n_candidates: number;
    readonly seq_len: number;
    readonly loss: readonly number[];
  }[];
  readonly class_ranks: readonly number[][];
}

const test = suite('evaluation goldens');
const golden = goldens('mm_eval');
const file = goldenCheckpoint('instruct');

/** The places of the losses, the least first. */
const orderByLoss = (losses: readonly number[]) =>
  losses.map((_, i) => i).sort((a, b) => losses[a]! - losses[b]!);

async function itemsOf({image, prompt}: Asked): Promise<Item[]> {
  const examples = goldenPath('examples')!;
  const picture = await readImage(path.join(examples, path.basename(image)));
  return [
    {type: 'image', picture},
    {type: 'text', text: prompt},
  ];
}

if (!golden || !file || !goldenPath('examples')) {
  skip(test, 'answers for the evaluation', 'the goldens are not in this clone');
} else {
  const withModel = async (backend: BackendName, body: (emu: Emu) => Promise<void>) => {
    const emu = await Emu.load(file, {config: goldenPath('tiny-config')!, backend});
    try {
      await body(emu);
    } finally {
      emu.close();
    }
  };
  const generated = golden.json.vizwiz_generate as Generated[];
  const ranked = golden.json.visdial_predict as Ranked[];
  const raw = {task: 'raw'} as const;

  onEveryBackend(test, 'an answer is one of those allowed', (backend) =>
    withModel(backend, async (emu) => {
      const options: TextOptions = {
        ...raw,
        choices: golden.json.trie.choices,
        numBeams: 5,
        maxTokens: 50,
        lengthPenalty: 0,
      };
      for (const one of generated)
        for await (const event of emu.generateText(await itemsOf(one), options)) {
          if (event.type !== 'done') continue;
          const {tokens, scores, text} = event.result;
          assert.equal(tokens, one.sequences[0]!.slice(1));
          assert.is(text, one.text[0]);
          assert.ok(Math.abs(scores[0]! - one.sequences_scores[0]!) < 5e-3, `${scores[0]}`);
        }
    }),
  );

  onEveryBackend(test, 'candidates are ranked by their likelihood', (backend) =>
    withModel(backend, async (emu) => {
      for (const one of ranked) {
        const {losses, lengths, promptLength} = emu.scoreCandidates(
          await itemsOf(one),
          one.candidates,
          raw,
        );
        assert.is(promptLength, one.prompt_ids.length);
        assert.equal(
          lengths,
          one.candidate_ids.map(({length}) => length),
        );
        // The official code divides by the length of what it ran, padding of its segment included.
        const divisors = one.segments.flatMap(({n_candidates: count, seq_len: length}) =>
          new Array<number>(count).fill(length - 1),
        );
        const wanted = one.segments.flatMap(({loss}) => loss);
        for (const [i, loss] of losses.entries())
          assert.ok(
            Math.abs(loss / divisors[i]! - wanted[i]!) < 1e-4,
            `${one.image} ${i}: ${loss}`,
          );
        if (one.n_segments === one.candidates.length)
          assert.equal(
            orderByLoss(losses.map((loss, i) => loss / (promptLength + lengths[i]! - 1))),
            one.class_ranks[0],
          );
      }
    }),
  );

  onEveryBackend(test, 'answers found together are those found one by one', (backend) =>
    withModel(backend, async (emu) => {
      const requests = await Promise.all([...generated, ...ranked].map(itemsOf));
      for (const numBeams of backend === 'reference' ? [2] : [1, 5]) {
        const options: TextOptions = {
          ...raw,
          numBeams,
          maxTokens: 8,
          numCaptions: numBeams > 1 ? 2 : 1,
        };
        const together = await emu.generateTexts(requests, options);
        for (const [i, items] of requests.entries())
          for await (const event of emu.generateText(items, options)) {
            if (event.type !== 'done') continue;
            assert.equal(together[i]!.tokens, event.result.tokens, `${i}, ${numBeams} beams`);
            assert.equal(together[i]!.texts, event.result.texts);
            for (const [j, score] of event.result.scores.entries())
              if (score !== undefined)
                assert.ok(Math.abs(score - together[i]!.scores[j]!) < 1e-3 * Math.abs(score));
          }
      }
    }),
  );
}

test.run();
