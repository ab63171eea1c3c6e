// What a drawing's PNG says about how it was made: all that is needed to draw it again, and a line that other
// programs read.
import {createHash} from 'node:crypto';
import {readFileSync} from 'node:fs';
import {z} from 'zod';
import type {Picture} from '../data/picture.js';
import {type PngTexts, readPngTexts} from '../data/png.js';
import type {Item} from '../emu.js';
import {InputError} from '../errors.js';
import {schedulerNames} from '../model/diffusion/schedulers/names.js';

/** Keywords of a PNG's texts: ours, and the one that AUTOMATIC1111's web UI began. */
const OWN_KEYWORD = 'emu';
const COMMON_KEYWORD = 'parameters';

const hash = z.string().regex(/^[0-9a-f]{64}$/);
const source = z.object({source: z.string(), sha256: hash});

const recordSchema = z.object({
  version: z.string(),
  model: z.string(),
  config: z.string().optional(),
  items: z.array(
    z.union([
      z.object({text: z.string()}),
      source.extend({kind: z.literal('image')}),
      source.extend({kind: z.literal('video'), frames: z.int().min(1)}),
    ]),
  ),
  scheduler: z.enum(schedulerNames),
  steps: z.int().min(1),
  guidance: z.number(),
  width: z.int().min(1),
  height: z.int().min(1),
  seed: z.int().min(0),
  latents: source.optional(),
  init: source.extend({strength: z.number()}).optional(),
  exif: z.boolean(),
  backend: z.string(),
  isa: z.string(),
  compute: z.enum(['f32', 'bf16']),
});

export type DrawingRecord = z.infer<typeof recordSchema>;
export type RecordedItem = DrawingRecord['items'][number];

const commonNames: Record<DrawingRecord['scheduler'], string> = {
  pndm: 'PLMS',
  ddim: 'DDIM',
  euler: 'Euler',
  'dpm++2m': 'DPM++ 2M',
};

/** The prompt in words, pictures by their names. */
export function promptText(items: readonly RecordedItem[]): string {
  return items.map((item) => ('text' in item ? item.text : `[${item.source}]`)).join('');
}

export function formatRecord(record: DrawingRecord): PngTexts {
  const {scheduler, steps, guidance, seed, width, height, model, version, items, init} = record;
  const facts = [
    `Steps: ${steps}`,
    `Sampler: ${commonNames[scheduler]}`,
    `CFG scale: ${guidance}`,
    `Seed: ${seed}`,
    `Size: ${width}x${height}`,
    `Model: ${model}`,
    ...(init ? [`Denoising strength: ${init.strength}`] : []),
    `Version: emu ${version}`,
  ];
  return {
    [COMMON_KEYWORD]: `${promptText(items)}\n${facts.join(', ')}`,
    [OWN_KEYWORD]: JSON.stringify(record),
  };
}

export interface DrawingFile {
  readonly bytes: Buffer;
  /** Undefined for a picture that another program has made. */
  readonly record: DrawingRecord | undefined;
  readonly parameters: string | undefined;
}

/** Reads a drawing's record. Throws InputError for what is no PNG or says nothing about how it was made. */
export function readDrawing(file: string): DrawingFile {
  const bytes = readFileSync(file);
  const texts = readPngTexts(bytes);
  if (!texts) throw new InputError(file, 'is not a PNG file', 'name one that emu drew');
  const {[OWN_KEYWORD]: own, [COMMON_KEYWORD]: parameters} = texts;
  if (own === undefined) {
    if (parameters !== undefined) return {bytes, record: undefined, parameters};
    throw new InputError(file, 'does not say how it was made', 'name one that emu drew');
  }
  const parsed = recordSchema.safeParse(jsonOr(own));
  if (parsed.success) return {bytes, record: parsed.data, parameters};
  const [issue] = parsed.error.issues;
  throw new InputError(file, `its record is damaged (${issue!.path.join('.')}: ${issue!.message})`);
}

function jsonOr(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Of pictures as they were seen, whatever file they came from. */
export function hashPictures(pictures: readonly Picture[]): string {
  const digest = createHash('sha256');
  for (const {width, height, data} of pictures) digest.update(`${width}x${height}:`).update(data);
  return digest.digest('hex');
}

export function hashNumbers(values: Float32Array): string {
  const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  return createHash('sha256').update(bytes).digest('hex');
}

export function recordItem(item: Item, source: string): RecordedItem {
  if (item.type === 'text') return {text: item.text};
  const name = source.startsWith('data:') ? 'data:' : source;
  if (item.type === 'image') {
    const sha256 = hashPictures([item.picture]);
    return {kind: 'image', source: name, sha256};
  }
  const sha256 = hashPictures(item.frames);
  return {kind: 'video', source: name, sha256, frames: item.frames.length};
}

/** Throws InputError when a drawing's source is not what it was. */
export function checkSame(what: {source: string; sha256: string}, sha256: string): void {
  if (sha256 === what.sha256) return;
  throw new InputError(
    what.source,
    'is not the file that the drawing was made from',
    'put that one in its place',
  );
}
