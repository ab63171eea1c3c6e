// Configuration files: JSON of bounded size, checked by a schema.
import {readFileSync, statSync} from 'node:fs';
import type {z} from 'zod';
import {ModelError} from '../errors.js';
import {printable} from './printable.js';

const MAX_CONFIG_BYTES = 1024 * 1024;

/** The value in a JSON file. Throws ModelError for what is none. */
export function readJson(file: string): unknown {
  const stats = statSync(file, {throwIfNoEntry: false});
  if (!stats?.isFile()) throw new ModelError(file, 'no such file');
  if (stats.size > MAX_CONFIG_BYTES)
    throw new ModelError(file, `${stats.size} bytes are no configuration`);
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    throw new ModelError(file, `not JSON (${printable((error as Error).message)})`);
  }
}

/** A value of the file as the schema gives it. Throws ModelError that names the file and the field. */
export function parse<T extends z.ZodType>(file: string, schema: T, value: unknown): z.infer<T> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const issue = result.error.issues[0]!;
  const field = issue.path.length > 0 ? `${printable(issue.path.join('.'))}: ` : '';
  throw new ModelError(file, `${field}${printable(issue.message)}`);
}
