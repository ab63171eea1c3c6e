// Documents of text with pictures in it: MMC4 (sentences, and pictures matched to them) and OBELICS
// (pictures and texts in parallel lists). Paper: the first N = 5 pictures of a document, and sub-sequences.
import {access} from 'node:fs/promises';
import path from 'node:path';
import {z} from 'zod';
import {InputError} from '../../errors.js';
import type {Random} from '../../random.js';
import {strip} from '../../text/whitespace.js';
import {listNames} from '../../weights/printable.js';
import {
  type Dataset,
  type PreparePicture,
  plainText,
  type Sample,
  type SamplePart,
} from '../dataset.js';
import {sourceLabel} from '../source.js';
import {findDataFiles} from './filePatterns.js';
import {mediaFile, readPicture} from './media.js';
import {openRecords, type Records, type Row} from './records.js';

export interface InterleavedOptions {
  /** .jsonl files: names, folders, braces, `*`. */
  readonly files: string | readonly string[];
  /** Folder of the pictures. */
  readonly images: string;
  /** N: pictures of a document; later ones are left out, the text goes on. */
  readonly maxImages?: number;
  /** A document ends after so many tokens. */
  readonly maxTokens?: number | undefined;
  /** Share of reads that begin at a picture drawn at random instead of at the document's start. */
  readonly subsequences?: number;
  /** Tokens of such a sub-sequence. */
  readonly subsequenceTokens?: number | undefined;
  readonly prepare: PreparePicture;
}

export interface Mmc4Options extends InterleavedOptions {
  /** Pictures less similar to their sentence are left out (CLIP's cosine). */
  readonly minSimilarity?: number;
}

/** A stretch of a document: text, or the name of a picture's file. */
export type Unit = {readonly text: string} | {readonly image: string};

/** @throws InputError when a file is missing or holds no records */
export async function openMmc4(options: Mmc4Options): Promise<Dataset> {
  const {minSimilarity = 0.32} = options;
  const unitsOf = (row: Row, place: string) => mmc4Units(row, minSimilarity, place);
  return openDocuments(options, unitsOf, ' ');
}

/** @throws InputError when a file is missing or holds no records */
export async function openObelics(options: InterleavedOptions): Promise<Dataset> {
  return openDocuments(options, obelicsUnits, '\n\n');
}

async function openDocuments(
  options: InterleavedOptions,
  unitsOf: (row: Row, place: string) => Unit[],
  separator: string,
): Promise<Dataset> {
  const files = findDataFiles(options.files, /\.jsonl$/i, '.jsonl file');
  const name = listNames([options.files].flat(), 3);
  return new Documents(name, await openRecords(files), unitsOf, separator, options);
}

const mmc4Document = z.object({
  text_list: z.array(z.string()),
  image_info: z.array(
    z.object({
      image_name: z.string().nullish(),
      raw_url: z.string().nullish(),
      matched_text_index: z.number().int().nullish(),
      matched_sim: z.number().nullish(),
    }),
  ),
  similarity_matrix: z.array(z.array(z.number())).nullish(),
});

/**
 * Sentences, each after the pictures matched to it. The match is the record's own, else the sentence of
 * the largest similarity.
 */
export function mmc4Units(row: Row, minSimilarity: number, place: string): Unit[] {
  const checked = mmc4Document.safeParse(row);
  if (!checked.success) {
    const {path: field, message} = checked.error.issues[0]!;
    throw new InputError(place, `is no MMC4 document: ${field.join('.')}: ${message}`);
  }
  const {text_list: texts, image_info: infos, similarity_matrix: matrix} = checked.data;
  const matched = new Map<number, string[]>();
  for (const [i, info] of infos.entries()) {
    const similarities = matrix?.[i];
    const sentence = info.matched_text_index ?? largest(similarities ?? []);
    const similarity = info.matched_sim ?? similarities?.[sentence];
    const url = info.raw_url?.split(/[?#]/)[0]; // files are named by the last part of where they came from
    const name = info.image_name ?? (url && path.posix.basename(url));
    if (!name || similarity === undefined || !(sentence >= 0 && sentence < texts.length))
      throw new InputError(place, `says not where picture ${i + 1} belongs`);
    if (similarity < minSimilarity) continue;
    matched.set(sentence, [...(matched.get(sentence) ?? []), name]);
  }
  return texts.flatMap((text, i): Unit[] => [
    ...(matched.get(i) ?? []).map((image) => ({image})),
    {text},
  ]);
}

function largest(values: readonly number[]): number {
  return values.indexOf(Math.max(...values));
}

/** `images` and `texts` have one length; at each place one of them is null. */
export function obelicsUnits(row: Row, place: string): Unit[] {
  const {images, texts} = row;
  if (!Array.isArray(images) || !Array.isArray(texts) || images.length !== texts.length)
    throw new InputError(
      place,
      'is no OBELICS document: images and texts are no lists of one length',
    );
  return texts.flatMap((text, i): Unit[] => {
    if (typeof images[i] === 'string') return [{image: images[i]}];
    return typeof text === 'string' ? [{text}] : [];
  });
}

class Documents implements Dataset {
  constructor(
    readonly name: string,
    private readonly records: Records,
    private readonly unitsOf: (row: Row, place: string) => Unit[],
    private readonly separator: string,
    private readonly options: InterleavedOptions,
  ) {}

  get size(): number {
    return this.records.size;
  }

  async read(index: number, random: Random): Promise<Sample> {
    const {subsequences = 0, subsequenceTokens = 512, maxTokens} = this.options;
    const name = this.records.place(index);
    let units = this.unitsOf(this.records.row(index), name);
    const places = units.flatMap((unit, i) => ('image' in unit ? [i] : []));
    const isPart = random.chance(subsequences) && places.length > 0;
    if (isPart) units = units.slice(random.pick(places));
    const parts = await this.parts(units, name);
    const tokens = isPart ? subsequenceTokens : maxTokens;
    return {name, parts, ...(tokens === undefined ? {} : {maxTokens: tokens})};
  }

  async text(index: number): Promise<string> {
    const units = this.unitsOf(this.records.row(index), this.records.place(index));
    return units.flatMap((unit) => ('text' in unit ? [plainText(unit.text)] : [])).join('\n');
  }

  /**
   * Crawled collections never have all their pictures: those without a file are passed over, unless
   * that leaves none. A file that is there and cannot be read makes the sample a bad one.
   */
  private async parts(units: readonly Unit[], name: string): Promise<SamplePart[]> {
    const {images, maxImages = 5, prepare} = this.options;
    const parts: SamplePart[] = [];
    let text = '';
    let missing: string | undefined;
    let count = 0;
    for (const unit of units) {
      if ('text' in unit) {
        const plain = strip(plainText(unit.text));
        if (plain) text += text ? this.separator + plain : plain;
      } else if (count < maxImages) {
        const file = mediaFile(images, unit.image);
        if (!(await exists(file))) {
          missing ??= file;
          continue;
        }
        if (text) parts.push({type: 'text', text});
        parts.push({type: 'picture', ...(await readPicture(file, prepare))});
        text = '';
        count++;
      }
    }
    if (missing !== undefined && count === 0)
      throw new InputError(name, `has none of its pictures, such as ${sourceLabel(missing)}`);
    if (count === 0 && text === '') throw new InputError(name, 'is empty');
    return [...parts, {type: 'text', text: `${text}</s>`}];
  }

  close(): void {} // files are opened for each read
}

function exists(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  );
}
