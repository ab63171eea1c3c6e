// How the official VQA evaluation makes answers comparable, with its quirks (mm_eval, vqa_tools/vqa_eval.py,
// after the tools of visualqa.org).
import {pythonSplit, pythonStrip} from './pythonText.js';

const punctuation = [...';/[]"{}()=+\\_->@`,?!<'];

// Meant as "a stop that is not in a number"; its look-behind is mistyped, so only the next sign counts.
const stop = /\.(?!\p{Nd})/gu;
// The flag of the regular expression is passed where the count belongs: re.UNICODE is 32.
const MAX_STOPS = 32;
const groupedNumber = /\p{Nd},\p{Nd}/u;

/**
 * Punctuation goes: a sign that touches a space anywhere in the text is deleted, as every sign of a text
 * with a grouped number (1,000); other signs become spaces.
 */
export function stripPunctuation(text: string): string {
  const isGrouped = groupedNumber.test(text);
  let out = text;
  for (const sign of punctuation) {
    const isDeleted = isGrouped || text.includes(`${sign} `) || text.includes(` ${sign}`);
    out = out.replaceAll(sign, isDeleted ? '' : ' ');
  }
  let stops = 0;
  return out.replace(stop, (sign) => (stops++ < MAX_STOPS ? '' : sign));
}

const numbers = [
  'zero',
  'one',
  'two',
  'three',
  'four',
  'five',
  'six',
  'seven',
  'eight',
  'nine',
  'ten',
];
const digits = new Map([['none', '0'], ...numbers.map((word, i) => [word, String(i)] as const)]);

const articles = new Set(['a', 'an', 'the']);

const contractions = `
  ain't aren't can't could've couldn't couldn't've didn't doesn't don't hadn't hadn't've hasn't haven't he'd
  he'd've he's how'd how'll how's isn't it'd it'd've it'll ma'am might've mightn't mightn't've must've mustn't
  needn't not've o'clock oughtn't 'ow's'at shan't she'd've should've shouldn't shouldn't've somebody'd've
  somebody'll somebody's someone'd someone'd've someone'll someone's something'd something'd've something'll
  that's there'd there'd've there're there's they'd they'd've they'll they're they've 'twas wasn't we'd've
  we've weren't what'll what're what's what've when's where'd where's where've who'd who'd've who'll who's
  who've why'll why're why's won't would've wouldn't wouldn't've y'all y'all'd've y'all'll you'd you'd've
  you'll you're you've`;

/** Contractions that lack one apostrophe -> the whole ones. */
const completed = new Map([
  ["somebody'd", 'somebodyd'], // the other way round in the official table
  ...pythonSplit(contractions).flatMap((whole) =>
    [...whole.matchAll(/'/g)].map(
      ({index}) => [whole.slice(0, index) + whole.slice(index + 1), whole] as const,
    ),
  ),
]);

/** Lower case, number words to digits, no articles, single spaces, apostrophes of contractions restored. */
export function normalizeWords(text: string): string {
  return pythonSplit(text.toLowerCase())
    .map((word) => digits.get(word) ?? word)
    .filter((word) => !articles.has(word))
    .map((word) => completed.get(word) ?? word)
    .join(' ');
}

/** What stands before the punctuation step of a prediction. Human answers do without. */
export function trimPrediction(text: string): string {
  return pythonStrip(text.replace(/[\n\t]/g, ' '));
}
