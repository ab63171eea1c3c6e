// One-against-all ridge regression in its dual form: as many unknowns as examples.

/** Solves A X = B for a symmetric positive definite A [n, n] (Cholesky); B [n, k] becomes X. */
function solve(a: Float64Array, b: Float64Array, n: number, k: number): void {
  for (let j = 0; j < n; j++) {
    for (let i = j; i < n; i++) {
      let sum = a[i * n + j]!;
      for (let p = 0; p < j; p++) sum -= a[i * n + p]! * a[j * n + p]!;
      a[i * n + j] = i === j ? Math.sqrt(sum) : sum / a[j * n + j]!;
    }
  }
  const subtract = (to: number, from: number, factor: number) => {
    for (let c = 0; c < k; c++) b[to * k + c]! -= factor * b[from * k + c]!;
  };
  const divide = (row: number) => {
    for (let c = 0; c < k; c++) b[row * k + c]! /= a[row * n + row]!;
  };
  for (let i = 0; i < n; i++) {
    for (let p = 0; p < i; p++) subtract(i, p, a[i * n + p]!);
    divide(i);
  }
  for (let i = n - 1; i >= 0; i--) {
    for (let p = i + 1; p < n; p++) subtract(i, p, a[p * n + i]!);
    divide(i);
  }
}

export function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}

export class Ridge {
  private readonly weights: Float64Array;

  /** `labels`: the class of each example, from 0. */
  constructor(
    private readonly examples: readonly Float64Array[],
    labels: readonly number[],
    private readonly numClasses: number,
    penalty: number,
  ) {
    const n = examples.length;
    const gram = new Float64Array(n * n);
    for (let i = 0; i < n; i++)
      for (let j = 0; j <= i; j++) {
        gram[i * n + j] = dot(examples[i]!, examples[j]!) + (i === j ? penalty : 0);
        gram[j * n + i] = gram[i * n + j]!;
      }
    this.weights = new Float64Array(n * numClasses).fill(-1 / numClasses);
    for (const [i, label] of labels.entries()) this.weights[i * numClasses + label]! += 1;
    solve(gram, this.weights, n, numClasses);
  }

  /** The likeliest class. */
  classify(example: Float64Array): number {
    const scores = new Float64Array(this.numClasses);
    for (const [i, known] of this.examples.entries()) {
      const likeness = dot(known, example);
      for (let c = 0; c < this.numClasses; c++)
        scores[c]! += likeness * this.weights[i * this.numClasses + c]!;
    }
    return scores.reduce((best, score, c) => (score > scores[best]! ? c : best), 0);
  }
}
