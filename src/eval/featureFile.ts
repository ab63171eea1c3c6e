// Features of pictures as other programs write them: numbers of 32 bits, little-endian, row after row, their
// shape in a JSON file of the same name.
import {existsSync, readFileSync} from 'node:fs';
import path from 'node:path';
import {z} from 'zod';
import {fileProblem} from '../data/source.js';
import {InputError} from '../errors.js';
import {readJson} from './readJson.js';

export interface Features {
  /** [N, D] */
  readonly values: Float32Array;
  readonly numItems: number;
  readonly numFeatures: number;
}

const shapeFile = z.object({
  shape: z.tuple([z.number().int().positive(), z.number().int().positive()]),
});

/** `a.f32` with `a.json`, {"shape": [items, features]}. */
export function readFeatures(file: string): Features {
  let bytes: Buffer;
  try {
    bytes = readFileSync(file);
  } catch (error) {
    throw fileProblem(file, error);
  }
  const {dir, name, ext} = path.parse(file);
  if (ext === '.json')
    throw new InputError(file, 'is the shape of features', 'name the file of numbers beside it');
  const beside = path.join(dir, `${name}.json`);
  if (!existsSync(beside))
    throw new InputError(
      beside,
      'no such file',
      `it must say the shape of ${name}${ext}: {"shape": [pictures, features]}`,
    );
  const [numItems, numFeatures] = readJson(beside, shapeFile).shape;
  const expected = numItems * numFeatures * Float32Array.BYTES_PER_ELEMENT;
  if (bytes.length !== expected)
    throw new InputError(
      file,
      `expected ${expected} bytes for the shape [${numItems}, ${numFeatures}], got ${bytes.length}`,
      `see ${beside}`,
    );
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const values = new Float32Array(numItems * numFeatures);
  for (let i = 0; i < values.length; i++) values[i] = view.getFloat32(4 * i, true);
  const bad = values.findIndex((value) => !Number.isFinite(value));
  if (bad >= 0)
    throw new InputError(
      file,
      `expected finite numbers, got ${values[bad]} in row ${Math.floor(bad / numFeatures) + 1}`,
    );
  return {values, numItems, numFeatures};
}
