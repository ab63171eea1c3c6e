// The answers that decoding may give, as a trie of their tokens.

class TrieNode<T> {
  /** In the order in which the tokens came: a Map keeps it for numbers too. */
  readonly next = new Map<T, TrieNode<T>>();
}

/** Holds sequences of tokens and tells which token may come next. */
export class AnswerTrie<T = number> {
  private readonly root = new TrieNode<T>();
  private added = 0;

  constructor(sequences: Iterable<readonly T[]> = []) {
    for (const sequence of sequences) this.add(sequence);
  }

  add(sequence: readonly T[]): void {
    let node = this.root;
    for (const token of sequence) {
      let next = node.next.get(token);
      if (!next) {
        next = new TrieNode();
        node.next.set(token, next);
      }
      node = next;
    }
    this.added++;
  }

  /** How many sequences were added, repeated ones too. */
  get size(): number {
    return this.added;
  }

  /**
   * The tokens that may follow a prefix; none after a whole sequence or off every sequence. The prefix is
   * what was generated after the start token: a caller that generates from one leaves it out.
   */
  allowed(prefix: readonly T[]): T[] {
    let node: TrieNode<T> | undefined = this.root;
    for (const token of prefix) {
      node = node.next.get(token);
      if (!node) return [];
    }
    return [...node.next.keys()];
  }

  /** The sequences, but for those that begin a longer one: decoding cannot end there. */
  *[Symbol.iterator](): Generator<T[]> {
    yield* leaves(this.root, []);
  }
}

function* leaves<T>(node: TrieNode<T>, path: readonly T[]): Generator<T[]> {
  if (node.next.size === 0) yield [...path];
  for (const [token, next] of node.next) yield* leaves(next, [...path, token]);
}
