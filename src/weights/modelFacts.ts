// What a model is, told from its files' headers: nothing of it is read.
import {existsSync, readFileSync, statSync} from 'node:fs';
import path from 'node:path';
import {fileURLToPath} from 'node:url';
import {parse as parseYaml} from 'yaml';
import {EmuError} from '../errors.js';
import {cachedFiles} from './cachedFiles.js';
import type {Checkpoint} from './checkpoint.js';
import type {Mode} from './config.js';
import {readJson} from './jsonFile.js';
import {openModel} from './openModel.js';
import {printable} from './printable.js';
import {countElements, encodingBytes, type StoredEncoding} from './storedTensor.js';

/** What a model can do: text from pictures, answers to questions and chat, pictures from anything. */
export type Ability = 'text' | 'chat' | 'draw';

export interface ModelFacts {
  /** Bytes of its files. */
  readonly bytes: number;
  /** Of most of its numbers. */
  readonly encoding?: StoredEncoding;
  readonly parameters?: number;
  readonly modes?: readonly Mode[];
  readonly abilities?: readonly Ability[];
  /** As its card (README.md) states it. */
  readonly licence?: string;
  /** Why it cannot be opened. */
  readonly problem?: string;
}

/** Looks at the model in a folder or file. What is wrong with it is a fact too. */
export function modelFacts(place: string): ModelFacts {
  const bytes = bytesOf(place);
  const licence = licenceOf(place);
  const known = {bytes, ...(licence === undefined ? {} : {licence})};
  try {
    const {location, checkpoint, tuning} = openModel(place);
    const opened = [checkpoint, ...(tuning ? [tuning.checkpoint] : [])];
    try {
      const modes: Mode[] = [...new Set([location.mode, ...(tuning ? ['instruct' as const] : [])])];
      const abilities: Ability[] = [
        'text',
        ...(modes.includes('instruct') ? ['chat' as const] : []),
        ...(location.decoderFolder === undefined ? [] : ['draw' as const]),
      ];
      const {encoding, parameters} = numbersOf(opened);
      return {...known, ...(encoding ? {encoding} : {}), parameters, modes, abilities};
    } finally {
      for (const file of opened) file.close();
    }
  } catch (error) {
    if (!(error instanceof EmuError)) throw error;
    return {...known, problem: error.message};
  }
}

/** How many numbers these files hold, and in what most of their bytes are stored. */
export function numbersOf(checkpoints: readonly Pick<Checkpoint, 'tensors'>[]): {
  encoding: StoredEncoding | undefined;
  parameters: number;
} {
  const bytes = new Map<StoredEncoding, number>();
  let parameters = 0;
  for (const {tensors} of checkpoints)
    for (const {shape, encoding} of tensors.values()) {
      const count = countElements(shape)!;
      parameters += count;
      bytes.set(encoding, (bytes.get(encoding) ?? 0) + count * encodingBytes[encoding]);
    }
  const [most] = [...bytes].sort(([, a], [, b]) => b - a);
  return {encoding: most?.[0], parameters};
}

function bytesOf(place: string): number {
  if (!statSync(place).isDirectory()) return statSync(place).size;
  return cachedFiles(place).reduce((sum, {size}) => sum + size, 0);
}

const packageRoot = fileURLToPath(new URL('../..', import.meta.url));

/**
 * The licence in the card of a model: beside it, or in the folder above where it is one of a release's two. That
 * of the packaged model is the package's.
 */
export function licenceOf(place: string): string | undefined {
  const models = path.join(packageRoot, 'models') + path.sep;
  if (!path.resolve(place).startsWith(models)) return cardLicence(place);
  const {license} = readJson(path.join(packageRoot, 'package.json')) as {license: string};
  return license;
}

function cardLicence(place: string): string | undefined {
  const folder = statSync(place).isDirectory() ? place : path.dirname(place);
  const folders = path.basename(folder) === 'pretrain' ? [folder, path.dirname(folder)] : [folder];
  const card = folders.map((each) => path.join(each, 'README.md')).find((file) => existsSync(file));
  if (card === undefined) return undefined;
  const head = /^---\r?\n([\s\S]*?)\r?\n---/.exec(readFileSync(card, 'utf8').slice(0, 65_536));
  if (!head) return undefined;
  try {
    const {license, license_name: name} = parseYaml(head[1]!) as Record<string, unknown>;
    const stated = license === 'other' && typeof name === 'string' ? name : license;
    return typeof stated === 'string' ? printable(stated) : undefined;
  } catch {
    return undefined; // not ours to mend
  }
}
