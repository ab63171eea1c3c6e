// Many patterns matched at once: of all that match at a place the longest match wins, and of equally
// long ones the pattern named first. A pattern is a set of states that are alive at once; the sets are
// made when a text first leads to them, so a text of ordinary words costs one table look-up a character.
import {Nfa} from './nfa.js';

/** A set of states of the patterns. */
interface DfaState {
  readonly id: number;
  readonly members: readonly number[];
  /** The first of the patterns that end here. */
  readonly rule: number | undefined;
  /** By symbol; null where nothing can follow, undefined where it was not asked yet. */
  readonly next: (DfaState | null | undefined)[];
}

export interface LongestMatch {
  readonly rule: number;
  readonly end: number;
}

/** How far a scan may look past its last match before it is remembered that looking there was in vain. */
const shortOvershoot = 64;

/** Patterns in the notation of `Nfa`. */
export class PatternSet {
  private readonly nfa: Nfa;
  private readonly start: DfaState;
  private readonly known = new Map<string, DfaState>();
  /** Characters that every part of every pattern treats alike share a symbol. */
  private readonly symbols = new Int32Array(0x10000).fill(-1);
  private readonly symbolNumbers = new Map<string, number>();
  /** By symbol, the parts that read it. */
  private readonly symbolReaders: boolean[][] = [];

  constructor(patterns: readonly string[]) {
    this.nfa = new Nfa(patterns);
    this.start = this.intern([this.nfa.start]);
  }

  /**
   * A scanner of one text, called with the places where a match shall begin. Where a scan looks far ahead
   * in vain it leaves a mark, so that all scans together take time in proportion to the text (Reps 1998).
   */
  scanner(text: string): (from: number) => LongestMatch | undefined {
    const inVain = new Set<number>();
    const places = text.length + 1;
    return (from) => {
      let state = this.start;
      let rule: number | undefined;
      let end = from;
      let marks: number[] = [];
      for (let i = from; i < text.length; i++) {
        const next = this.step(state, text.charCodeAt(i));
        if (!next) break;
        state = next;
        if (state.rule !== undefined) {
          rule = state.rule;
          end = i + 1;
          if (marks.length > 0) marks = [];
        } else if (i - end >= shortOvershoot) {
          const mark = state.id * places + i;
          if (inVain.has(mark)) break;
          marks.push(mark);
        }
      }
      for (const mark of marks) inVain.add(mark);
      return rule === undefined ? undefined : {rule, end};
    };
  }

  /** Every place up to `to` where a match that begins at `from` can end, from the nearest. */
  ends(text: string, from: number, to: number): number[] {
    const ends: number[] = [];
    let state: DfaState | null = this.start;
    for (let i = from; state; i++) {
      if (state.rule !== undefined) ends.push(i);
      state = i < to ? this.step(state, text.charCodeAt(i)) : null;
    }
    return ends;
  }

  private step(state: DfaState, code: number): DfaState | null {
    let symbol = this.symbols[code]!;
    if (symbol < 0) symbol = this.classify(code);
    const next = state.next[symbol];
    return next === undefined ? this.follow(state, symbol) : next;
  }

  private classify(code: number): number {
    const reads = this.nfa.readers.map((reader) => reader(code));
    const key = reads.map(Number).join('');
    let symbol = this.symbolNumbers.get(key);
    if (symbol === undefined) {
      symbol = this.symbolReaders.length;
      this.symbolNumbers.set(key, symbol);
      this.symbolReaders.push(reads);
    }
    this.symbols[code] = symbol;
    return symbol;
  }

  private follow(state: DfaState, symbol: number): DfaState | null {
    const reads = this.symbolReaders[symbol]!;
    const reached: number[] = [];
    for (const member of state.members) {
      const {reader, next} = this.nfa.states[member]!;
      if (reader !== undefined && reads[reader]) reached.push(next);
    }
    const next = reached.length > 0 ? this.intern(reached) : null;
    state.next[symbol] = next;
    return next;
  }

  /** The one DfaState of these states and all that are free to be reached from them. */
  private intern(from: readonly number[]): DfaState {
    const reached = new Set(from);
    const members: number[] = [];
    const rules: number[] = [];
    // A Set gives what is added while it is walked.
    for (const number of reached) {
      const {free, reader, rule} = this.nfa.states[number]!;
      for (const next of free) reached.add(next);
      if (reader !== undefined || rule !== undefined) members.push(number);
      if (rule !== undefined) rules.push(rule);
    }
    const key = Int32Array.from(members).sort().join();
    let state = this.known.get(key);
    if (!state) {
      const rule = rules.length > 0 ? Math.min(...rules) : undefined;
      state = {id: this.known.size, members, rule, next: []};
      this.known.set(key, state);
    }
    return state;
  }
}
