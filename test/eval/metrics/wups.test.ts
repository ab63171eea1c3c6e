import {existsSync} from 'node:fs';
import path from 'node:path';
import {suite} from 'uvu';
import * as assert from 'uvu/assert';
import {nextQaLemmas} from '../../../src/eval/metrics/nextQaLemmas.js';
import {type NextQaType, WupsScorer, wupsScores} from '../../../src/eval/metrics/wups.js';
import {WordNet} from '../../../src/eval/text/wordnet.js';
import {throwsEmuError} from '../../support/errors.js';
import {isNear, metricsJson} from '../../support/metricsData.js';
import {skip} from '../../support/skip.js';

interface WupsFile {
  readonly expected: Record<
    'wups0' | 'wups0.9',
    {all: number; by_type: Record<string, number>; by_group: Record<string, number>}
  >;
  readonly items: readonly {
    readonly type: NextQaType;
    readonly answer: string;
    readonly prediction: string;
    readonly answer_lemmas: string;
    readonly prediction_lemmas: string;
    readonly wups0: number;
    readonly 'wups0.9': number;
  }[];
  readonly wup_pairs: readonly {
    readonly w1: string;
    readonly w2: string;
    readonly wup_alpha0: number;
    readonly 'wup_alpha0.9': number;
  }[];
}

const folder = process.env.EMU_WORDNET ?? '/usr/share/wordnet';
const wordnet = existsSync(path.join(folder, 'index.noun')) ? WordNet.open(folder) : undefined;
const file = metricsJson<WupsFile>('videoqa/nextqa-wups.json');

const test = suite('WUPS');

/** A test that needs WordNet. */
function onWordNet(name: string, run: (wordnet: WordNet) => void): void {
  if (wordnet) test(name, () => run(wordnet));
  else skip(test, name, 'needs WordNet 3.0 (EMU_WORDNET=DIR)');
}

/** A test that needs the NExT-QA items too. */
function onItems(name: string, run: (wordnet: WordNet, file: WupsFile) => void): void {
  if (file) onWordNet(name, (words) => run(words, file));
  else skip(test, name, 'needs videoqa/nextqa-wups.json of the metric data');
}

const alphas = [
  [0, 'wups0', 'wup_alpha0'],
  [0.9, 'wups0.9', 'wup_alpha0.9'],
] as const;

onItems('similarities of words', (words, {wup_pairs}) => {
  const scorer = new WupsScorer(words);
  for (const pair of wup_pairs)
    for (const [alpha, , key] of alphas) {
      const found = scorer.wordSimilarity(pair.w1, pair.w2, alpha);
      assert.ok(isNear(found, pair[key], 1e-9), `${pair.w1} ${pair.w2} ${alpha}: ${found}`);
    }
});

onItems('scores of answers and means, from lemmas', (words, {items, expected}) => {
  const scorer = new WupsScorer(words);
  const given = items.map((item) => ({
    type: item.type,
    prediction: item.prediction_lemmas,
    answer: item.answer_lemmas,
  }));
  for (const [alpha, key] of alphas) {
    for (const [i, item] of items.entries()) {
      const found = scorer.score(given[i]!, alpha);
      assert.ok(isNear(found, item[key], 1e-9), `${item.prediction} / ${item.answer}: ${found}`);
    }
    const scores = wupsScores(given, scorer, alpha);
    assert.ok(isNear(scores.all, expected[key].all, 1e-9));
    for (const [found, wanted] of [
      [scores.byType, expected[key].by_type],
      [scores.byGroup, expected[key].by_group],
    ] as const) {
      assert.equal([...found.keys()].sort(), Object.keys(wanted).sort());
      for (const [name, value] of found)
        assert.ok(
          isNear(value, wanted[name]!, 1e-9),
          `${name}: ${value}, expected ${wanted[name]}`,
        );
    }
  }
});

onItems('lemmas from text: nine of ten answers equal the tagged ones', (words, {items}) => {
  const texts = items.flatMap((item) => [
    [item.answer, item.answer_lemmas],
    [item.prediction, item.prediction_lemmas],
  ]);
  const numEqual = texts.filter(([text, lemmas]) => nextQaLemmas(words, text!) === lemmas).length;
  assert.ok(numEqual / texts.length >= 0.9, `${numEqual} of ${texts.length}`);
});

onWordNet('lemmas from text', (words) => {
  assert.is(nextQaLemmas(words, 'The boy was playing with his toys.'), 'boy play hi toy .');
  assert.is(
    nextQaLemmas(words, "it doesn't fit, he left"),
    'not , leave'.replace('not', "n't fit"),
  );
  assert.is(nextQaLemmas(words, 'put it on the table'), 'put on table');
  assert.is(nextQaLemmas(words, ''), '');
});

onWordNet(
  'the first word decides: a verb is somewhat like a noun, a noun not like a verb',
  (words) => {
    const scorer = new WupsScorer(words);
    assert.ok(scorer.wordSimilarity('eat', 'dog') > 0);
    assert.is(scorer.wordSimilarity('dog', 'eat'), 0);
    assert.is(scorer.wordSimilarity('xyzzy', 'xyzzy'), 1);
    assert.is(scorer.wordSimilarity('xyzzy', 'dog'), 0);
    assert.is(scorer.wups('', 'dog'), 0);
  },
);

onWordNet('counts and yes/no are right or wrong, and the best reference counts', (words) => {
  const scorer = new WupsScorer(words);
  assert.is(scorer.score({type: 'DC', prediction: 'two', answer: 'three'}), 0);
  assert.is(
    scorer.score({type: 'DC', prediction: 'two', answer: 'three', otherAnswers: ['two']}),
    1,
  );
  const one = scorer.score({type: 'CW', prediction: 'cat', answer: 'dog'});
  assert.ok(one > 0 && one < 1);
  assert.is(scorer.score({type: 'CW', prediction: 'cat', answer: 'dog', otherAnswers: ['cat']}), 1);
});

onWordNet('names what cannot be scored', (words) => {
  const scorer = new WupsScorer(words);
  throwsEmuError(() => wupsScores([], scorer), /expected questions, got none/);
  const item = {type: 'XX' as NextQaType, prediction: '', answer: ''};
  throwsEmuError(() => wupsScores([item], scorer), /expected a type of CW CH .*got XX/);
});

test.run();
