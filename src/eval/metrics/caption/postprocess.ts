// From what a model wrote to the caption that is scored.

/**
 * The first sentence of the first line in lower case, without its full stop; spaces stay as they are.
 * A sentence ends at a full stop with a space after it, also where that belongs to an abbreviation.
 */
export function cleanCaption(raw: string): string {
  const line = raw.split('\n', 1)[0]!;
  const sentence = line.split('. ', 1)[0]!;
  return (sentence.endsWith('.') ? sentence.slice(0, -1) : sentence).toLowerCase();
}
