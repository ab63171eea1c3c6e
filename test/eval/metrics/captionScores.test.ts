// Against pycocoevalcap 1.2: every number within 1e-9.
import {suite} from 'uvu';
import * as assert from 'uvu/assert';
import {
  type CaptionScores,
  scoreCaptions,
} from '../../../src/eval/metrics/caption/scoreCaptions.js';
import {throwsEmuError} from '../../support/errors.js';
import {metricsJson} from '../../support/metricsData.js';
import {skip} from '../../support/skip.js';

const test = suite('captionScores');

type Numbers = Record<string, number>;

function assertNumbers(actual: Numbers, expected: Numbers, what: string): void {
  for (const [metric, value] of Object.entries(expected)) {
    if (metric === 'METEOR') continue;
    assert.ok(
      Math.abs(actual[metric]! - value) <= 1e-9,
      `${what}, ${metric}: got ${actual[metric]}, expected ${value}`,
    );
  }
}

interface Image {
  readonly image_id: number;
  readonly source: string;
  readonly refs: string[];
  readonly cand: string;
  readonly scores: Numbers;
}

interface Coco {
  readonly corpus: Numbers;
  readonly fakecap_only_corpus: Numbers;
  readonly fakecap_only_cider_per_image: Numbers;
  readonly images: Image[];
}

function scoreImages(scored: readonly Image[], all: readonly Image[]): CaptionScores {
  return scoreCaptions(
    new Map(all.map(({image_id: id, refs}) => [String(id), refs])),
    new Map(scored.map(({image_id: id, cand}) => [String(id), cand])),
  );
}

const coco = metricsJson<Coco>('caption/coco-300.json');
if (!coco) skip(test, 'golden pictures of COCO', 'no caption/coco-300.json');
else {
  test('golden pictures of COCO', () => {
    const {corpus, perImage} = scoreImages(coco.images, coco.images);
    assertNumbers(corpus, coco.corpus, 'corpus');
    for (const {image_id: id, scores} of coco.images)
      assertNumbers(perImage.get(String(id))!, scores, `picture ${id}`);
  });

  test('document frequency is that of the pictures scored', () => {
    const scored = coco.images.filter(({source}) => source === 'fakecap');
    const {corpus, perImage} = scoreImages(scored, coco.images);
    assertNumbers(corpus, coco.fakecap_only_corpus, 'corpus');
    const expected = coco.fakecap_only_cider_per_image;
    assert.equal([...perImage.keys()].sort(), Object.keys(expected).sort());
    for (const [id, cider] of Object.entries(expected))
      assertNumbers(perImage.get(id)!, {CIDEr: cider}, `picture ${id}`);
  });
}

interface Corpus {
  readonly title: string;
  readonly cands: string[];
  readonly refs: string[][];
  readonly corpus: Numbers;
  readonly per_image: Numbers[];
}

const byPlace = <T>(values: readonly T[]) =>
  new Map(values.map((value, i): [string, T] => [String(i), value]));

const corpora = metricsJson<Corpus[]>('caption/edge-corpora.json');
if (!corpora) skip(test, 'golden small corpora', 'no caption/edge-corpora.json');
else
  for (const {title, cands, refs, corpus, per_image: expected} of corpora)
    test(`golden small corpus: ${title}`, () => {
      const scores = scoreCaptions(byPlace(refs), byPlace(cands));
      assertNumbers(scores.corpus, corpus, 'corpus');
      for (const [i, numbers] of expected.entries())
        assertNumbers(scores.perImage.get(String(i))!, numbers, `picture ${i}`);
    });

test('a perfect caption of one picture', () => {
  const {corpus, perImage} = scoreCaptions(
    byPlace([['A dog runs away.']]),
    byPlace(['A dog runs away.']),
  );
  assert.equal(perImage.get('0'), corpus);
  assert.ok(Math.abs(corpus.Bleu_4! - 1) < 1e-6);
  assert.is(corpus.ROUGE_L, 1);
  // Every word is in every picture's references, so none tells pictures apart.
  assert.is(corpus.CIDEr, 0);
});

test('an empty caption scores near 0, not NaN', () => {
  const {perImage} = scoreCaptions(byPlace([['a dog'], ['a cat']]), byPlace(['', 'a cat']));
  for (const value of Object.values(perImage.get('0')!)) assert.ok(value >= 0 && value < 1e-6);
});

test('a reference without words is no obstacle', () => {
  const {perImage} = scoreCaptions(byPlace([['.', 'a dog']]), byPlace(['a dog']));
  assert.is(perImage.get('0')!.ROUGE_L, 1);
});

test('references of other pictures are left out', () => {
  const references = new Map([
    ['a', ['a dog']],
    ['b', ['a cat']],
  ]);
  const {perImage} = scoreCaptions(references, new Map([['b', 'a cat']]));
  assert.equal([...perImage.keys()], ['b']);
});

test('a caption of an unknown picture, and no caption at all, are errors', () => {
  throwsEmuError(
    () => scoreCaptions(byPlace([['a dog']]), new Map([['7', 'a dog']])),
    /picture 7 has a caption but no reference captions/,
  );
  throwsEmuError(() => scoreCaptions(byPlace([[]]), byPlace(['a dog'])), /picture 0/);
  throwsEmuError(() => scoreCaptions(byPlace([['a dog']]), new Map()), /no caption to score/);
});

test.run();
