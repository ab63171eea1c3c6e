import {suite} from 'uvu';
import * as assert from 'uvu/assert';
import {stemEnglish} from '../../../src/eval/text/snowballEnglish.js';

const test = suite('snowballEnglish');

/** Words with the stems that Snowball's own program gives them, one kind of rule a line. */
const stems = `
consign consign, consigned consign, consigning consign, consignment consign, consist consist, consistency consist
skis ski, dying die, gently gentl, early earli, only onli, news news, atlas atlas, bias bias, inning inning, proceeds proceed
cats cat, gas gas, this this, kiwis kiwi, gaps gap, ties tie, cries cri, caresses caress, buses buse, bus bus, kiss kiss
dog's dog, dogs' dog, 'tis tis, o'clock o'clock, rock'n'roll rock'n'rol
agreed agre, feed feed, hopping hop, hoping hope, falling fall, sized size, luxuriated luxuri, hissing hiss, bing bing
happy happi, by by, say say, enjoying enjoy, yellow yellow, cyanide cyanid, youth youth
relational relat, conditional condit, rational ration, valenci valenc, digitizer digit, operator oper, feudalism feudal
decisiveness decis, hopefulness hope, callousness callous, formality formal, sensitivity sensit, sensibility sensibl
analogy analog, hopefully hope, quickly quick, fly fli, triplicate triplic, formative format, formalize formal, goodness good
revival reviv, allowance allow, adoption adopt, communism communism, activate activ, effective effect, bowdlerize bowdler
probate probat, rate rate, cease ceas, controll control, roll roll, general general, arsenal arsenal, a a, is is`;

test('stems', () => {
  for (const pair of stems.trim().split(/,\s|\n/)) {
    const [word, stem] = pair.split(' ');
    assert.is(stemEnglish(word!), stem, word);
  }
});

test('what is not a word stays', () => {
  for (const text of ['', '5', '10x12', '-lrb-', '\u4e2d\u6587', 'constructor', '__proto__'])
    assert.type(stemEnglish(text), 'string');
  assert.is(stemEnglish('2014'), '2014');
  assert.is(stemEnglish('constructor'), 'constructor');
});

test.run();
