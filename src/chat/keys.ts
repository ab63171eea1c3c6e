// What a terminal sends in raw mode, as keys: text (of any script, several characters at once), named
// keys with their modifiers, pasted text, and the terminal's answers to questions.

export interface Key {
  /**
   * `text` and `paste` carry text, `reply` the content of an OSC answer; else the key: enter, tab,
   * backspace, delete, escape, up, down, left, right, home, end, pageup, pagedown, or a letter.
   */
  readonly name: string;
  readonly text: string;
  readonly ctrl: boolean;
  readonly alt: boolean;
  readonly shift: boolean;
}

const ESC = '\x1b';
const PASTE_END = `${ESC}[201~`;

const letterKeys: Record<string, string> = {
  A: 'up',
  B: 'down',
  C: 'right',
  D: 'left',
  F: 'end',
  H: 'home',
  Z: 'tab',
};
const numberKeys: Record<number, string> = {
  1: 'home',
  3: 'delete',
  4: 'end',
  5: 'pageup',
  6: 'pagedown',
  7: 'home',
  8: 'end',
};
const codeKeys: Record<number, string> = {9: 'tab', 13: 'enter', 27: 'escape', 127: 'backspace'};

function key(name: string, change: Partial<Key> = {}): Key {
  return {name, text: '', ctrl: false, alt: false, shift: false, ...change};
}

/** xterm's number: 1 more than shift 1, alt 2, ctrl 4, super 8, meta 32. */
function modifiers(field: string | undefined): Pick<Key, 'ctrl' | 'alt' | 'shift'> {
  const bits = Math.max(0, Number.parseInt(field ?? '1', 10) - 1) || 0;
  return {shift: (bits & 1) !== 0, alt: (bits & 34) !== 0, ctrl: (bits & 4) !== 0};
}

/** A key told by its code point (kitty's keyboard protocol, xterm's modifyOtherKeys). */
function codeKey(code: number, held: ReturnType<typeof modifiers>): Key | undefined {
  const named = codeKeys[code];
  if (named) return key(named, held);
  if (code < 32 || code > 0x10ffff) return undefined;
  // Kitty's own range holds keys without a character: media keys, the modifiers themselves.
  if (code >= 57344 && code <= 63743) return undefined;
  const character = String.fromCodePoint(code);
  if (held.ctrl || held.alt) return key(character.toLowerCase(), held);
  return key('text', {text: held.shift ? character.toUpperCase() : character});
}

function csiKey(parameters: string, final: string): Key | undefined {
  const fields = parameters.split(';');
  const [first = '', second, third] = fields;
  const held = modifiers(second);
  // Kitty tells releases too where it is asked for it; this program does not.
  if (final === 'u') return codeKey(Number.parseInt(first, 10), held);
  if (final === '~') {
    const number = Number.parseInt(first, 10);
    if (number === 27 && third !== undefined) return codeKey(Number.parseInt(third, 10), held);
    const name = numberKeys[number];
    return name ? key(name, held) : undefined;
  }
  const name = letterKeys[final];
  if (!name) return undefined;
  return key(name, final === 'Z' ? {...held, shift: true} : held);
}

function controlKey(character: string): Key | undefined {
  if (character === '\r') return key('enter');
  if (character === '\t') return key('tab');
  if (character === '\x7f' || character === '\b') return key('backspace');
  const code = character.charCodeAt(0);
  if (code >= 1 && code <= 26) return key(String.fromCharCode(code + 96), {ctrl: true});
  return undefined;
}

/** Pasted text as it is kept: no control characters but line ends. */
export function cleanText(text: string): string {
  return (
    text
      .replace(/\r\n?/g, '\n')
      .replace(/\t/g, '    ')
      // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is removed
      .replace(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/g, '')
  );
}

/** Turns the chunks of a terminal's input into keys, whichever way the chunks are cut. */
export class KeyReader {
  private rest = '';
  private pasted: string | undefined;

  /** Keys that `chunk` completes. */
  push(chunk: string): Key[] {
    this.rest += chunk;
    const keys: Key[] = [];
    for (let more = true; more && this.rest !== ''; ) more = this.next(keys);
    return keys;
  }

  /** Begun with Esc and not ended: it may be the Esc key alone. */
  get isWaiting(): boolean {
    return this.rest !== '' && this.pasted === undefined;
  }

  /** Nothing more has come for a while: an Esc that waits is the key. */
  flush(): Key[] {
    if (!this.isWaiting) return [];
    const rest = this.rest;
    this.rest = '';
    // Esc and the beginning of a sequence that never ended: what a person can have typed is the Esc.
    return rest === ESC || rest === ESC + ESC ? [key('escape')] : [];
  }

  private take(length: number): string {
    const taken = this.rest.slice(0, length);
    this.rest = this.rest.slice(length);
    return taken;
  }

  /** Takes one key off; false when it needs more input. */
  private next(keys: Key[]): boolean {
    const {rest} = this;
    if (this.pasted !== undefined) return this.paste(keys);
    if (rest[0] === ESC) return this.escape(keys);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are keys
    const end = rest.search(/[\u0000-\u001f\u007f]/);
    if (end === 0) {
      const found = controlKey(this.take(1));
      if (found) keys.push(found);
    } else {
      keys.push(key('text', {text: this.take(end < 0 ? rest.length : end)}));
    }
    return true;
  }

  private paste(keys: Key[]): boolean {
    const end = this.rest.indexOf(PASTE_END);
    if (end < 0) {
      // The end mark itself may be cut in two.
      const kept = PASTE_END.length - 1;
      this.pasted += this.take(Math.max(0, this.rest.length - kept));
      return false;
    }
    keys.push(key('paste', {text: cleanText(this.pasted + this.take(end))}));
    this.take(PASTE_END.length);
    this.pasted = undefined;
    return true;
  }

  private escape(keys: Key[]): boolean {
    const {rest} = this;
    const second = rest[1];
    if (second === undefined) return false;
    if (second === '[') {
      // biome-ignore lint/suspicious/noControlCharactersInRegex: the escape itself
      const match = /^\u001b\[([0-?]*)[ -/]*([@-~])/.exec(rest);
      // biome-ignore lint/suspicious/noControlCharactersInRegex: the escape itself
      if (!match) return /^\u001b\[[0-?]*[ -/]*$/.test(rest) ? false : this.drop(2);
      this.take(match[0].length);
      if (match[1] === '200' && match[2] === '~') this.pasted = '';
      else this.keep(keys, csiKey(match[1]!, match[2]!));
      return true;
    }
    if (second === 'O') {
      if (rest.length < 3) return false;
      const name = letterKeys[rest[2]!] ?? (rest[2] === 'M' ? 'enter' : undefined);
      this.take(3);
      this.keep(keys, name ? key(name) : undefined);
      return true;
    }
    if (second === ']' || second === 'P' || second === '_') {
      // biome-ignore lint/suspicious/noControlCharactersInRegex: what ends such a string
      const end = /\u0007|\u001b\\/.exec(rest);
      if (!end) return false;
      const content = rest.slice(2, end.index);
      this.take(end.index + end[0].length);
      if (second === ']') keys.push(key('reply', {text: content}));
      return true;
    }
    if (second === ESC) {
      // Esc twice, or Alt with a key that is a sequence itself.
      if (rest.length < 3) return false;
      this.take(1);
      if (rest[2] !== '[' && rest[2] !== 'O') keys.push(key('escape'));
      return true;
    }
    this.take(1);
    const control = controlKey(second);
    if (control || second < ' ') {
      this.take(1);
      this.keep(keys, control && {...control, alt: true});
      return true;
    }
    const [character] = this.rest;
    const code = this.rest.codePointAt(0)!;
    const letter = code > 0xffff ? this.take(2) : this.take(1);
    keys.push(key(letter.toLowerCase(), {alt: true, shift: character !== letter.toLowerCase()}));
    return true;
  }

  private drop(length: number): boolean {
    this.take(length);
    return true;
  }

  private keep(keys: Key[], found: Key | undefined): void {
    if (found) keys.push(found);
  }
}
