// In what the products of matrices are computed on this backend: --compute.
let inBf16 = false;

/** Has products take numbers rounded to bfloat16 from now on. */
export function setBf16Products(on: boolean): void {
  inBf16 = on;
}

export function computesInBf16(): boolean {
  return inBf16;
}
