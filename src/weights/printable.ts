/**
 * Text from an untrusted file as it may stand in a one-line message: control characters (terminal
 * escapes, line breaks) become "?", and what is longer than `limit` characters is cut.
 */
export function printable(text: string, limit = 120): string {
  const clean = text.slice(0, limit).replace(/[\p{C}\p{Zl}\p{Zp}]/gu, '?');
  return text.length > limit ? `${clean}…` : clean;
}

/** "a, b, c and 7 more" of `names`, which may come from an untrusted file. */
export function listNames(names: readonly string[], limit = 5): string {
  const first = names.slice(0, limit).map((name) => printable(name));
  const rest = names.length - first.length;
  return rest > 0 ? `${first.join(', ')} and ${rest} more` : first.join(', ');
}
