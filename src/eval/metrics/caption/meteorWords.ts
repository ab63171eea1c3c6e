// The words that METEOR 1.5 aligns: its normalisation of a line (option -norm, English), made for captions
// that the treebank tokenizer has taken apart and put in lower case.

/** Letters to METEOR: Western European and Cyrillic ones. */
const letters =
  'A-Za-z\\u0160\\u017d\\u0161\\u017e\\u0178\\u00c0-\\u00d6\\u00d8-\\u00f6\\u00f8-\\u017e' +
  '\\u0400-\\u0527\\ua640-\\ua66e\\ua67e-\\ua697\\u1d00-\\u1d7f';
const alike = (source: string) =>
  new RegExp(source.replaceAll('L', letters).replaceAll('W', `0-9${letters}`), 'g');

/** Each is done to the whole line before the next. L stands for letters, W for letters and digits. */
const spacing: readonly (readonly [RegExp, string])[] = [
  // Other signs are words of their own.
  [alike("([^W \\t\\n\\x0b\\f\\r.'`,\\-\u2018\u2019])"), ' $1 '],
  // So are several full stops together; they are hidden until the single ones have been looked at.
  [/\.{2,}/g, ''],
  // Commas are, but between digits.
  [/([^0-9]),([^0-9])/g, '$1 , $2'],
  [/([0-9]),([^0-9])/g, '$1 , $2'],
  [/([^0-9]),([0-9])/g, '$1 , $2'],
  [/[`\u2018\u2019]/g, "'"],
  [/[\u201c\u201d]|''/g, ' " '],
  [/\u2013/g, '-'],
  [/--/g, '-'],
  // A hyphen between words goes, so that one of the two can match.
  [alike('([W.])-([W])'), '$1 $2'],
  // An apostrophe goes with what follows: dog 's.
  [alike("([^L])'([^L])"), "$1 ' $2"],
  [alike("([^L0-9])'([L])"), "$1 ' $2"],
  [alike("([L])'([^L])"), "$1 ' $2"],
  [alike("([L])'([L])"), "$1 '$2"],
  [/([0-9])'(s)/g, "$1 '$2"],
];

/** Stands for a full stop among several. */
const hiddenStop = '\ue000';

/** Abbreviations that keep their full stop. The list has more, all with capitals, which captions no longer have. */
const abbreviations = new Set(['v', 'vs', 'rev']);
const beforeNumber = new Set(['pp']);

/** A word that ends in a full stop, with it, without it, or with it as a word of its own. */
function splitStop(word: string, next: string | undefined): string[] {
  const start = word.slice(0, -1);
  // u.s. is us
  if (start.includes('.') && alike('[L]').test(start)) return [word.replaceAll('.', '')];
  const keeps =
    abbreviations.has(start) ||
    (next !== undefined && /^[a-z]/.test(next)) ||
    (next !== undefined && beforeNumber.has(start) && /^[0-9]/.test(next));
  return keeps ? [word] : [start, '.'];
}

const blank = /[ \t\n\r\f]+/;
const unicodeBlank = /[\u2000-\u200a\u202f\u205f\u3000\u00a0]+/g;

/** The words of a tokenized caption. */
export function meteorWords(caption: string): string[] {
  let line = ` ${caption} `;
  for (const [pattern, replacement] of spacing)
    line =
      replacement === ''
        ? line.replace(pattern, (stops) => ` ${hiddenStop.repeat(stops.length)} `)
        : line.replace(pattern, replacement);
  const words = line.split(blank).filter((word) => word !== '');
  return words
    .flatMap((word, i) =>
      word.length > 1 && word.endsWith('.') ? splitStop(word, words[i + 1]) : [word],
    )
    .join(' ')
    .replaceAll(hiddenStop, '.')
    .replace(unicodeBlank, ' ')
    .toLowerCase()
    .split(blank)
    .filter((word) => word !== '');
}
