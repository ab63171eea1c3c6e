// Against the jar of METEOR 1.5 with fewer modules, and with the paraphrase table where there is one.
import {writeFileSync} from 'node:fs';
import path from 'node:path';
import {gzipSync} from 'node:zlib';
import {suite} from 'uvu';
import * as assert from 'uvu/assert';
import {Meteor, meteorVocabulary} from '../../../src/eval/metrics/caption/meteor.js';
import {align, countChunks} from '../../../src/eval/metrics/caption/meteorAligner.js';
import {matchEqual} from '../../../src/eval/metrics/caption/meteorMatchers.js';
import {meteorWords} from '../../../src/eval/metrics/caption/meteorWords.js';
import type {Scored} from '../../../src/eval/metrics/caption/ngrams.js';
import {readParaphrases} from '../../../src/eval/metrics/caption/paraphraseTable.js';
import {
  paraphraseVocabulary,
  scoreCaptions,
} from '../../../src/eval/metrics/caption/scoreCaptions.js';
import {WordNet} from '../../../src/eval/text/wordnet.js';
import {hasWordnet, wordnetFolder} from '../../../src/eval/wordnetFolder.js';
import {metricsJson} from '../../support/metricsData.js';
import {skip} from '../../support/skip.js';
import {temporaryFolder} from '../../support/temporary.js';

const test = suite('meteor');
const wordnet = hasWordnet() ? WordNet.open(wordnetFolder()) : undefined;
const noWordnet = `no WordNet in ${wordnetFolder()}`;

interface Image {
  readonly refs_tok: string[];
  readonly cand_tok: string;
  readonly scores: Record<string, number>;
  readonly meteor_modules: Record<string, number>;
}

interface Coco {
  readonly corpus: Record<string, number>;
  readonly meteor_modules_corpus: Record<string, number>;
  readonly images: Image[];
}

const coco = metricsJson<Coco>('caption/coco-300.json');
const images: Scored<string>[] = (coco?.images ?? []).map(({cand_tok, refs_tok}) => ({
  candidate: cand_tok,
  references: refs_tok,
}));

function assertScores(
  meteor: Meteor,
  expectedCorpus: number,
  expected: (image: Image) => number,
): void {
  const {corpus, perImage} = meteor.score(images);
  for (const [i, image] of coco!.images.entries())
    assert.ok(
      Math.abs(perImage[i]! - expected(image)) <= 1e-6,
      `${image.cand_tok}: got ${perImage[i]}, expected ${expected(image)}`,
    );
  assert.ok(Math.abs(corpus - expectedCorpus) <= 1e-6, `${corpus} ${expectedCorpus}`);
}

const modules: [name: string, label: string, make: () => Meteor][] = [
  ['exact', 'METEOR(e)', () => new Meteor({stem: false})],
  ['exact stem', 'METEOR(es)', () => new Meteor()],
  ['exact stem synonym', 'METEOR(ess)', () => new Meteor({wordnet: wordnet!})],
];
for (const [name, label, make] of modules)
  if (!coco) skip(test, `golden scores: ${name}`, 'no caption/coco-300.json');
  else if (name.includes('synonym') && !wordnet) skip(test, `golden scores: ${name}`, noWordnet);
  else
    test(`golden scores: ${name}`, () => {
      const meteor = make();
      assert.is(meteor.label, label);
      assertScores(
        meteor,
        coco.meteor_modules_corpus[name]!,
        ({meteor_modules: scores}) => scores[name]!,
      );
    });

const table = process.env.EMU_METEOR_PARAPHRASES;
if (!coco || !wordnet || !table)
  skip(test, 'golden scores: METEOR', 'needs EMU_METEOR_PARAPHRASES, WordNet and coco-300.json');
else
  test('golden scores: METEOR', async () => {
    const paraphrases = await readParaphrases(table, meteorVocabulary(images));
    const meteor = new Meteor({wordnet, paraphrases});
    assert.is(meteor.label, 'METEOR');
    assertScores(meteor, coco.corpus.METEOR!, ({scores}) => scores.METEOR!);
  });

const score = (meteor: Meteor, candidate: string, ...references: string[]) =>
  meteor.score([{candidate, references}]).corpus;

test('equal captions score 1, different ones 0', () => {
  assert.is(score(new Meteor(), 'a dog runs', 'a cat', 'a dog runs'), 1);
  assert.is(score(new Meteor(), 'x', 'y z'), 0);
  assert.is(score(new Meteor(), '', 'a dog'), 0);
  assert.is(score(new Meteor(), 'a dog', ''), 0);
});

test('stems count less than words', () => {
  const full = score(new Meteor(), 'dogs', 'dogs cats');
  const stem = score(new Meteor(), 'dog', 'dogs cats');
  assert.ok(stem > 0 && Math.abs(stem - 0.6 * full) < 1e-12, `${stem} ${full}`);
  assert.is(score(new Meteor({stem: false}), 'dog', 'dogs cats'), 0);
});

test('of many pairings the one in fewest chunks', () => {
  const [candidate, reference] = ['the cat and the dog', 'the dog'].map((text) => text.split(' '));
  const matches = align(candidate!, reference!, [matchEqual]);
  assert.equal(
    matches.map((match) => match.candidateStart),
    [3, 4],
  );
  assert.is(countChunks(matches), 1);
  assert.is(countChunks(align(['a', 'b'], ['b', 'a'], [matchEqual])), 2);
  assert.is(countChunks([]), 0);
});

test('words of a line', () => {
  const cases: [string, string][] = [
    ["close-up of a dog 's nose", "close up of a dog ' s nose"],
    ["is n't st. louis", "is n 't st. louis"],
    ['at 5 p.m. in u.s.', 'at 5 pm in us'],
    ['mr. 5 vs. 6', 'mr . 5 vs. 6'],
    ['pp. 7 pp. x-ray 3,000 a,b', 'pp. 7 pp. x ray 3,000 a , b'],
    ['wait..up -lrb- x -rrb-', 'wait .. up -lrb- x -rrb-'],
    ["the 1990's 6'2 caf\u00e9\u00a0x", "the 1990 's 6 ' 2 caf\u00e9 x"],
  ];
  for (const [line, words] of cases) assert.is(meteorWords(line).join(' '), words, line);
});

if (!wordnet) skip(test, 'synonyms', noWordnet);
else
  test('synonyms', () => {
    const meteor = new Meteor({wordnet});
    assert.ok(score(meteor, 'sofas', 'couch') > 0);
    assert.ok(score(meteor, 'geese fly', 'a goose') > 0);
    assert.is(score(meteor, 'constructor', 'prototype'), 0);
  });

function writeTable(...lines: string[]): string {
  const file = path.join(temporaryFolder(), 'paraphrase.gz');
  writeFileSync(file, gzipSync(lines.map((line) => `${line}\n`).join('')));
  return file;
}

test('a paraphrase table matches phrases, in both directions', async () => {
  const file = writeTable('0.5', 'a lot of', 'many', '0.1', 'unheard of', 'many');
  const pair = {candidate: 'many dogs', references: ['a lot of dogs']};
  const paraphrases = await readParaphrases(file, meteorVocabulary([pair]));
  const meteor = new Meteor({paraphrases});
  const {matched, chunks} = meteor.counts(pair);
  assert.equal(matched.at(-1), {
    candidateContent: 1,
    referenceContent: 1,
    candidateFunction: 0,
    referenceFunction: 2,
  });
  assert.is(chunks, 1);
  assert.ok(
    score(meteor, 'a lot of dogs', 'many dogs') > score(new Meteor(), 'a lot of dogs', 'many dogs'),
  );
});

test('a table is read for captions and used in their scores', async () => {
  const references = new Map([['7', ['A lot of dogs.']]]);
  const candidates = new Map([['7', 'Many dogs!']]);
  const vocabulary = paraphraseVocabulary(references, candidates);
  assert.equal([...vocabulary].sort(), ['a', 'dogs', 'lot', 'many', 'of']);
  const paraphrases = await readParaphrases(writeTable('0.5', 'a lot of', 'many'), vocabulary);
  const scored = (meteor: Meteor) =>
    scoreCaptions(references, candidates, {meteor}).perImage.get('7')![meteor.label]!;
  assert.ok(scored(new Meteor({paraphrases})) > scored(new Meteor()));
});

test('a file that is no paraphrase table is an error', async () => {
  const rejects = async (file: string, message: RegExp) => {
    const error = await readParaphrases(file, new Set()).then(
      () => undefined,
      (reason: unknown) => reason,
    );
    assert.instance(error, Error);
    assert.match((error as Error).message, message);
  };
  await rejects(writeTable('many', 'a lot', 'x'), /line 1 should be a probability/);
  await rejects(writeTable('0.5', 'many'), /ends in the middle/);
  await rejects(path.join(temporaryFolder(), 'none.gz'), /ENOENT/);
  const plain = path.join(temporaryFolder(), 'plain.gz');
  writeFileSync(plain, 'not packed');
  await rejects(plain, /header/);
});

test.run();
