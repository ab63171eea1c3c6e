// The alignment of METEOR 1.5: of all ways to pair the words of a caption with those of a reference, each
// word at most once, a beam search from left to right keeps those that pair most in fewest chunks.
import type {Match, Matcher} from './meteorMatchers.js';

const beamSize = 40;

/** A pairing of the words up to some place of the reference. */
interface Path {
  /** Matches by the place in the reference where they begin. */
  readonly matches: (Match | undefined)[];
  readonly candidateUsed: boolean[];
  readonly referenceUsed: boolean[];
  /** Words in matches, by the weight of `coverage`. */
  covered: number;
  /** Chunks that are closed: runs of matches that follow each other in both captions. */
  chunks: number;
  /** How far matches are moved. */
  distance: number;
  /** The next place of the reference that is not yet paired or skipped. */
  next: number;
  /** Where the last match ended in the candidate, while its chunk is open. */
  lastEnd: number | undefined;
}

const better = (a: Path, b: Path) =>
  b.covered - a.covered || a.chunks - b.chunks || a.distance - b.distance;

function copy(path: Path): Path {
  return {
    ...path,
    matches: [...path.matches],
    candidateUsed: [...path.candidateUsed],
    referenceUsed: [...path.referenceUsed],
  };
}

function use(path: Path, match: Match): void {
  path.matches[match.referenceStart] = match;
  path.candidateUsed.fill(true, match.candidateStart, match.candidateStart + match.candidateLength);
  path.referenceUsed.fill(true, match.referenceStart, match.referenceStart + match.referenceLength);
}

function isFree(path: Path, match: Match): boolean {
  for (let i = 0; i < match.referenceLength; i++)
    if (path.referenceUsed[match.referenceStart + i]) return false;
  for (let i = 0; i < match.candidateLength; i++)
    if (path.candidateUsed[match.candidateStart + i]) return false;
  return true;
}

/** Words of the first module count; those of the others count half, and a half is dropped each time. */
const coverage = (module: number, length: number) =>
  module === 0 ? length : Math.floor(length / 2);

/** Goes on over a match that begins at `path.next`. */
function advance(path: Path, match: Match): void {
  path.covered += coverage(match.module, match.candidateLength);
  path.covered += coverage(match.module, match.referenceLength);
  if (path.lastEnd !== undefined && match.candidateStart !== path.lastEnd) path.chunks += 1;
  path.lastEnd = match.candidateStart + match.candidateLength;
  path.next = match.referenceStart + match.referenceLength;
}

const shift = (match: Match) => Math.abs(match.referenceStart - match.candidateStart);

/** Pairs what no other match touches before the search begins. */
function certain(byStart: readonly (readonly Match[])[], numCandidate: number): Path {
  const numReference = byStart.length;
  const candidateCover = new Uint32Array(numCandidate);
  const referenceCover = new Uint32Array(numReference);
  for (const match of byStart.flat()) {
    for (let i = 0; i < match.candidateLength; i++) candidateCover[match.candidateStart + i]! += 1;
    for (let i = 0; i < match.referenceLength; i++) referenceCover[match.referenceStart + i]! += 1;
  }
  const path: Path = {
    matches: new Array<Match | undefined>(numReference).fill(undefined),
    candidateUsed: new Array<boolean>(numCandidate).fill(false),
    referenceUsed: new Array<boolean>(numReference).fill(false),
    covered: 0,
    chunks: 0,
    distance: 0,
    next: 0,
    lastEnd: undefined,
  };
  const once = (cover: Uint32Array, start: number, length: number) =>
    cover.subarray(start, start + length).every((count) => count === 1);
  for (const [match, other] of byStart)
    if (
      match &&
      !other &&
      once(candidateCover, match.candidateStart, match.candidateLength) &&
      once(referenceCover, match.referenceStart, match.referenceLength)
    )
      use(path, match);
  return path;
}

/** The paths one place further on in the reference, of one path. */
function extend(path: Path, place: number, starting: readonly Match[]): Path[] {
  if (path.referenceUsed[place]) {
    if (place < path.next) return [path]; // inside a match
    const match = path.matches[path.next];
    if (!match) return [];
    advance(path, match);
    path.distance += shift(match);
    return [path];
  }
  const paths: Path[] = [];
  for (const match of starting) {
    if (!isFree(path, match)) continue;
    const extended = copy(path);
    use(extended, match);
    advance(extended, match);
    // The official code adds the shift to the path that goes on without the match.
    path.distance += shift(match);
    paths.push(extended);
  }
  if (path.lastEnd !== undefined) {
    path.chunks += 1;
    path.lastEnd = undefined;
  }
  path.next += 1;
  paths.push(path);
  return paths;
}

/** The best pairing: matches in the order of the reference. */
export function align(
  candidate: readonly string[],
  reference: readonly string[],
  matchers: readonly Matcher[],
): Match[] {
  // Equal captions need no more than equal words.
  const isEqual =
    candidate.length === reference.length && candidate.every((word, i) => word === reference[i]);
  const byStart: Match[][] = reference.map(() => []);
  for (const [module, matcher] of (isEqual ? matchers.slice(0, 1) : matchers).entries())
    for (const span of matcher(candidate, reference))
      byStart[span.referenceStart]!.push({...span, module});

  let paths = [certain(byStart, candidate.length)];
  for (const [place, starting] of byStart.entries()) {
    const best = paths.sort(better).slice(0, beamSize);
    const extended = best.flatMap((path) => extend(path, place, starting));
    paths = extended.length > 0 ? extended : best.slice(0, 1);
  }
  const complete = paths.sort(better).slice(0, beamSize);
  for (const path of complete) if (path.lastEnd !== undefined) path.chunks += 1;
  return complete.sort(better)[0]!.matches.filter((match) => match !== undefined);
}

/** Runs of matches that follow each other in both captions. */
export function countChunks(matches: readonly Match[]): number {
  let chunks = 0;
  let candidateEnd = -1;
  let referenceEnd = -1;
  for (const match of matches) {
    if (match.candidateStart !== candidateEnd || match.referenceStart !== referenceEnd) chunks += 1;
    candidateEnd = match.candidateStart + match.candidateLength;
    referenceEnd = match.referenceStart + match.referenceLength;
  }
  return chunks;
}
