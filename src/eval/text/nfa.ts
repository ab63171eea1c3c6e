// Patterns as states that are alive while a text is read (Thompson 1968).

/** Whether a part of a pattern reads a character. */
export type Reader = (code: number) => boolean;

export interface NfaState {
  /** What is read to go on to `next`, by number; without it the state goes to all of `free` at once. */
  readonly reader: number | undefined;
  next: number;
  readonly free: number[];
  /** The pattern that ends here. */
  rule: number | undefined;
}

/** Part of a pattern: the states at which it begins and ends. */
type Part = readonly [from: number, to: number];

/** The same for both cases of a letter, for the Turkish i and the long s too. */
function fold(sign: string): string {
  const upper = sign.toUpperCase();
  return upper.length === 1 ? upper.toLowerCase().charAt(0) : sign;
}

/** Of a bracket or of one sign. */
function readerOf(source: string): Reader {
  if (source.length > 1) {
    // Only the newer flag knows brackets in brackets and `--`.
    const expression = new RegExp(`^${source}$`, source.includes('--[') ? 'v' : 'u');
    return (code) => expression.test(String.fromCharCode(code));
  }
  const sign = fold(source);
  return (code) => fold(String.fromCharCode(code)) === sign;
}

/**
 * Patterns in the notation of RegExp: characters, `\` escapes, `[...]`, groups, `|`, `* + ? {n} {n,m}`.
 * Outside brackets letters stand for both cases, and a full stop for itself. Text is read in UTF-16 units.
 */
export class Nfa {
  readonly states: NfaState[] = [];
  readonly readers: Reader[] = [];
  readonly start: number;
  private readonly readerNumbers = new Map<string, number>();
  private pattern = '';
  private at = 0;

  constructor(patterns: readonly string[]) {
    this.start = this.state();
    for (const [rule, pattern] of patterns.entries()) {
      this.pattern = pattern;
      this.at = 0;
      const [from, to] = this.alternatives();
      if (this.at !== pattern.length) throw this.failure('a group is not opened');
      this.goFreely(this.start, from);
      this.states[to]!.rule = rule;
    }
  }

  private state(reader?: number): number {
    this.states.push({reader, next: -1, free: [], rule: undefined});
    return this.states.length - 1;
  }

  private goFreely(from: number, to: number): void {
    this.states[from]!.free.push(to);
  }

  private failure(what: string): Error {
    return new Error(`pattern ${this.pattern}: ${what} at ${this.at}`);
  }

  private alternatives(): Part {
    const begin = this.state();
    const end = this.state();
    for (;;) {
      const [from, to] = this.sequence();
      this.goFreely(begin, from);
      this.goFreely(to, end);
      if (this.pattern[this.at] !== '|') return [begin, end];
      this.at += 1;
    }
  }

  private sequence(): Part {
    const begin = this.state();
    let end = begin;
    while (this.at < this.pattern.length && !'|)'.includes(this.pattern[this.at]!)) {
      const [from, to] = this.repeated();
      this.goFreely(end, from);
      end = to;
    }
    return [begin, end];
  }

  /** A part as often as what follows it says. Each copy is read anew from the pattern. */
  private repeated(): Part {
    const start = this.at;
    const first = this.single();
    const times = this.times();
    if (!times) return first;
    const [least, most] = times;
    const after = this.at;
    let unused: Part | undefined = first;
    const copy = (): Part => {
      const part = unused;
      unused = undefined;
      if (part) return part;
      this.at = start;
      return this.single();
    };
    const begin = this.state();
    let end = begin;
    for (let count = 0; count < least; count++) {
      const [from, to] = copy();
      this.goFreely(end, from);
      end = to;
    }
    for (
      let count = least;
      count < (most === Number.POSITIVE_INFINITY ? least + 1 : most);
      count++
    ) {
      const [from, to] = copy();
      const exit = this.state();
      this.goFreely(end, from);
      this.goFreely(end, exit);
      this.goFreely(to, exit);
      if (most === Number.POSITIVE_INFINITY) this.goFreely(to, from);
      end = exit;
    }
    this.at = after;
    return [begin, end];
  }

  private times(): readonly [least: number, most: number] | undefined {
    const [text, least, most = least] =
      /^(?:[*+?]|\{(\d+)(?:,(\d+))?\})/.exec(this.pattern.slice(this.at, this.at + 9)) ?? [];
    if (text === undefined) return undefined;
    this.at += text.length;
    if (text === '?') return [0, 1];
    if (text === '*') return [0, Number.POSITIVE_INFINITY];
    if (text === '+') return [1, Number.POSITIVE_INFINITY];
    return [Number(least), Number(most)];
  }

  private single(): Part {
    const sign = this.pattern[this.at];
    if (sign === '[') return this.reading(this.bracket());
    if (sign === '(') {
      this.at += 1;
      const inner = this.alternatives();
      if (this.pattern[this.at] !== ')') throw this.failure('a group is not closed');
      this.at += 1;
      return inner;
    }
    if (sign === '\\') this.at += 1;
    return this.reading(this.pattern[this.at++]!);
  }

  private bracket(): string {
    const start = this.at;
    let depth = 0;
    do {
      const sign = this.pattern[this.at];
      if (sign === undefined) throw this.failure('a bracket is not closed');
      if (sign === '[') depth += 1;
      if (sign === ']') depth -= 1;
      this.at += sign === '\\' ? 2 : 1;
    } while (depth > 0);
    return this.pattern.slice(start, this.at);
  }

  private reading(source: string): Part {
    let reader = this.readerNumbers.get(source);
    if (reader === undefined) {
      reader = this.readers.length;
      this.readers.push(readerOf(source));
      this.readerNumbers.set(source, reader);
    }
    const from = this.state(reader);
    const to = this.state();
    this.states[from]!.next = to;
    return [from, to];
  }
}
