// White space as Python's str methods see it: \s of JavaScript has U+FEFF besides, and lacks U+001C to
// U+001F and U+0085.
const space =
  '[\\t-\\r\\u001c-\\u001f\\u0020\\u0085\\u00a0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000]';
const ends = new RegExp(`^${space}+|${space}+$`, 'g');
const runs = new RegExp(`${space}+`);

/** str.strip() */
export function pythonStrip(text: string): string {
  return text.replace(ends, '');
}

/** str.split() */
export function pythonSplit(text: string): string[] {
  const stripped = pythonStrip(text);
  return stripped === '' ? [] : stripped.split(runs);
}
