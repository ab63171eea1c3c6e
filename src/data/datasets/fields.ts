// Which field of a record holds what: named by the user, or found among the names in common use.
import {InputError} from '../../errors.js';
import {strip} from '../../text/whitespace.js';
import {listNames} from '../../weights/printable.js';
import {plainText} from '../dataset.js';
import type {Records, Row} from './records.js';

export const captionFields = ['caption', 'text', 'title', 'description'] as const;
export const imageFields = [
  'image',
  'file_name',
  'filename',
  'path',
  'filepath',
  'image_path',
  'file',
] as const;

/** The first of the names that the record has. */
export function fieldOf(row: Row, names: readonly string[]): string | undefined {
  return names.find((name) => row[name] !== undefined && row[name] !== null);
}

/**
 * Names the fields of a table once, when it is opened.
 * @param wanted what the user calls it; then only this name is looked for
 * @throws InputError when no record of the first hundred has such a field
 */
export function requireField(
  records: Records,
  wanted: string | undefined,
  known: readonly string[],
  what: string,
): readonly string[] {
  const names = wanted === undefined ? known : [wanted];
  let firstRow: Row | undefined;
  let problem: unknown;
  for (let i = 0; i < Math.min(records.size, 100); i++) {
    try {
      const row = records.row(i);
      if (fieldOf(row, names)) return names;
      firstRow ??= row;
    } catch (error) {
      problem ??= error; // a damaged record: the ones after it may do
    }
  }
  if (!firstRow) throw problem;
  throw new InputError(
    records.place(0),
    `has no ${what} (looked for ${names.join(', ')}; it has ${listNames(Object.keys(firstRow), 12)})`,
    `say which field it is with ${what}Field`,
  );
}

/**
 * A text of a record as the model may read it.
 * @param place names the record in errors
 */
export function textField(row: Row, names: readonly string[], place: string): string {
  const name = fieldOf(row, names);
  const value = name === undefined ? undefined : row[name];
  if (typeof value !== 'string') throw new InputError(place, `has no text (${names.join(', ')})`);
  return foreignText(value, place);
}

/** Foreign text without special tokens and outer whitespace. @throws InputError when nothing is left */
export function foreignText(text: string, place: string): string {
  const plain = strip(plainText(text));
  if (plain === '') throw new InputError(place, 'has an empty text');
  return plain;
}

/** The name of a file in a record. */
export function fileField(row: Row, names: readonly string[], place: string): string {
  const name = fieldOf(row, names);
  const value = name === undefined ? undefined : row[name];
  if (typeof value !== 'string' || value === '')
    throw new InputError(place, `names no file (${names.join(', ')})`);
  return value;
}
