// Emoji drawings by several vendors, rendered once: the material that emu-mini's pictures are composed of.
// They come from npm's @iconify-json packages, fetched by the user's own npm into a cache folder.
import {spawnSync} from 'node:child_process';
import {existsSync, mkdirSync, readFileSync} from 'node:fs';
import path from 'node:path';
import sharp from 'sharp';
import {EmuError, InputError} from '../../errors.js';
import {cacheFolder} from '../../userFolders.js';

/** One concept of recipes/*.json: its name and the icon that draws it in each vendor's set. */
export interface Concept {
  readonly hex: string;
  readonly label: string;
  readonly icons: Readonly<Record<string, string>>;
  /** What kind of thing it is, where that is beyond doubt. */
  readonly category?: Category;
}

export type Category = 'animal' | 'plant' | 'food' | 'vehicle' | 'building';

/** A tightly cropped drawing on transparent ground, `size` pixels square, RGBA, not premultiplied. */
export interface Drawing {
  readonly concept: number;
  readonly vendor: string;
  readonly size: number;
  readonly rgba: Uint8Array;
}

/** The packages' versions that the reported scores were made with. */
const versions: Readonly<Record<string, string>> = {
  noto: '1.2.9',
  'noto-v1': '1.2.5',
  twemoji: '1.2.5',
  'fluent-emoji-flat': '1.2.6',
  emojione: '1.2.3',
  fxemoji: '1.2.2',
  openmoji: '1.2.29',
  'emojione-v1': '1.2.3',
  'streamline-emojis': '1.2.4',
};

interface IconSet {
  readonly width?: number;
  readonly height?: number;
  readonly left?: number;
  readonly top?: number;
  readonly icons: Readonly<Record<string, Icon>>;
}

interface Icon {
  readonly body: string;
  readonly width?: number;
  readonly height?: number;
  readonly left?: number;
  readonly top?: number;
}

export const artFolder = () => path.join(cacheFolder(), 'art');

/** Installs the vendors' packages that the folder lacks; says so through `onProgress`. */
export function fetchArt(
  vendors: readonly string[],
  onProgress: (line: string) => void,
  folder = artFolder(),
): void {
  const missing = vendors.filter((vendor) => !existsSync(iconsFile(vendor, folder)));
  fetchPackages(missing.map(artPackage), onProgress, folder);
}

/** npm's name and version of a vendor's drawings. */
export function artPackage(vendor: string): string {
  const version = versions[vendor];
  if (version) return `@iconify-json/${vendor}@${version}`;
  throw new EmuError(
    `${vendor} is no known set of drawings; known: ${Object.keys(versions).join(', ')}`,
    {code: 'unknown_art', reason: 'usage'},
  );
}

/** Has npm install packages (`name@version`) under a folder's node_modules. */
export function fetchPackages(
  specs: readonly string[],
  onProgress: (line: string) => void,
  folder: string,
): void {
  if (specs.length === 0) return;
  onProgress(`fetching ${specs.join(' ')} from npm into ${folder}`);
  mkdirSync(folder, {recursive: true});
  const args = ['install', '--prefix', folder, '--ignore-scripts', '--no-audit', '--no-fund'];
  const npm = spawnSync('npm', [...args, ...specs], {encoding: 'utf8'});
  if (npm.status !== 0)
    throw new EmuError(
      `npm could not fetch ${specs.join(' ')}: ${npm.error?.message ?? npm.stderr.trim().split('\n')[0]}; is npm installed and its registry reachable?`,
      {code: 'fetch_failed'},
    );
}

export function iconsFile(vendor: string, folder = artFolder()): string {
  return path.join(folder, 'node_modules/@iconify-json', vendor, 'icons.json');
}

/** The sets that were read last: one drawing after the other is asked for, and a set has megabytes. */
const lastRead = new Map<string, IconSet>();
const MOST_READ = 2;

function iconSet(vendor: string, folder: string): IconSet {
  const file = iconsFile(vendor, folder);
  const known = lastRead.get(file);
  if (known) return known;
  try {
    const set = JSON.parse(readFileSync(file, 'utf8')) as IconSet;
    lastRead.set(file, set);
    for (const other of [...lastRead.keys()].slice(0, -MOST_READ)) lastRead.delete(other);
    return set;
  } catch (error) {
    // As an interrupted npm leaves it.
    throw new InputError(
      file,
      `is no set of drawings (${(error as Error).message.split('\n')[0]})`,
      `delete ${path.dirname(file)} to have it fetched again`,
    );
  }
}

/** A vendor's drawing as SVG text; `pixels` is the size it asks to be rendered at. */
function svg(set: IconSet, name: string, pixels: number): string {
  const icon = set.icons[name];
  if (!icon) throw new Error(`emoji: no icon named ${name}`);
  const width = icon.width ?? set.width ?? 16;
  const height = icon.height ?? set.height ?? 16;
  const box = [icon.left ?? set.left ?? 0, icon.top ?? set.top ?? 0, width, height].join(' ');
  const namespaces =
    'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"';
  return `<svg ${namespaces} width="${pixels}" height="${pixels}" viewBox="${box}">${icon.body}</svg>`;
}

/** Every vendor's drawing of every concept that has one, cropped to what is drawn, `size` pixels square. */
export async function renderArt(
  concepts: readonly Concept[],
  vendors: readonly string[],
  size: number,
  folder = artFolder(),
): Promise<Drawing[]> {
  const drawings: Drawing[] = [];
  for (const vendor of vendors) {
    const set = iconSet(vendor, folder);
    for (const [concept, {icons}] of concepts.entries()) {
      const name = icons[vendor];
      if (name === undefined) continue;
      const picture = await sharp(Buffer.from(svg(set, name, 2 * size)))
        .trim({background: {r: 0, g: 0, b: 0, alpha: 0}, threshold: 1})
        .resize(size, size, {fit: 'contain', background: {r: 0, g: 0, b: 0, alpha: 0}})
        .ensureAlpha()
        .raw()
        .toBuffer();
      drawings.push({concept, vendor, size, rgba: new Uint8Array(picture)});
    }
  }
  return drawings;
}

const rendered = new Map<string, Promise<Drawing[][]>>();

/**
 * Every concept's drawings by these vendors, rendered once in a process however many sources want them.
 * Fetches the vendors' packages that are missing.
 */
export function loadDrawings(
  concepts: readonly Concept[],
  vendors: readonly string[],
  size: number,
  onProgress: (line: string) => void,
  folder = artFolder(),
): Promise<Drawing[][]> {
  const key = JSON.stringify([concepts, vendors, size, folder]);
  const drawings = rendered.get(key) ?? renderDrawings(concepts, vendors, size, onProgress, folder);
  rendered.set(key, drawings);
  return drawings;
}

async function renderDrawings(
  concepts: readonly Concept[],
  vendors: readonly string[],
  size: number,
  onProgress: (line: string) => void,
  folder: string,
): Promise<Drawing[][]> {
  fetchArt(vendors, onProgress, folder);
  const art = await renderArt(concepts, vendors, size, folder);
  const drawings = concepts.map((): Drawing[] => []);
  for (const drawing of art) drawings[drawing.concept]!.push(drawing);
  const undrawn = concepts.find((_, i) => drawings[i]!.length === 0);
  if (undrawn)
    throw new EmuError(
      `there is no drawing of ${undrawn.label} by ${vendors.join(', ')}; name another vendor or leave the concept out`,
      {code: 'unknown_art', reason: 'usage'},
    );
  return drawings;
}

/** A vendor's drawing as it comes, on white: what the model is scored on. */
export async function renderOnWhite(
  concept: Concept,
  vendor: string,
  size: number,
  folder = artFolder(),
): Promise<Uint8Array> {
  const text = svg(iconSet(vendor, folder), concept.icons[vendor]!, size);
  return new Uint8Array(
    await sharp(Buffer.from(text)).flatten({background: '#fff'}).png().toBuffer(),
  );
}
