/** The best of many scores, found without sorting them all. Equal scores: the lower index first. */
export class TopK {
  readonly scores: number[] = [];
  readonly indices: number[] = [];

  constructor(private readonly k: number) {}

  /** Offers one score; indices must come in rising order. NaN is never taken. */
  offer(score: number, index: number): void {
    const {scores, indices, k} = this;
    if (scores.length === k && !(score > scores[k - 1]!)) return;
    let at = scores.length;
    while (at > 0 && scores[at - 1]! < score) at--;
    scores.splice(at, 0, score);
    indices.splice(at, 0, index);
    if (scores.length > k) {
      scores.pop();
      indices.pop();
    }
  }
}
