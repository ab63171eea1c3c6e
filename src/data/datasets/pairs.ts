// Pictures with texts in a folder: listed in a table beside them, or each picture with a .txt of its name.
import {existsSync, readdirSync} from 'node:fs';
import {readFile} from 'node:fs/promises';
import path from 'node:path';
import {InputError} from '../../errors.js';
import type {Random} from '../../random.js';
import type {Dataset, PreparePicture, Sample} from '../dataset.js';
import {fileProblem} from '../source.js';
import {
  captionFields,
  fileField,
  foreignText,
  imageFields,
  requireField,
  textField,
} from './fields.js';
import {captioned, mediaFile, type PictureOrder, readPicture} from './media.js';
import {openRecords, type Records} from './records.js';

export interface PairsOptions {
  readonly folder: string;
  /**
   * .jsonl, .json, .csv or .tsv; pictures are named relative to the folder. Default: the folder's
   * metadata.jsonl or metadata.csv, else every picture in it goes with the .txt of its name.
   */
  readonly table?: string | undefined;
  readonly imageField?: string | undefined;
  readonly captionField?: string | undefined;
  readonly order?: PictureOrder;
  readonly prepare: PreparePicture;
}

/** @throws InputError when there is no table and no picture, or the table lacks a field */
export async function openPairs(options: PairsOptions): Promise<Dataset> {
  const {folder} = options;
  const table =
    options.table ??
    ['metadata.jsonl', 'metadata.csv']
      .map((name) => path.join(folder, name))
      .find((file) => existsSync(file));
  if (table === undefined) return new PairFiles(folder, picturesIn(folder), options);
  const records = await openRecords([table]);
  const images = requireField(records, options.imageField, imageFields, 'image');
  const captions = requireField(records, options.captionField, captionFields, 'caption');
  return new PairTable(table, records, images, captions, options);
}

class PairTable implements Dataset {
  constructor(
    readonly name: string,
    private readonly records: Records,
    private readonly images: readonly string[],
    private readonly captions: readonly string[],
    private readonly options: PairsOptions,
  ) {}

  get size(): number {
    return this.records.size;
  }

  async read(index: number, random: Random): Promise<Sample> {
    const {folder, order = 'random', prepare} = this.options;
    const row = this.records.row(index);
    const name = this.records.place(index);
    const text = textField(row, this.captions, name);
    const file = mediaFile(folder, fileField(row, this.images, name));
    const picture = await readPicture(file, prepare);
    return {name, parts: captioned([picture], text, order, random)};
  }

  async text(index: number): Promise<string> {
    return textField(this.records.row(index), this.captions, this.records.place(index));
  }

  close(): void {} // files are opened for each read
}

/** The pictures below a folder, sorted the same way on every machine. */
function picturesIn(folder: string): string[] {
  let names: string[];
  try {
    names = readdirSync(folder, {recursive: true}) as string[];
  } catch (error) {
    throw fileProblem(folder, error);
  }
  const pictures = names.filter((name) => /\.(jpe?g|png|webp)$/i.test(name)).sort();
  if (pictures.length === 0)
    throw new InputError(folder, 'holds no pictures', 'put NAME.jpg with NAME.txt there');
  return pictures;
}

class PairFiles implements Dataset {
  constructor(
    readonly name: string,
    private readonly pictures: readonly string[],
    private readonly options: PairsOptions,
  ) {}

  get size(): number {
    return this.pictures.length;
  }

  async read(index: number, random: Random): Promise<Sample> {
    const {order = 'random', prepare} = this.options;
    const file = path.join(this.name, this.pictures[index]!);
    const caption = await this.text(index);
    const picture = await readPicture(file, prepare);
    return {name: file, parts: captioned([picture], caption, order, random)};
  }

  async text(index: number): Promise<string> {
    const file = path.join(this.name, this.pictures[index]!).replace(/\.[^.]+$/, '.txt');
    const text = await readFile(file, 'utf8').catch((error) => {
      throw fileProblem(file, error);
    });
    return foreignText(text, file);
  }

  close(): void {} // files are opened for each read
}
