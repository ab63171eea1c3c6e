// Compares what a checkpoint holds with what a model needs. Names are exact, in both directions.
import {ModelError} from '../errors.js';
import type {Checkpoint} from './checkpoint.js';
import {listNames} from './printable.js';

/** A checkpoint whose tensors are not those the model has. */
export class WeightsError extends ModelError {
  readonly missing: readonly string[];
  readonly unexpected: readonly string[];
  /** Those of another shape. */
  readonly mismatched: readonly string[];

  constructor(
    file: string,
    problem: string,
    facts: {missing?: string[]; unexpected?: string[]; mismatched?: string[]},
    wayOut?: string,
  ) {
    super(file, problem, wayOut);
    this.missing = facts.missing ?? [];
    this.unexpected = facts.unexpected ?? [];
    this.mismatched = facts.mismatched ?? [];
  }
}

/** A tensor that a model needs, or (optional) that its checkpoint may carry without need. */
export interface ExpectedTensor {
  readonly name: string;
  readonly shape: readonly number[];
}

export interface ExpectedTensors {
  readonly required: readonly ExpectedTensor[];
  /** Names that may be there or not, of any shape. */
  readonly optional: readonly RegExp[];
}

/**
 * Compares names and shapes of all tensors without reading any. Throws one WeightsError that counts
 * and names what is missing, unexpected and of another shape; `wayOut` says what to do about it.
 */
export function checkTensors(
  checkpoint: Checkpoint,
  expected: ExpectedTensors,
  wayOut?: string,
): void {
  const {required, optional} = expected;
  const known = new Set(required.map(({name}) => name));
  const missing = required.filter(({name}) => !checkpoint.tensors.has(name)).map(({name}) => name);
  const unexpected = [...checkpoint.tensors.keys()].filter(
    (name) => !known.has(name) && !optional.some((allowed) => allowed.test(name)),
  );
  const mismatched: string[] = [];
  let example = '';
  for (const {name, shape} of required) {
    const stored = checkpoint.tensors.get(name);
    if (!stored || sameShape(stored.shape, shape)) continue;
    mismatched.push(name);
    example ||= `expected [${shape.join(', ')}] for ${name}, got [${stored.shape.join(', ')}]`;
  }
  const problems = [
    ...(missing.length > 0 ? [`${missing.length} missing (${listNames(missing, 3)})`] : []),
    ...(unexpected.length > 0
      ? [`${unexpected.length} unexpected (${listNames(unexpected, 3)})`]
      : []),
    ...(mismatched.length > 0 ? [`${mismatched.length} of another shape (${example})`] : []),
  ];
  if (problems.length === 0) return;
  throw new WeightsError(
    checkpoint.path,
    `weights: of ${countNoun(required.length, 'expected tensor')}, ${problems.join(', ')}`,
    {missing, unexpected, mismatched},
    wayOut ??
      (mismatched.length > 0 && missing.length === 0
        ? 'a model of other sizes needs its configuration: --config DIR'
        : 'is it a checkpoint of this model and mode? Other sizes need --config DIR'),
  );
}

export function sameShape(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((size, axis) => size === b[axis]);
}

/** "1,096 tensors" */
export function countNoun(number: number, noun: string): string {
  return `${number.toLocaleString('en-US')} ${noun}${number === 1 ? '' : 's'}`;
}
