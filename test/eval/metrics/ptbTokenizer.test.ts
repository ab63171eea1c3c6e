// Against what PTBTokenizer of Stanford CoreNLP 3.4.1 printed.
import {suite} from 'uvu';
import * as assert from 'uvu/assert';
import {ptbLines, tokenizeCaption, tokenizeCaptions} from '../../../src/eval/text/ptbTokenizer.js';
import {metricsJson} from '../../support/metricsData.js';
import {skip} from '../../support/skip.js';

const test = suite('ptbTokenizer');

interface Row {
  readonly category: string;
  readonly text: string;
  readonly ptb_lines: string[];
  readonly tokenized: string;
}

const rows = metricsJson<Row[]>('caption/ptb-tokens.json');
if (!rows) skip(test, 'golden strings', 'no caption/ptb-tokens.json');
else
  for (const category of new Set(rows.map((row) => row.category)))
    test(`golden strings: ${category}`, () => {
      for (const {text, ptb_lines: lines, tokenized} of rows.filter(
        (row) => row.category === category,
      )) {
        assert.equal(ptbLines(text.replaceAll('\n', ' ')), lines, text);
        assert.is(tokenizeCaption(text), tokenized, text);
      }
    });

interface Image {
  readonly refs: string[];
  readonly refs_tok: string[];
  readonly cand: string;
  readonly cand_tok: string;
}

const coco = metricsJson<{images: Image[]}>('caption/coco-300.json')?.images;
if (!coco) skip(test, 'golden captions', 'no caption/coco-300.json');
else
  test('golden captions', () => {
    assert.equal(
      tokenizeCaptions(coco.flatMap(({refs}) => refs)),
      coco.flatMap(({refs_tok: tokens}) => tokens),
    );
    assert.equal(
      tokenizeCaptions(coco.map(({cand}) => cand)),
      coco.map(({cand_tok: tokens}) => tokens),
    );
  });

/** Lines of one text with the tokens that were printed for each. */
const printed = `
He can't, she won't; they'd've said "no".
he ca n't , she wo n't ; they 'd 've said \`\` no '' .
Dr. J. R. Smith lives in Washington, D.C. The end
dr. j. r. smith lives in washington , d.c. . the end
a U.S.-based firm, e.g. Acme Inc. of St. Louis, Mo.
a u.s.-based firm , e.g. acme inc. of st. louis , mo.
e-mail me at jo.bloggs@mail.example.co.uk or see www.example.com/a?b=1.
e-mail me at jo.bloggs@mail.example.co.uk or see www.example.com/a?b=1 .
He paid $3.50 (about €3.20) for 1 1/2 lbs. at 5:30pm
he paid $ 3.50 -lrb- about $ 3.20 -rrb- for 1\u00a01/2 lbs . at 5:30 pm
<p>a &amp; b &lt; c</p> <br/>
<p> a & b < c </p> <br/>
wait . . . what?! no--yes---maybe -----
wait ... what ?! no -- yes -- maybe -----
I. The cat
i . the cat
The '90s rock'n'roll, y'all; o'clock and 'tis
the '90s rock 'n' roll , y' all ; o'clock and 't is
x = 2^10 ~ 1,024 #winning @someone C# C++
x = 2 ^ 10 ~ 1,024 #winning @someone c# c++
figs. 3 and no. 5, but no. way
figs. 3 and no. 5 , but no . way
A :-) smile ^_^ and photo.jpg here
a :--rrb- smile ^_^ and photo.jpg here
¼ ¾ ⅔ ⅞ ½
1/4 3/4 2/3 ⅞ 1/2
soft\u00adhy\u00adphen and \u00ad
softhyphen and -
call 555-123-4567 or +44 20 7946 0958
call 555-123-4567 or +44\u00a020\u00a07946\u00a00958
“It’s ‘fine’” he said… —ok–
\`\` it 's \` fine ''' he said ... -- ok --
cannot gonna Lemme gotta
can not gon na lem me got ta`
  .trim()
  .split('\n');

test('abbreviations, quotes, numbers, addresses, tags', () => {
  const texts = printed.filter((_, i) => i % 2 === 0);
  const tokens = printed.filter((_, i) => i % 2 === 1);
  assert.equal(ptbLines(texts.join('\n')), tokens);
});

test('brackets stay when punctuation goes', () => {
  assert.is(tokenizeCaption('A dog (brown), "old"!'), 'a dog -lrb- brown -rrb- old');
  assert.is(tokenizeCaption('... !'), '');
});

test('the next caption decides whether a full stop belongs to an initial', () => {
  assert.equal(tokenizeCaptions(['by J.', 'The dog']), ['by j', 'the dog']);
  assert.equal(tokenizeCaptions(['by J.', 'Dog']), ['by j.', 'dog']);
  assert.is(tokenizeCaption('by J.'), 'by j.');
});

test('a line separator in a caption does not move the captions after it', () => {
  assert.equal(tokenizeCaptions(['a\rb', 'c\u2028', 'd\ne']), ['a', 'c', 'd e']);
  assert.equal(tokenizeCaptions([]), []);
  assert.equal(tokenizeCaptions(['', 'a', '']), ['', 'a', '']);
});

test('every UTF-16 unit is read', () => {
  for (let code = 0; code < 0x10000; code += 7) {
    const sign = String.fromCharCode(code);
    assert.match(ptbLines(`a ${sign} b`).join(' '), /^a .*b$/s, code.toString(16));
  }
});

test('time grows with the text, also where a rule looks far ahead in vain', () => {
  const start = performance.now();
  for (const unit of ['a,', 'aa.', '<a', 'http://,', 'a@', 'a.', '1,', '&a'])
    ptbLines(unit.repeat(100_000));
  // A scan to the end from every token would take minutes.
  assert.ok(performance.now() - start < 20_000);
});

test.run();
