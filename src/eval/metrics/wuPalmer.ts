// Wu-Palmer similarity (Wu and Palmer 1994): how deep the closest kind that two synsets share lies, against
// how deep they lie themselves. As NLTK 3.3 computes it, which scored the published NExT-QA numbers: a root
// above all kinds is added only where the FIRST synset is a verb. So a verb and a noun are somewhat alike,
// a noun and a verb not at all.
import type {Synset, WordNet} from '../text/wordnet.js';

/** The root that is added. It has no synset of its own. */
const root = 'root';
type Kind = Synset | typeof root;

/** The synset and all above it with the shortest way up; the root lies beyond the longest of these. */
function ways(wordnet: WordNet, from: Kind, hasRoot: boolean): Map<Kind, number> {
  if (from === root) return new Map([[root, 0]]);
  const distances = new Map<Kind, number>(wordnet.hypernymDistances(from));
  if (hasRoot) distances.set(root, Math.max(...distances.values()) + 1);
  return distances;
}

/** The shortest way between two kinds through one above both. It can miss the higher of the two. */
function distance(wordnet: WordNet, a: Kind, b: Kind, hasRoot: boolean): number | undefined {
  if (a === b) return 0;
  const waysB = ways(wordnet, b, hasRoot);
  let shortest: number | undefined;
  for (const [kind, up] of ways(wordnet, a, hasRoot)) {
    const down = waysB.get(kind);
    if (down !== undefined) shortest = Math.min(shortest ?? up + down, up + down);
  }
  return shortest;
}

/** NLTK's name, as `dog.n.01`, by which it orders kinds of the same depth. */
function name(wordnet: WordNet, kind: Kind): string {
  if (kind === root) return '*ROOT*';
  const word = kind.words[0]!.toLowerCase();
  const sense = wordnet.offsets(word, kind.pos).indexOf(kind.offset) + 1;
  return `${word}.${kind.pos}.${String(sense).padStart(2, '0')}`;
}

/** The deepest kind above both, by the shortest way to a root; of several the first synset, or by name. */
function closestKind(wordnet: WordNet, a: Synset, b: Synset, hasRoot: boolean): Kind | undefined {
  const above = wordnet.hypernymDistances(b);
  const shared: Kind[] = [...wordnet.hypernymDistances(a).keys()].filter((kind) => above.has(kind));
  if (hasRoot) shared.push(root);
  const depth = (kind: Kind) => (kind === root ? 0 : wordnet.minDepth(kind));
  const deepest = Math.max(...shared.map(depth));
  const candidates = shared.filter((kind) => depth(kind) === deepest);
  if (candidates.length <= 1 || candidates.includes(a))
    return candidates.includes(a) ? a : candidates[0];
  const named = candidates.map((kind) => ({kind, name: name(wordnet, kind)}));
  return named.reduce((first, other) => (other.name < first.name ? other : first)).kind;
}

/** The similarity of two synsets, above 0 to 1, or undefined where nothing is above both. */
export function wuPalmer(wordnet: WordNet, a: Synset, b: Synset): number | undefined {
  const hasRoot = a.pos === 'v';
  const shared = closestKind(wordnet, a, b, hasRoot);
  if (shared === undefined) return undefined;
  const depth = (shared === root ? 0 : wordnet.maxDepth(shared)) + 1; // counts the kind itself
  const fromA = distance(wordnet, a, shared, hasRoot);
  const fromB = distance(wordnet, b, shared, hasRoot);
  if (fromA === undefined || fromB === undefined) return undefined;
  return (2 * depth) / (fromA + depth + fromB + depth);
}
