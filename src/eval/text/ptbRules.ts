// The tokens of the Penn Treebank as the tokenizer of Stanford CoreNLP 3.4.1 knows them, its slips included:
// scores depend on them. Of all rules that match at a place the one that reads furthest wins, then the first.
import {
  beforeName,
  beforeNumber,
  fileEnding,
  initialOrInitials,
  initials,
  midSentence,
  sentenceStart,
} from './ptbAbbreviations.js';
import {laterDigits, laterLetters, marksInWords, symbols} from './ptbCharacters.js';

/** What becomes of the characters a rule read. */
export type Form =
  | 'asIs'
  /** Soft hyphens mark where a word may break: they go. */
  | 'withoutSoftHyphens'
  | 'ampersand'
  /** A space inside a token becomes a no-break space. */
  | 'oneToken'
  /** The same, and round brackets as the treebank writes them. */
  | 'oneTokenWithBrackets'
  | 'openingQuote'
  | 'closingQuote'
  | 'currency'
  | 'fraction'
  | 'ellipsis'
  | 'dash'
  | 'dashes'
  | 'nothing'
  | 'newLine'
  /** An abbreviation whose full stop also ends the sentence: the stop is left to be read again. */
  | 'sentenceEnd'
  /** Likewise, but a single letter is no abbreviation there and loses its stop. */
  | 'initialsAtEnd'
  | {readonly text: string};

export interface Rule {
  readonly pattern: string;
  /** What must follow; it counts for the length but belongs to the next token. */
  readonly before?: string;
  /** How long that is, where it is always the same. */
  readonly beforeLength?: number;
  readonly form: Form;
  /** How many characters at the end of the match are left for the next token. */
  readonly leave?: number;
}

const raw = String.raw;
const either = (...choices: readonly string[]) => `(${choices.join('|')})`;
const optional = (part: string) => `(${part})?`;

/** Rules that leave what they read as it is. */
const keep = (...patterns: readonly string[]): Rule[] =>
  patterns.map((pattern) => ({pattern, form: 'asIs'}));

const space = raw`[ \t\u00a0\u2000-\u200a\u3000]`;
const newLine = raw`([\r]?[\n]|[\r\u000b\u000c\u0085\u2028\u2029])`;
const gap = either(space, newLine);

const letter = raw`[[\p{L}\u1885\u1886]--[${laterLetters}]]`;
const capital = raw`[\p{Uppercase}--[\u13a0-\u13f5${laterLetters}]]`;
const digit = raw`[\p{Nd}--[${laterDigits}]]`;
const letterOrDigit = either(letter, digit);

const apostrophe = raw`(['\u0092\u2019]|&apos;)`;
/** Also signs that are typed for one. */
const likeApostrophe = raw`(${apostrophe}|[\u0060\u0091\u2018\u201b])`;

// Words

const wordLetter = either(letter, raw`[\u00ad${marksInWords}]`, '&[aeiouAEIOU](acute|grave|uml);');
const simpleWord = `${wordLetter}(${wordLetter}|${digit})*`;
/** A stop between two words without a space is taken for part of a name. */
const word = `${simpleWord}([.!?]${simpleWord})*`;

/** What is cut off a word: 's 'm 'd 're 've 'll. */
const shortened = `${apostrophe}([dmsDMS]|ll|re|ve)`;
const not = `n${likeApostrophe}t`;

/** Contractions and borrowed words that stay whole. */
const whole = either(
  `[dlDLjJ]${apostrophe}`,
  `(Dunkin|ol|somethin)${apostrophe}`,
  `${apostrophe}(cause|em|n${apostrophe}?|till?|[2-9]0s)`,
  `[A-HJ-XZn]${likeApostrophe}${letter}{2}${letter}*`,
  `${letter}+[aeiouyAEIOUY]${likeApostrophe}[aeiouA-Z]${letter}*`,
  `O${likeApostrophe}o`,
  raw`c'mon|cont'd\.?|e'er|ev'ry|li'l|nat'l|nor'easter|s'mores`,
);

const wordRules: Rule[] = [
  {pattern: "cannot|'twas", form: 'asIs', leave: 3},
  {pattern: "gimme|gonna|gotta|lemme|wanna|'tis", form: 'asIs', leave: 2},
  {pattern: word, before: shortened, form: 'withoutSoftHyphens'},
  {
    pattern: raw`[A-Za-z\u00ad]*[A-MO-Za-mo-z][\u00ad]*`, // the n before the apostrophe goes with it
    before: not,
    form: 'withoutSoftHyphens',
  },
  {pattern: word, form: 'withoutSoftHyphens'},
  ...keep(whole),
  {pattern: `y${apostrophe}`, before: letter, beforeLength: 1, form: 'asIs'},
  {pattern: either(shortened, not), before: '[^A-Za-z]', beforeLength: 1, form: 'closingQuote'},
  {pattern: not, form: 'closingQuote'},
];

// Numbers

const number = raw`(${digit}+|${digit}*([.:,\u00ad\u066b\u066c]${digit}+)+)`;
const upTo4 = `${digit}{1,4}`;
/** Part of a telephone number, of so many digits to four, and what comes before the next part. */
const group = (least: number, between: string) => `[0-9]{${least},4}${between}`;
const phoneGap = raw`[\- \u00a0]`;

const numberRules: Rule[] = [
  ...keep(raw`${digit}{1,2}[\-/]${digit}{1,2}[\-/]${digit}{2,4}`), // a date
  {pattern: raw`[+\-]?${number}`, form: 'withoutSoftHyphens'},
  ...keep(
    raw`[\u207a\u207b\u208a\u208b]?([\u00b2\u00b3\u00b9\u2070\u2074-\u2079]+|[\u2080-\u2089]+)`,
  ),
  {
    pattern: raw`${optional(raw`${upTo4}[\- \u00a0]`)}${upTo4}([\u2044]|\\?/)${upTo4}`,
    form: 'oneToken',
  },
  {pattern: raw`[\u00bc-\u00be\u2153-\u215e]`, form: 'fraction'},
  {
    pattern: either(
      raw`(\([0-9]{2,3}\)[ \u00a0]?|(\+{1,2})?${optional(group(2, phoneGap))}${group(2, phoneGap)})${group(3, `${phoneGap}?`)}[0-9]{3,5}`,
      raw`${optional(raw`(\+{1,2})?${group(2, raw`\.`)}`)}${group(2, raw`\.`)}${group(3, raw`\.`)}[0-9]{3,5}`,
    ),
    form: 'oneTokenWithBrackets',
  },
  ...keep(raw`[A-Z]*\$|#`),
  {
    pattern: raw`[\u0080\u00a2-\u00a5\u060b\u0e3f\u20a0\u20a4\u20ac\uffe0\uffe1\uffe5\uffe6]`,
    form: 'currency',
  },
  {pattern: `${apostrophe}[0-9]{2}`, before: gap, form: 'asIs'},
];

// Tags and addresses

const name = raw`[A-Za-z][A-Za-z0-9_:.\-]*`;
const attribute = raw`${name}([ ]*=[ ]*("[^"]*"|'[^']*'))?`;
const tag = either(
  raw`<${name}([ ]+${optional(attribute)})*[ ]*/?[ ]*>`,
  raw`</${name}[ ]*>`,
  raw`<[!?][A-Za-z\-][^>\r\n]*>`,
);

const outside = raw` \t\n\u000c\r"<>|`;
/** What no address ends in. */
const stops = raw`.!?(){},`;
const page = raw`[^${outside}()]+[^${outside}${stops}\-]`;
const mailPart = raw`[^${outside}().\u00a0{}]+`;

const addressRules: Rule[] = [
  {pattern: tag, form: 'oneToken'},
  ...keep(
    raw`https?://[^${outside}(){}]+[^${outside}${stops}\-]`,
    // The range from comma to underscore shuts out digits and capitals too.
    raw`(www\.([^${outside}${stops}]+\.)+[a-zA-Z]{2,4}|([^${outside}.!?(){}$'\u0060,-_]+\.)+(com|edu|net|org))(/${page})?`,
    raw`(<|&lt;)?[a-zA-Z0-9][^${outside}()\u00a0{}]*@(${mailPart}\.)*${mailPart}(>|&gt;)?`,
    '@[a-zA-Z_][a-zA-Z_0-9]*',
    `#${wordLetter}+`,
  ),
];

// Abbreviations

const abbreviationRules: Rule[] = [
  {
    pattern: raw`${initialOrInitials}\.`,
    before: `${gap}+(${sentenceStart}|${tag})${gap}`,
    form: 'initialsAtEnd',
  },
  {pattern: raw`${beforeNumber}\.`, before: `${gap}?${digit}`, form: 'asIs'},
  {pattern: raw`(co|pt[eyEY])\.`, before: `${space}(lim|ltd)`, form: 'asIs'},
  {
    pattern: raw`${midSentence}\.`,
    before: `${gap}(${gap}|${capital}|${tag})`,
    form: 'sentenceEnd',
  },
  {pattern: raw`${midSentence}\.`, before: '[^]{2}', beforeLength: 2, form: 'asIs'},
  {pattern: raw`${midSentence}\.`, form: 'sentenceEnd'}, // at the end of the text
  ...keep(raw`${beforeName}\.`),
  {pattern: beforeName, before: space, beforeLength: 1, form: 'asIs'},
  {pattern: initialOrInitials, before: gap, form: 'asIs'},
];

// Words joined by signs

const commaLike = raw`[,;:\u3001]`;
/** d'Artagnan, l'Oreal, o'Neil. */
const nameStart = optional(`[dlDLoO]${likeApostrophe}${letterOrDigit}`);
const joined = raw`${nameStart}${letterOrDigit}+([\-_\u058a\u2010\u2011]${nameStart}${letterOrDigit}+)*`;
const hyphened = raw`[A-Za-z0-9][A-Za-z0-9.,\u00ad]*(-(${initials}\.|[A-Za-z0-9\u00ad]+))+`;
const added = `[A-Z]+(([+&]|&amp;)[A-Z]+)+`;
const slashPart = '[A-Za-z0-9]+(-[A-Za-z]+){0,2}';

const joinedRules: Rule[] = [
  {
    pattern: raw`(${wordLetter}|${digit})+([.](${wordLetter}|${digit})+)*\.${fileEnding}`,
    before: either(gap, '[.?!,]'),
    form: 'asIs',
  },
  ...keep(raw`(c|f)#|c\+\+`),
  {
    pattern: either(
      '-(LCB|LRB|LSB|RCB|RRB|RSB)-',
      raw`anti-|C\.D\.s|(c${apostrophe}est)|Cap${apostrophe}n|pro-|S(&|&amp;)(Ls|P-500)`,
    ),
    form: 'ampersand',
  },
  ...keep(raw`${slashPart}(\\?/${slashPart}){1,2}`),
  ...[word, hyphened, joined, added].map(
    (pattern): Rule => ({
      pattern: raw`${pattern}\.`,
      before: commaLike,
      beforeLength: 1,
      form: pattern === added ? 'ampersand' : pattern === joined ? 'asIs' : 'withoutSoftHyphens',
    }),
  ),
  {pattern: hyphened, form: 'withoutSoftHyphens'},
  ...keep(joined),
  {pattern: added, form: 'ampersand'},
];

// Signs

const doubleQuote = '("|&quot;)';

/** (^_^) and its like. */
const eastern = either(
  raw`[\-\^x=~<>']_[\-\^x=~<>']`,
  raw`\([\-\^x=~<>'][_.]?[\-\^x=~<>']\)`,
  raw`\([\^x=~<>']-[\^x=~<>'\u0060]\)`,
  raw`[\^x=~<>]\.\[\^x=[^<]*<>]`, // was meant to be ^.^
);

const signRules: Rule[] = [
  {pattern: '&amp;', form: 'ampersand'},
  ...keep('&(#[0-9]+|cdq|HT|LR|odq|QC|QL|QR|TL|UR);'),
  {pattern: raw`&(MD|mdash|ndash);|[\u0096\u0097\u2013-\u2015]`, form: 'dash'},
  {pattern: '-+', form: 'dashes'},
  {pattern: raw`\.{3,5}|(\.[ \u00a0]){2,4}\.|[\u0085\u2026]`, form: 'ellipsis'},
  {pattern: doubleQuote, before: '[$A-Za-z0-9]', beforeLength: 1, form: 'openingQuote'},
  {pattern: "'", before: raw`[A-Za-z][^ \t\n\r\u00a0]`, beforeLength: 2, form: 'openingQuote'},
  {
    pattern: either(
      doubleQuote,
      shortened,
      apostrophe,
      "''",
      raw`[\u0060\u0091-\u0094\u00ab\u00bb\u2018-\u201f\u2039\u203a]{1,2}`,
    ),
    form: 'closingQuote',
  },
  {
    pattern: raw`[<>]?[:;=][\-o*']?[()DPdpO\\\{@|\[\]]`, // :-)
    before: '[^A-Za-z0-9]',
    beforeLength: 1,
    form: 'oneTokenWithBrackets',
  },
  {pattern: eastern, form: 'oneTokenWithBrackets'},
  {pattern: '<|&lt;', form: {text: '<'}},
  {pattern: '>|&gt;', form: {text: '>'}},
  ...Object.entries({'(': 'LRB', ')': 'RRB', '[': 'LSB', ']': 'RSB', '{': 'LCB', '}': 'RCB'}).map(
    ([sign, name]): Rule => ({pattern: `\\${sign}`, form: {text: `-${name}-`}}),
  ),
  ...keep(
    commaLike,
    raw`[.\u00a1\u00bf\u037e\u0589\u061f\u06d4\u0700-\u0702\u07fa\u3002]`,
    '[?!]+|@+|#+|_+|<<|>>|=|/',
    raw`\*+|(\\\*){1,3}`,
    raw`[+%&~\^|\\${symbols}]`,
  ),
];

// Space

const spaceRules: Rule[] = [
  {pattern: raw`[\u0000\u007f\u200b\u200e\u200f\ufeff]|${space}+|&nbsp;`, form: 'nothing'},
  {pattern: newLine, form: 'newLine'},
  {pattern: '[^]', form: 'nothing'}, // a sign it does not know
];

export const rules: readonly Rule[] = [
  ...wordRules,
  ...addressRules,
  ...numberRules,
  ...abbreviationRules,
  ...joinedRules,
  ...signRules,
  ...spaceRules,
];
