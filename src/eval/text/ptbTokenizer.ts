// The tokens of a caption as the official caption metrics see it: PTBTokenizer of Stanford CoreNLP 3.4.1
// with -preserveLines -lowerCase, then without punctuation (pycocoevalcap/tokenizer/ptbtokenizer.py).
import {stripEnd} from '../../text/whitespace.js';
import {PatternSet} from './longestMatch.js';
import {type Form, type Rule, rules} from './ptbRules.js';

/** As in the official list; its brackets are upper case and so stay in, the tokens being lower case. */
const punctuation = new Set("'' ' `` ` -LRB- -RRB- -LCB- -RCB- . ? ! , : - -- ... ;".split(' '));

const fractions: Record<string, string> = {
  '\u00bc': '1/4',
  '\u00bd': '1/2',
  '\u00be': '3/4',
  '\u2153': '1/3',
  '\u2154': '2/3',
};

/** Quotation marks as TeX writes them; straight ones open or close by where they stand. */
function quote(text: string, opens: boolean): string {
  return text
    .replace(/&apos;|'/g, opens ? '`' : "'")
    .replace(/"|&quot;/g, opens ? '``' : "''")
    .replace(/[\u0091\u2018\u201b\u2039]/g, '`')
    .replace(/[\u0092\u2019\u203a]/g, "'")
    .replace(/[\u0093\u201c\u00ab]/g, '``')
    .replace(/[\u0094\u201d\u00bb]/g, "''");
}

function write(text: string, form: Form): string {
  if (typeof form === 'object') return form.text;
  switch (form) {
    case 'withoutSoftHyphens':
      return text.replaceAll('\u00ad', '') || '-';
    case 'ampersand':
      return text.replace(/&amp;/gi, '&');
    case 'oneToken':
      return text.replaceAll(' ', '\u00a0');
    case 'oneTokenWithBrackets':
      return text.replaceAll(' ', '\u00a0').replaceAll('(', '-LRB-').replaceAll(')', '-RRB-');
    case 'openingQuote':
      return quote(text, true);
    case 'closingQuote':
      return quote(text, false);
    case 'currency':
      return text
        .replaceAll('\u00a2', 'cents')
        .replaceAll('\u00a3', '#')
        .replace(/[\u0080\u00a4\u20a0\u20ac]/g, '$');
    case 'fraction':
      return fractions[text] ?? text;
    case 'ellipsis':
      return '...';
    case 'dash':
      return '--';
    case 'dashes':
      return text.length === 3 || text.length === 4 ? '--' : text;
    case 'initialsAtEnd':
      return text.length === 2 ? text.slice(0, 1) : text;
    default:
      return text;
  }
}

/** The two sides of a rule that looks ahead. */
class Boundary {
  private readonly token: PatternSet;
  private readonly after: PatternSet;

  constructor(rule: Rule, before: string) {
    this.token = new PatternSet([rule.pattern]);
    this.after = new PatternSet([before]);
  }

  /** Where the token ends: as far on as what must follow can still fill the rest. */
  find(text: string, start: number, end: number): number {
    const places = this.token.ends(text, start, end);
    return places.findLast((place) => this.after.ends(text, place, end).at(-1) === end) ?? end;
  }
}

class Lexer {
  private readonly patterns = new PatternSet(
    rules.map(({pattern, before}) => (before ? `(${pattern})(${before})` : pattern)),
  );
  /** Made when first needed, of rules whose second side has no fixed length. */
  private readonly boundaries: (Boundary | undefined)[] = [];

  /** Where the token of a match ends: what it looks ahead to and what it leaves is not part of it. */
  private tokenEnd(id: number, text: string, start: number, matchEnd: number): number {
    const {before, beforeLength, leave = 0} = rules[id]!;
    if (!before) return matchEnd - leave;
    if (beforeLength) return matchEnd - beforeLength;
    this.boundaries[id] ??= new Boundary(rules[id]!, before);
    return this.boundaries[id].find(text, start, matchEnd);
  }

  /** The text with its tokens in lower case and one space between them, lines kept. */
  run(text: string): string {
    const scan = this.patterns.scanner(text);
    let out = '';
    let startsLine = true;
    for (let start = 0; start < text.length; ) {
      const {rule: id, end: matchEnd} = scan(start)!; // the last rule matches every character
      const {form} = rules[id]!;
      const tokenEnd = this.tokenEnd(id, text, start, matchEnd);
      if (form === 'newLine') {
        out += '\n';
        startsLine = true;
      } else if (form !== 'nothing') {
        const token = write(text.slice(start, tokenEnd), form).toLowerCase();
        out += startsLine ? token : ` ${token}`;
        startsLine = false;
      }
      start = form === 'sentenceEnd' || form === 'initialsAtEnd' ? tokenEnd - 1 : tokenEnd;
    }
    return out;
  }
}

let lexer: Lexer | undefined;

/** The lines the tokenizer prints for a text. */
export function ptbLines(text: string): string[] {
  lexer ??= new Lexer();
  const lines = lexer.run(text).split('\n');
  if (lines.at(-1) === '') lines.pop();
  return lines;
}

function withoutPunctuation(line: string): string {
  return stripEnd(line)
    .split(' ')
    .filter((token) => !punctuation.has(token))
    .join(' ');
}

/** The tokens of one caption, one space between them; of a caption that prints several lines, the first. */
export function tokenizeCaption(caption: string): string {
  return withoutPunctuation(ptbLines(caption.replaceAll('\n', ' '))[0] ?? '');
}

/**
 * The tokens of many captions. The official code tokenizes them as the lines of one text, in which the
 * beginning of a caption can decide whether a full stop before it is part of an abbreviation.
 */
export function tokenizeCaptions(captions: readonly string[]): string[] {
  lexer ??= new Lexer();
  const lines = lexer
    .run(captions.map((caption) => caption.replaceAll('\n', ' ')).join('\n'))
    .split('\n');
  // A caption with another line separator prints more lines, and the official code gives every later
  // caption the tokens of one before. That is not repeated here.
  return lines.length === captions.length
    ? lines.map(withoutPunctuation)
    : captions.map(tokenizeCaption);
}
