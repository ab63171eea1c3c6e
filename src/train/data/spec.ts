// The `data` part of a recipe: which sources, how they are mixed, how batches are made of them. Files and
// folders are relative to the recipe.
import path from 'node:path';
import {z} from 'zod';
import {emojiFields, sceneFields} from '../emoji/spec.js';

const share = z.number().min(0).max(1);
const positive = z.number().int().positive();
/** Frames of one video. */
const frames = positive.max(1024).default(8);
/** A name, a folder, `shard-{000..012}.tar`, `*.tar`, or a list of such. */
const files = z.union([z.string(), z.array(z.string()).min(1)]);
/** Pictures before or after their text: drawn anew each time as in the paper, or always the same. */
const order = z.enum(['random', 'pictureFirst', 'textFirst']).default('random');
/** Stands before the first turn instead of the record's own words or Emu's. */
const system = z.string().optional();

const common = {
  /** How often samples (or steps, with `mix: perStep`) come from this source, relative to the others. */
  weight: z.number().positive().default(1),
  /** Rows of a step of this source; only with `mix: perStep`. Default: the run's batch. */
  batch: positive.optional(),
};

const documents = {
  ...common,
  /** .jsonl files. */
  files,
  /** Folder of the pictures. */
  images: z.string(),
  /** Pictures of a document; later ones are left out. The paper takes 5. */
  maxImages: positive.default(5),
  /** A document ends after so many tokens. */
  maxTokens: positive.default(1024),
  /** Share of reads that begin at a random picture of the document instead of its start. */
  subsequences: share.default(0),
  /** Tokens of such a sub-sequence. */
  subsequenceTokens: positive.default(512),
};

const conversations = {
  ...common,
  /** .json or .jsonl files. */
  files,
  system,
};

const source = z.discriminatedUnion('kind', [
  /** Tar shards: 0001.jpg with 0001.txt or 0001.json. */
  z.strictObject({
    kind: z.literal('webdataset'),
    ...common,
    shards: files,
    /** Field of the .json. Default: the .txt, else `caption` or `text` of the .json. */
    captionField: z.string().optional(),
    order,
  }),
  /** Pictures in a folder with a table of captions, or each with a .txt of its name. */
  z.strictObject({
    kind: z.literal('pairs'),
    ...common,
    folder: z.string(),
    /** .jsonl, .json, .csv, .tsv. Default: the folder's metadata.jsonl or metadata.csv, if there is one. */
    table: z.string().optional(),
    imageField: z.string().optional(),
    captionField: z.string().optional(),
    order,
  }),
  /** MMC4: sentences, and pictures matched to them. */
  z.strictObject({
    kind: z.literal('mmc4'),
    ...documents,
    /** Pictures less similar to their sentence are left out (CLIP's cosine). */
    minSimilarity: z.number().min(-1).max(1).default(0.32),
  }),
  /** OBELICS: pictures and texts in parallel lists, the pictures as files. */
  z.strictObject({kind: z.literal('obelics'), ...documents}),
  /** Clips with captions, listed as WebVid does. */
  z.strictObject({
    kind: z.literal('video'),
    ...common,
    table: z.string(),
    /** Folder of the clips. */
    clips: z.string(),
    videoField: z.string().optional(),
    captionField: z.string().optional(),
    frames,
    order,
  }),
  /** A folder a video: pictures named by their second, and subtitles. */
  z.strictObject({
    kind: z.literal('storyboard'),
    ...common,
    folder: z.string(),
    frames,
    /** Distance of pictures whose names do not tell their time. */
    secondsPerFrame: z.number().positive().optional(),
  }),
  /** Conversations about a picture or video. */
  z.strictObject({
    kind: z.literal('llava'),
    ...conversations,
    images: z.string(),
    /** Folder of the videos. Default: that of the pictures. */
    videos: z.string().optional(),
    frames,
  }),
  z.strictObject({kind: z.literal('sharegpt'), ...conversations}),
  z.strictObject({kind: z.literal('alpaca'), ...conversations}),
  /** A module of the user's that exports `openDataset(options, context)`: samples composed on the fly. */
  z.strictObject({
    kind: z.literal('plugin'),
    ...common,
    module: z.string(),
    options: z.record(z.string(), z.unknown()).default({}),
  }),
  /** emu-mini's: single drawings composed on the fly, and what is said of them. */
  z.strictObject({kind: z.literal('emoji'), ...common, ...emojiFields}),
  /** emu-mini's: scenes of drawings, and conversations about them. */
  z.strictObject({kind: z.literal('scenes'), ...common, ...sceneFields}),
]);

export const sourceSpec = source;

/** How batches are made of the sources. */
export const batchFields = {
  /** `perSample`: every row of a batch from any source. `perStep`: all rows of a step from one. */
  mix: z.enum(['perSample', 'perStep']).default('perSample'),
  /** Up to so many samples share a row of the context's length; 1: one sample a row. */
  pack: positive.max(256).default(1),
  /** The run stops when a larger share of samples cannot be read. */
  maxBadShare: share.default(0.05),
  /** Steps whose batches are made ahead. */
  ahead: positive.max(64).default(3),
  /** Threads that make them, one step each. */
  workers: positive.max(64).default(1),
};

export const dataSpec = z
  .strictObject({sources: z.array(source).min(1), ...batchFields})
  .refine(({mix, sources}) => mix === 'perStep' || sources.every(({batch}) => !batch), {
    message: 'a source has a batch of its own only with mix: perStep',
  });

export type DataSpec = z.infer<typeof dataSpec>;
export type SourceSpec = z.infer<typeof source>;

const pathFields = [
  'shards',
  'folder',
  'table',
  'files',
  'images',
  'clips',
  'videos',
  'module',
  'concepts',
];

/** The same with every file and folder named in full, as seen from `folder`. */
export function withFullPaths(data: DataSpec, folder: string): DataSpec {
  const full = (value: unknown) =>
    Array.isArray(value)
      ? value.map((name: string) => path.resolve(folder, name))
      : path.resolve(folder, value as string);
  const sources = data.sources.map((spec) => {
    const named = Object.entries(spec).filter(([key]) => pathFields.includes(key));
    return {...spec, ...Object.fromEntries(named.map(([key, value]) => [key, full(value)]))};
  });
  return {...data, sources: sources as SourceSpec[]};
}
