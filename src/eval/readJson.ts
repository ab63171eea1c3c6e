import {readFileSync} from 'node:fs';
import type {z} from 'zod';
import {fileProblem} from '../data/source.js';
import {InputError} from '../errors.js';

/** A file of annotations, checked. Throws InputError naming the file, and of a wrong entry its place. */
export function readJson<T>(file: string, schema: z.ZodType<T>): T {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw fileProblem(file, error);
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new InputError(file, `is not JSON (${(error as Error).message})`, 'download it again');
  }
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  throw new InputError(file, `${issue!.path.map(String).join('.') || 'it'}: ${issue!.message}`);
}
