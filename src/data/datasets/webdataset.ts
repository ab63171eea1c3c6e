// Pictures with texts in tar shards (WebDataset): the files of a sample share the name before the first
// dot. The headers are read once; a sample is then two reads out of its shard.
import path from 'node:path';
import {InputError} from '../../errors.js';
import type {Random} from '../../random.js';
import {listNames, printable} from '../../weights/printable.js';
import type {Dataset, PreparePicture, Sample} from '../dataset.js';
import {readByteRange} from './byteRange.js';
import {captionFields, foreignText, textField} from './fields.js';
import {findDataFiles} from './filePatterns.js';
import {captioned, decodePicture, type PictureOrder} from './media.js';
import type {Row} from './records.js';
import {tarMembers} from './tar.js';

export interface WebdatasetOptions {
  /** Files, folders, `shard-{000..012}.tar`, `shards/*.tar`. */
  readonly shards: string | readonly string[];
  /** Field of the .json that holds the text. Default: the .txt, else `caption` or `text` of the .json. */
  readonly captionField?: string | undefined;
  readonly order?: PictureOrder;
  readonly prepare: PreparePicture;
}

/** Bytes of a shard. */
interface Span {
  readonly offset: number;
  readonly size: number;
}

/** The files of one sample; a file that is there twice counts as its last. */
type Files = Partial<Record<'picture' | 'txt' | 'json', Span>>;

/** @throws InputError when a shard is missing, damaged or cut off, or when none holds a sample */
export async function openWebdataset(options: WebdatasetOptions): Promise<Dataset> {
  const shards = findDataFiles(options.shards, /\.tar$/i, '.tar file');
  const index = new ShardIndex(shards, options.captionField !== undefined);
  const name = listNames([options.shards].flat(), 3);
  if (index.keys.length === 0)
    throw new InputError(name, 'holds no pictures with texts', 'name them 0001.jpg and 0001.txt');
  return new Webdataset(name, index, options);
}

/** Where every sample lies. Columns of numbers: shards may hold millions of samples. */
class ShardIndex {
  /** Names without extension, in the order in which the samples begin. */
  readonly keys: string[] = [];
  private readonly shardOf: number[] = [];
  private readonly pictures = new SpanColumn();
  private readonly texts = new SpanColumn();
  private readonly isJson: boolean[] = [];

  constructor(
    private readonly shards: readonly string[],
    wantsJson: boolean,
  ) {
    for (const [i, shard] of shards.entries())
      for (const [key, {picture, txt, json}] of filesByKey(shard)) {
        const isJson = wantsJson || !txt;
        this.keys.push(key);
        this.shardOf.push(i);
        this.pictures.push(picture);
        this.texts.push(isJson ? json : txt);
        this.isJson.push(isJson);
      }
  }

  at(index: number) {
    return {
      shard: this.shards[this.shardOf[index]!]!,
      key: this.keys[index]!,
      picture: this.pictures.at(index),
      text: this.texts.at(index),
      isJson: this.isJson[index]!,
    };
  }
}

class SpanColumn {
  private readonly offsets: number[] = [];
  private readonly sizes: number[] = [];

  push(span: Span | undefined): void {
    this.offsets.push(span?.offset ?? -1);
    this.sizes.push(span?.size ?? 0);
  }

  at(index: number): Span | undefined {
    const offset = this.offsets[index]!;
    return offset < 0 ? undefined : {offset, size: this.sizes[index]!};
  }
}

function filesByKey(shard: string): Map<string, Files> {
  const found = new Map<string, Files>();
  for (const {name, offset, size} of tarMembers(shard)) {
    const kind = kindOf(name);
    if (!kind) continue;
    const key = keyOf(name);
    const files = found.get(key) ?? {};
    files[kind] = {offset, size};
    found.set(key, files);
  }
  return found;
}

function kindOf(name: string): 'picture' | 'txt' | 'json' | undefined {
  const extension = path.posix.extname(name).toLowerCase();
  if (/^\.(jpe?g|png|webp)$/.test(extension)) return 'picture';
  if (extension === '.txt') return 'txt';
  return extension === '.json' ? 'json' : undefined;
}

/** The name up to the first dot of its last part. */
function keyOf(name: string): string {
  const dot = name.indexOf('.', name.lastIndexOf('/') + 1);
  return name.slice(0, dot);
}

class Webdataset implements Dataset {
  constructor(
    readonly name: string,
    private readonly index: ShardIndex,
    private readonly options: WebdatasetOptions,
  ) {}

  get size(): number {
    return this.index.keys.length;
  }

  async read(index: number, random: Random): Promise<Sample> {
    const {order = 'random', prepare} = this.options;
    const {shard, key, picture} = this.index.at(index);
    const name = `${shard}, ${printable(key)}`;
    if (!picture) throw new InputError(name, 'has no picture (.jpg, .png or .webp)');
    const caption = await this.text(index);
    const bytes = await readByteRange(shard, picture.offset, picture.size);
    const shown = await decodePicture(bytes, name, prepare);
    return {name, parts: captioned([shown], caption, order, random)};
  }

  async text(index: number): Promise<string> {
    const {captionField} = this.options;
    const {shard, key, text, isJson} = this.index.at(index);
    const name = `${shard}, ${printable(key)}`;
    if (!text) throw new InputError(name, `has no ${captionField ? '.json' : '.txt or .json'}`);
    const said = (await readByteRange(shard, text.offset, text.size)).toString('utf8');
    const names = captionField === undefined ? captionFields : [captionField];
    return isJson ? textField(jsonRow(said, name), names, name) : foreignText(said, name);
  }

  close(): void {} // shards are opened for each read
}

function jsonRow(text: string, place: string): Row {
  try {
    return (JSON.parse(text) ?? {}) as Row;
  } catch {
    throw new InputError(place, 'has a damaged .json');
  }
}
