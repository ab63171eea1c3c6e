// What a model of few words cannot read or say of a benchmark: told beside the score, which suffers by it.
import type {Benchmark, BenchmarkItem} from './benchmark.js';

export interface UnknownWords {
  /** Questions that hold such a word. */
  readonly questions: number;
  /** Questions all of whose right answers do. */
  readonly answers: number;
  /** Of how many. */
  readonly items: number;
  /** The commonest first, 20 at most. */
  readonly words: readonly string[];
}

const MOST_LISTED = 20;

/** `find` tells of each text the words that the model has no tokens for. undefined: it knows them all. */
export async function findUnknownWords(
  benchmark: Benchmark,
  items: readonly BenchmarkItem[],
  find: (texts: readonly string[]) => Promise<readonly (readonly string[])[]>,
): Promise<UnknownWords | undefined> {
  const asked = items
    .filter(({control}) => !control)
    .map((item) => ({
      questions: benchmark.questions(item).map(({plain}) => plain),
      expected: benchmark.expected?.(item) ?? [],
    }));
  const texts = [...new Set(asked.flatMap(({questions, expected}) => [...questions, ...expected]))];
  const found = await find(texts);
  const unknown = new Map(texts.map((text, i) => [text, found[i]!]));
  const isUnknown = (text: string) => unknown.get(text)!.length > 0;
  const counts = new Map<string, number>();
  for (const {questions, expected} of asked)
    for (const word of new Set([...questions, ...expected].flatMap((text) => unknown.get(text)!)))
      counts.set(word, (counts.get(word) ?? 0) + 1);
  if (counts.size === 0) return undefined;
  return {
    questions: asked.filter(({questions}) => questions.some(isUnknown)).length,
    answers: asked.filter(({expected}) => expected.length > 0 && expected.every(isUnknown)).length,
    items: asked.length,
    words: [...counts]
      .sort(([, a], [, b]) => b - a)
      .map(([word]) => word)
      .slice(0, MOST_LISTED),
  };
}
