// Byte-pair merging as SentencePiece does it: of all neighbours whose union is a piece, the one with
// the best score is joined first, the leftmost of equals, until nothing can be joined.
import type {Vocabulary} from './vocabulary.js';

/** What SentencePiece writes for a space (U+2581). */
export const SPACE = '\u2581';

/** A minimum heap of numbers. */
class Heap {
  private readonly items: number[] = [];

  get size(): number {
    return this.items.length;
  }

  push(item: number): void {
    const {items} = this;
    let at = items.push(item) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (items[parent]! <= item) break;
      items[at] = items[parent]!;
      at = parent;
    }
    items[at] = item;
  }

  pop(): number {
    const {items} = this;
    const top = items[0]!;
    const last = items.pop()!;
    const size = items.length;
    if (size === 0) return top;
    let at = 0;
    for (let child = 1; child < size; child = 2 * at + 1) {
      if (child + 1 < size && items[child + 1]! < items[child]!) child++;
      if (items[child]! >= last) break;
      items[at] = items[child]!;
      at = child;
    }
    items[at] = last;
    return top;
  }
}

// A heap entry is rank * POSITIONS + position of the left symbol: ordered by rank, then from the left.
const POSITIONS = 2 ** 32;
const NO_PAIR = -1;

export class BytePairs {
  private readonly longestPiece: number;
  /** No piece has a space after another character, so that merges never reach across words. */
  private readonly splitsAtSpaces: boolean;
  private readonly utf8 = new TextEncoder();

  constructor(private readonly vocabulary: Vocabulary) {
    let longest = 0;
    let splits = true;
    const crossing = new RegExp(`[^${SPACE}]${SPACE}`);
    for (const piece of vocabulary.idOf.keys()) {
      longest = Math.max(longest, piece.length);
      splits &&= !crossing.test(piece);
    }
    this.longestPiece = longest;
    this.splitsAtSpaces = splits;
  }

  /** Ids of a text whose spaces are already U+2581 and which has no lone surrogate. */
  encode(text: string): number[] {
    if (!this.splitsAtSpaces) return this.merge(text);
    // Words repeat: each is merged once. Without spaces the heap keeps n characters at n log n.
    const known = new Map<string, number[]>();
    const ids: number[] = [];
    for (const [word] of text.matchAll(new RegExp(`${SPACE}*[^${SPACE}]+|${SPACE}+`, 'g'))) {
      let merged = known.get(word);
      if (!merged) {
        merged = this.merge(word);
        known.set(word, merged);
      }
      for (const id of merged) ids.push(id);
    }
    return ids;
  }

  private merge(text: string): number[] {
    const {idOf, ranks} = this.vocabulary;
    // Symbol i is text[starts[i], starts[next[i]]): one code point at first. Merged ones get dead.
    const starts: number[] = [];
    for (let at = 0; at < text.length; at += text.codePointAt(at)! > 0xffff ? 2 : 1)
      starts.push(at);
    const count = starts.length;
    starts.push(text.length);
    const next = Int32Array.from(starts, (_, i) => i + 1);
    const previous = Int32Array.from(starts, (_, i) => i - 1);
    const alive = new Uint8Array(count).fill(1);
    const pairRanks = new Int32Array(count).fill(NO_PAIR);
    const heap = new Heap();

    const offer = (left: number): void => {
      pairRanks[left] = NO_PAIR;
      const right = next[left]!;
      if (right >= count) return;
      const start = starts[left]!;
      const end = starts[next[right]!]!;
      if (end - start > this.longestPiece) return;
      const id = idOf.get(text.slice(start, end));
      if (id === undefined) return;
      pairRanks[left] = ranks[id]!;
      heap.push(ranks[id]! * POSITIONS + left);
    };

    for (let i = 0; i < count - 1; i++) offer(i);
    while (heap.size > 0) {
      const entry = heap.pop();
      const rank = Math.floor(entry / POSITIONS);
      const left = entry - rank * POSITIONS;
      // An entry is stale when either symbol has been merged since.
      if (!alive[left] || pairRanks[left] !== rank) continue;
      const right = next[left]!;
      alive[right] = 0;
      next[left] = next[right]!;
      previous[next[right]!] = left;
      offer(left);
      if (previous[left]! >= 0) offer(previous[left]!);
    }

    const ids: number[] = [];
    for (let i = 0; i < count; i = next[i]!) {
      const piece = text.slice(starts[i]!, starts[next[i]!]!);
      const id = idOf.get(piece);
      if (id !== undefined) ids.push(id);
      else for (const byte of this.utf8.encode(piece)) ids.push(this.vocabulary.byteIds[byte]!);
    }
    return ids;
  }
}
