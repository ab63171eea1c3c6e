// What the tests of the data sets share: small files, and samples in a form that compares.
import {mkdirSync, writeFileSync} from 'node:fs';
import path from 'node:path';
import sharp from 'sharp';
import type {Dataset, PreparePicture, Sample} from '../../../src/data/dataset.js';
import {Random} from '../../../src/random.js';
import {temporaryFolder} from '../../support/temporary.js';

export const folder = temporaryFolder();

/** Writes a file below the test's folder; its path. */
export function write(name: string, content: string | Uint8Array): string {
  const file = path.join(folder, name);
  mkdirSync(path.dirname(file), {recursive: true});
  writeFileSync(file, content);
  return file;
}

/** Writes JSON lines. */
export function writeLines(name: string, rows: readonly unknown[]): string {
  return write(name, rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
}

/** A PNG all of whose pixels have this red value; what `prepare` tells it by. */
export function png(red: number): Promise<Buffer> {
  return sharp({create: {width: 4, height: 3, channels: 3, background: {r: red, g: 0, b: 0}}})
    .png()
    .toBuffer();
}

/** The red value of the first pixel. */
export const prepare: PreparePicture = ({data}) => ({pixels: Float32Array.of(data[0]!)});

/** The parts of a sample: texts, and the numbers of pictures. */
export function shown(sample: Sample): (string | number)[] {
  return sample.parts.map((part) => (part.type === 'text' ? part.text : part.pixels[0]!));
}

/** Sample `index`, read with a generator of that seed. */
export async function read(dataset: Dataset, index: number, seed = 1) {
  return shown(await dataset.read(index, new Random(seed)));
}

interface Member {
  readonly name: string;
  readonly content: string | Uint8Array;
  readonly type?: string;
}

/** A tar archive in POSIX ustar form, with its end mark. */
export function tarOf(members: readonly Member[]): Buffer {
  const blocks = members.flatMap(({name, content, type = '0'}) => {
    const bytes = Buffer.from(content as string);
    const header = Buffer.alloc(512);
    header.write(name.slice(0, 100), 0, 'utf8');
    header.write('0000644\0', 100);
    header.write(`${bytes.length.toString(8).padStart(11, '0')}\0`, 124);
    header.write('        ', 148);
    header.write(type, 156);
    header.write('ustar\x0000', 257, 'latin1');
    const sum = header.reduce((total, byte) => total + byte, 0);
    header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
    const padding = Buffer.alloc((512 - (bytes.length % 512)) % 512);
    return [header, bytes, padding];
  });
  return Buffer.concat([...blocks, Buffer.alloc(1024)]);
}
