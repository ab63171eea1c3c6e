import {suite} from 'uvu';
import * as assert from 'uvu/assert';
import {WordNet} from '../../../src/eval/text/wordnet.js';
import {hasWordnet, wordnetFolder} from '../../../src/eval/wordnetFolder.js';
import {throwsEmuError} from '../../support/errors.js';
import {skip} from '../../support/skip.js';
import {temporaryFolder} from '../../support/temporary.js';

const test = suite('wordnet');

test('a folder without WordNet is an error that names the package', () => {
  const error = throwsEmuError(() => WordNet.open(temporaryFolder()), /wordnet-base/);
  assert.is(error.code, 'wordnet_missing');
});

if (!hasWordnet()) skip(test, 'synsets', `no WordNet in ${wordnetFolder()}`);
else {
  const wordnet = WordNet.open(wordnetFolder());

  test('irregular and regular forms lead to lemmas', () => {
    assert.is(wordnet.lemmatise('geese', 'n'), 'goose');
    assert.is(wordnet.lemmatise('Dogs', 'n'), 'dog');
    assert.is(wordnet.lemmatise('leaves', 'v'), 'leave');
    assert.is(wordnet.lemmatise('better', 'a'), 'better');
    assert.equal(wordnet.lemmasOf('better', 'a'), ['better', 'good', 'well']);
    assert.equal(wordnet.lemmasOf('saw', 'v'), ['saw', 'see']);
    assert.is(wordnet.lemmatise('qwertys', 'n'), undefined);
    assert.is(wordnet.lemmatise('constructor', 'a'), undefined);
  });

  test('synsets, the commonest first, of any inflection', () => {
    const synsets = wordnet.synsets('dogs');
    assert.is(synsets.length, 8);
    assert.equal(synsets[0]!.words, ['dog', 'domestic_dog', 'Canis_familiaris']);
    assert.equal(
      synsets.map(({pos}) => pos),
      ['n', 'n', 'n', 'n', 'n', 'n', 'n', 'v'],
    );
    assert.is(wordnet.synsets('dog', 'n')[0], synsets[0]);
    assert.equal(wordnet.synsets('qwerty asdf'), []);
  });

  test('ways up to the root', () => {
    const dog = wordnet.synsets('dog', 'n')[0]!;
    const ways = wordnet.hypernymPaths(dog).map((way) => way.map(({words}) => words[0]));
    assert.is(ways.length, 2);
    for (const way of ways) {
      assert.is(way[0], 'entity');
      assert.is(way.at(-1), 'dog');
    }
    assert.is(wordnet.minDepth(dog), 8);
    assert.is(wordnet.maxDepth(dog), 13);
    const distances = wordnet.hypernymDistances(dog);
    assert.is(distances.get(dog), 0);
    assert.is(distances.get(wordnet.synsets('entity', 'n')[0]!), 8);
  });

  test('named things are instances, satellite adjectives are adjectives', () => {
    const paris = wordnet.synsets('paris', 'n')[0]!;
    assert.is(wordnet.related(paris, '@').length, 0);
    assert.ok(wordnet.hypernyms(paris).length > 0);
    assert.ok(wordnet.synsets('galore', 'a')[0]!.words.includes('galore'));
  });

  test('every synset of every lemma is read', () => {
    for (const pos of ['v', 'r'] as const)
      for (const lemma of wordnet.lemmas(pos))
        for (const offset of wordnet.offsets(lemma, pos)) {
          const {words} = wordnet.synset(pos, offset);
          assert.ok(
            words.some((word) => word.toLowerCase() === lemma),
            lemma,
          );
        }
  });
}

test.run();
