import {existsSync} from 'node:fs';
import path from 'node:path';

/** Where Debian's package wordnet-base puts WordNet 3.0. */
const DEBIAN = '/usr/share/wordnet';

/** The folder of WordNet's files: EMU_WORDNET's, else Debian's. Reading it says what is missing. */
export function wordnetFolder(): string {
  return process.env.EMU_WORDNET ?? DEBIAN;
}

export function hasWordnet(): boolean {
  return existsSync(path.join(wordnetFolder(), 'data.noun'));
}
