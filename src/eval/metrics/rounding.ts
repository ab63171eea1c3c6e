// The two roundings of the official metric code. They differ where a product with a power of ten is
// inexact: round(2.675, 2) is 2.67 and numpy.round(2.675, 2) is 2.68.
import {roundHalfEven} from '../../roundHalfEven.js';

/**
 * Python's round(x, decimals): the number as stored is rounded exactly, of two equally near the one whose
 * last digit is even.
 */
export function pythonRound(x: number, decimals = 0): number {
  if (!Number.isFinite(x) || Math.abs(x) >= 1e21) return x;
  // toFixed is exact too, but of two equally near it takes the one further from zero. A binary number lies
  // halfway only if it is an odd multiple of 2^-(decimals + 1): 10^decimals holds no other powers of two.
  const isTie = Math.abs(x * 2 ** (decimals + 1)) % 2 === 1;
  const outer = x.toFixed(decimals);
  if (!isTie || Number(outer.at(-1)) % 2 === 0) return Number(outer);
  // The last digit of the outer neighbour is odd, so the inner one ends one lower, without a carry.
  return Number(outer.slice(0, -1) + (Number(outer.at(-1)) - 1));
}

/** numpy.round(x, decimals): multiply, round to even, divide. */
export function numpyRound(x: number, decimals = 0): number {
  const scale = 10 ** decimals;
  return roundHalfEven(x * scale) / scale;
}
