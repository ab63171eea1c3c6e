import {suite} from 'uvu';
import * as assert from 'uvu/assert';
import {PatternSet} from '../../../src/eval/text/longestMatch.js';
import {SeededRandom} from '../../support/random.js';

const test = suite('longestMatch');

function match(patterns: string[], text: string): [rule: number, matched: string] | undefined {
  const found = new PatternSet(patterns).scanner(text)(0);
  return found && [found.rule, text.slice(0, found.end)];
}

test('the longest match wins, then the first pattern', () => {
  assert.equal(match(['a', 'ab', 'ab|c'], 'abc'), [1, 'ab']);
  assert.is(match(['ab', 'a.'], 'a'), undefined);
  assert.equal(match(['a.'], 'a.b'), [0, 'a.']);
  assert.equal(match(['a', 'abcd'], 'abc'), [0, 'a']);
  assert.is(match(['a'], 'b'), undefined);
  assert.is(match(['a'], ''), undefined);
});

test('letters outside brackets are of either case', () => {
  assert.equal(match(['st'], 'STx'), [0, 'ST']);
  assert.equal(match(['ski'], '\u017f\u212a\u0130'), [0, '\u017f\u212a\u0130']);
  assert.is(match(['[s]t'], 'St'), undefined);
});

test('a pattern that is not closed is an error', () => {
  assert.throws(() => new PatternSet(['(a']), /a group is not closed at 2/);
  assert.throws(() => new PatternSet(['a)']), /a group is not opened at 1/);
  assert.throws(() => new PatternSet(['[a']), /a bracket is not closed/);
});

test('matches as RegExp does, for random patterns', () => {
  const random = new SeededRandom(5);
  const part = (depth: number): string => {
    const kind = random.below(depth > 2 ? 3 : 7);
    if (kind < 2) return random.pick(['a', 'b', '\\.']);
    if (kind === 2) return random.pick(['[ab]', '[^a]', '[a-c]', '[\\]x]']);
    if (kind === 3) return `${part(depth + 1)}${part(depth + 1)}`;
    if (kind === 4) return `(${part(depth + 1)}|${part(depth + 1)})`;
    return `(${part(depth + 1)})${random.pick(['*', '+', '?', '{2}', '{1,3}', '{0,2}'])}`;
  };
  for (let round = 0; round < 400; round++) {
    const pattern = part(0);
    const set = new PatternSet([pattern]);
    const text = Array.from({length: 6}, () => random.pick(['a', 'b', 'c', '.', ']', 'A'])).join(
      '',
    );
    const anchored = new RegExp(`^(?:${pattern})$`);
    // RegExp's flag i would reach into brackets, so only texts in lower case are compared.
    const lower = text.toLowerCase();
    const expected = [0, 1, 2, 3, 4, 5, 6].filter((end) => anchored.test(lower.slice(0, end)));
    assert.equal(set.ends(lower, 0, lower.length), expected, `${pattern} on ${lower}`);
    const longest = expected.filter((end) => end > 0).at(-1);
    assert.is(set.scanner(lower)(0)?.end, longest, `${pattern} on ${lower}`);
  }
});

test.run();
