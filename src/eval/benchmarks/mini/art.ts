// The drawings and photographs that `mini` is made of: lists of concepts, and pictures when they are asked for.
import {existsSync} from 'node:fs';
import path from 'node:path';
import {fileURLToPath} from 'node:url';
import sharp from 'sharp';
import {readImage} from '../../../data/image.js';
import type {Picture} from '../../../data/picture.js';
import {frameIndices} from '../../../data/video.js';
import {InputError} from '../../../errors.js';
import {
  type Concept,
  type Drawing,
  fetchArt,
  loadDrawings,
  renderOnWhite,
} from '../../../train/emoji/art.js';
import {readConcepts} from '../../../train/emoji/open.js';
import {once} from './task.js';

/** What emu-mini's pictures are composed of: what its nearest neighbours are sought among. */
export const trainVendors: readonly string[] = [
  'noto',
  'noto-v1',
  'twemoji',
  'fluent-emoji-flat',
  'emojione',
  'fxemoji',
];

const recipes = fileURLToPath(new URL('../../../../recipes', import.meta.url));

/** The first emu-mini's names. */
export const naming200 = once(() => readConcepts(path.join(recipes, 'naming200.json')));

/** Every concrete concept that four vendors draw. */
export const concepts853 = once(() => readConcepts(path.join(recipes, 'concepts853.json')));

/** FNV-1a of 32 bits. */
function fnv(text: string): number {
  let hash = 0x811c9dc5;
  for (const byte of Buffer.from(text)) hash = Math.imul(hash ^ byte, 0x01000193);
  return hash >>> 0;
}

/** Whether no emu-mini may be trained on it: one in ten, whatever the list. */
export const isHeldOut = ({hex}: Concept) => fnv(hex) % 10 === 0;

/** Concepts with a vendor's drawings of them, fetched and rendered when they are first needed. */
export class Art {
  readonly concepts: readonly Concept[];
  /** Of each concept its drawings, cropped and on no ground. */
  readonly drawings: () => Promise<readonly (readonly Drawing[])[]>;

  constructor(
    concepts: readonly Concept[],
    readonly vendors: readonly string[],
    size: number,
    /** Of npm's packages. */
    private readonly folder: string,
  ) {
    this.concepts = concepts.filter(({icons}) => vendors.some((vendor) => icons[vendor]));
    const told = (line: string) => console.error(`emu: ${line}`);
    this.drawings = once(() => loadDrawings(this.concepts, vendors, size, told, folder));
  }

  /** As it comes, on white. */
  async onWhite(concept: Concept, size: number): Promise<Picture> {
    const [vendor] = this.vendors;
    fetchArt(this.vendors, (line) => console.error(`emu: ${line}`), this.folder);
    const png = await renderOnWhite(concept, vendor!, size, this.folder);
    return readImage(png);
  }
}

async function onSquare(file: string, size: number, page?: number): Promise<Picture> {
  try {
    const {data} = await sharp(file, page === undefined ? {} : {page, pages: 1})
      .flatten({background: '#fff'})
      .resize(size, size, {fit: 'contain', background: '#fff'})
      .toColourspace('srgb')
      .removeAlpha()
      .raw()
      .toBuffer({resolveWithObject: true});
    return {width: size, height: size, data: new Uint8Array(data)};
  } catch (error) {
    throw unreadable(file, error);
  }
}

function unreadable(file: string, error: unknown): InputError {
  const problem = existsSync(file) ? 'is cut off or damaged' : 'no such file';
  return new InputError(file, `${problem} (${(error as Error).message})`);
}

/** A picture of any shape in the middle of a white square. */
export function readOnWhite(file: string, size: number): Promise<Picture> {
  return onSquare(file, size);
}

/** So many frames of an animation, as the official code picks them from a video; on white. */
export async function readClip(file: string, count: number, size: number): Promise<Picture[]> {
  const {pages = 1} = await sharp(file)
    .metadata()
    .catch((error) => {
      throw unreadable(file, error);
    });
  const frames: Picture[] = [];
  for (const page of frameIndices(pages, count)) frames.push(await onSquare(file, size, page));
  return frames;
}
