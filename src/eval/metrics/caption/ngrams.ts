// The n-grams of tokenized captions as small integers, shared by BLEU and CIDEr.

/** N-grams of 1 to 4 words are counted. */
export const longest = 4;

const oddSpaces =
  '\\t-\\r\\x1c-\\x1f\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000';
const odd = new RegExp(`[${oddSpaces}]`);
const space = new RegExp(`[ ${oddSpaces}]+`);

/** Python's `split()`: a no-break space inside a token parts it. */
function splitWords(caption: string): string[] {
  const words = caption.split(odd.test(caption) ? space : ' ');
  return words.includes('') ? words.filter((word) => word !== '') : words;
}

/** A copy of twice the length, the rest 0. */
function doubled(array: Int32Array): Int32Array<ArrayBuffer> {
  const longer = new Int32Array(2 * array.length);
  longer.set(array);
  return longer;
}

/** Numbers for pairs of numbers: a hash table without an object for each pair. */
class PairTable {
  private size = 0;
  /** Three numbers a slot: the pair and its number, which is 0 in a free slot. */
  private slots = new Int32Array(3 * 4096);

  /** The number of a pair; `fresh`, which is not 0, if the pair is new. */
  number(first: number, second: number, fresh: number): number {
    if (6 * this.size >= this.slots.length) this.grow();
    const slot = this.find(first, second);
    if (this.slots[slot + 2] === 0) {
      this.put(slot, first, second, fresh);
      this.size += 1;
    }
    return this.slots[slot + 2]!;
  }

  private put(slot: number, first: number, second: number, number: number): void {
    this.slots[slot] = first;
    this.slots[slot + 1] = second;
    this.slots[slot + 2] = number;
  }

  private find(first: number, second: number): number {
    const {slots} = this;
    const mask = slots.length / 3 - 1;
    // Two odd factors, the high bits folded down: neighbours do not crowd each other.
    let hash = Math.imul(first, 0x9e3779b1) ^ Math.imul(second, 0x85ebca6b);
    hash ^= hash >>> 15;
    for (let i = hash & mask; ; i = (i + 1) & mask) {
      const slot = 3 * i;
      if (slots[slot + 2] === 0 || (slots[slot] === first && slots[slot + 1] === second))
        return slot;
    }
  }

  private grow(): void {
    const old = this.slots;
    this.slots = new Int32Array(4 * old.length);
    for (let slot = 0; slot < old.length; slot += 3) {
      const [first, second, number] = [old[slot]!, old[slot + 1]!, old[slot + 2]!];
      if (number !== 0) this.put(this.find(first, second), first, second, number);
    }
  }
}

/** The different n-grams of a caption. */
export interface Ngrams {
  /** Number of words. */
  readonly length: number;
  /** First those of one word, then those of two, and so on. */
  readonly grams: readonly number[];
  /** How often each stands in the caption. */
  readonly times: readonly number[];
  /** `grams` of n words end before `ends[n - 1]`. */
  readonly ends: readonly number[];
}

export class NgramIndex {
  private readonly words = new Map<string, number>();
  /** A longer n-gram by the one without its last word and that word. */
  private readonly longer = new PairTable();
  /** Of every n-gram, the last caption it was seen in and its place there. */
  private seenIn = new Int32Array(4096);
  private place = new Int32Array(4096);
  private captions = 0;
  private size = 0;

  /** N-grams have numbers from 0 to below this. */
  get count(): number {
    return this.size;
  }

  of(caption: string): Ngrams {
    const number = ++this.captions;
    const words = splitWords(caption).map((word) => this.word(word));
    const grams: number[] = [];
    const times: number[] = [];
    const ends: number[] = [];
    const current = [...words];
    for (let n = 1; n <= longest; n++) {
      for (let i = 0; i + n <= words.length; i++) {
        if (n > 1) current[i] = this.extended(current[i]!, words[i + n - 1]!);
        const gram = current[i]!;
        if (this.seenIn[gram] === number) times[this.place[gram]!]! += 1;
        else {
          this.seenIn[gram] = number;
          this.place[gram] = grams.length;
          grams.push(gram);
          times.push(1);
        }
      }
      ends.push(grams.length);
    }
    return {length: words.length, grams, times, ends};
  }

  private word(word: string): number {
    const known = this.words.get(word);
    if (known !== undefined) return known;
    this.words.set(word, this.size);
    return this.counted(this.size);
  }

  private extended(gram: number, word: number): number {
    // There is a word before there is a pair, so that a new pair's number is not 0.
    return this.counted(this.longer.number(gram, word, this.size));
  }

  /** Makes room for an n-gram if it is new. */
  private counted(gram: number): number {
    if (gram === this.size) {
      this.size += 1;
      if (this.size > this.seenIn.length) {
        this.seenIn = doubled(this.seenIn);
        this.place = doubled(this.place);
      }
    }
    return gram;
  }
}

/** One picture's caption and those it is compared with. */
export interface Scored<T> {
  readonly candidate: T;
  readonly references: readonly T[];
}

/** One number a picture, in order, and the number of the whole. */
export interface Scores {
  readonly corpus: number;
  readonly perImage: readonly number[];
}
