// Python's idea of whitespace (str.isspace), which the official tokenizer and answers are stripped by.
// JavaScript's trim() differs: it takes U+FEFF and leaves U+001C..U+001F and U+0085.
const spaces =
  '\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000';
const leading = new RegExp(`^[${spaces}]+`);
const lastSolid = new RegExp(`[^${spaces}][${spaces}]*$`);

/** Python's str.lstrip(). */
export function stripStart(text: string): string {
  return text.replace(leading, '');
}

/** Python's str.rstrip(). */
export function stripEnd(text: string): string {
  const at = text.search(lastSolid);
  return at < 0 ? '' : text.slice(0, at + 1);
}

/** Python's str.strip(). */
export function strip(text: string): string {
  return stripEnd(stripStart(text));
}
