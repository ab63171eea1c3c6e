// METEOR's paraphrase table (data/paraphrase-en.gz of METEOR 1.5), which a user may have: millions of
// triples of lines, a probability, a phrase and another that says the same.
import {createReadStream} from 'node:fs';
import {createInterface} from 'node:readline';
import {createGunzip} from 'node:zlib';
import {InputError} from '../../../errors.js';

export interface Paraphrase {
  /** Number of words that it stands for. */
  readonly length: number;
  readonly paraphrase: readonly string[];
}

interface Node {
  readonly next: Map<string, Node>;
  readonly paraphrases: (readonly string[])[];
}

const newNode = (): Node => ({next: new Map(), paraphrases: []});

const splitWords = (line: string) => line.split(/[ \t\r\f]+/).filter((word) => word !== '');

export class ParaphraseTable {
  private readonly root = newNode();

  add(phrase: readonly string[], paraphrase: readonly string[]): void {
    let node = this.root;
    for (const word of phrase) {
      let next = node.next.get(word);
      if (!next) {
        next = newNode();
        node.next.set(word, next);
      }
      node = next;
    }
    node.paraphrases.push(paraphrase);
  }

  /** The paraphrases of what stands in `words` from `start` on, of shorter phrases first. */
  at(words: readonly string[], start: number): Paraphrase[] {
    const found: Paraphrase[] = [];
    let node: Node | undefined = this.root;
    for (let i = start; i < words.length; i++) {
      node = node.next.get(words[i]!);
      if (!node) break;
      const length = i - start + 1;
      for (const paraphrase of node.paraphrases) found.push({length, paraphrase});
    }
    return found;
  }
}

/**
 * Reads the part of a table that can match in texts of these words: the whole would take gigabytes.
 * Throws InputError when the file is not a table.
 */
export async function readParaphrases(
  file: string,
  vocabulary: ReadonlySet<string>,
): Promise<ParaphraseTable> {
  const table = new ParaphraseTable();
  const known = (words: readonly string[]) => words.every((word) => vocabulary.has(word));
  let lines = 0;
  let phrase: string[] | undefined;
  try {
    const source = createReadStream(file);
    const unpacked = createGunzip();
    source.on('error', (error) => unpacked.destroy(error));
    for await (const line of createInterface({input: source.pipe(unpacked)})) {
      const part = lines++ % 3;
      if (part === 0 && !(Number(line) >= 0))
        throw new Error(`line ${lines} should be a probability, it is "${line.slice(0, 40)}"`);
      if (part === 1) {
        const words = splitWords(line);
        phrase = known(words) ? words : undefined;
      } else if (part === 2 && phrase) {
        const words = splitWords(line);
        if (known(words)) table.add(phrase, words);
      }
    }
    if (lines % 3 !== 0) throw new Error(`it ends in the middle of an entry, after line ${lines}`);
  } catch (cause) {
    throw new InputError(
      file,
      `expected a paraphrase table of METEOR 1.5: ${cause instanceof Error ? cause.message : cause}`,
      'data/paraphrase-en.gz of METEOR 1.5 is one',
    );
  }
  return table;
}
