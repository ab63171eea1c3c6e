import {suite} from 'uvu';
import * as assert from 'uvu/assert';
import {porterStem} from '../../../src/eval/metrics/porterStemmer.js';
import {testOnMetrics} from '../../support/metricsData.js';

type Stems = readonly {readonly in: string; readonly out: string}[];

const test = suite('Porter stemmer');

testOnMetrics<{words: Stems; phrases: Stems}>(
  test,
  'equals NLTK on words and whole phrases',
  'vqa/porter-stems.json',
  ({words, phrases}) => {
    for (const {in: text, out} of [...words, ...phrases]) assert.is(porterStem(text), out, text);
  },
);

test('the examples of the paper, where NLTK keeps to it', () => {
  const stems = {
    caresses: 'caress',
    agreed: 'agre',
    conflated: 'conflat',
    troubling: 'troubl',
    sized: 'size',
    hopping: 'hop',
    falling: 'fall',
    filing: 'file',
    relational: 'relat',
    vietnamization: 'vietnam',
    formaliti: 'formal',
    electriciti: 'electr',
    replacement: 'replac',
    adoption: 'adopt',
    probate: 'probat',
    cease: 'ceas',
    controll: 'control',
  };
  for (const [word, stem] of Object.entries(stems)) assert.is(porterStem(word), stem, word);
});

test('the changes of NLTK', () => {
  const stems = {
    dies: 'die',
    flies: 'fli',
    died: 'die',
    spied: 'spi',
    enjoy: 'enjoy',
    by: 'by',
    dying: 'die',
    news: 'news',
    News: 'new',
    geology: 'geolog',
    hopefully: 'hope',
    As: 'as',
    '': '',
  };
  for (const [word, stem] of Object.entries(stems)) assert.is(porterStem(word), stem, word);
});

test.run();
