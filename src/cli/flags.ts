import {Flags} from '@oclif/core';
import type {LoadOptions, TextOptions} from '../emu.js';
import {schedulerNames} from '../model/diffusion/schedulers/names.js';
import {UsageError} from './errors.js';

/** A number within [min, max]; `above` excludes its end. */
const number = Flags.custom<number, {min?: number; above?: number; max?: number}>({
  async parse(input, _context, {name, min, above, max}) {
    const value = Number(input);
    const isInside =
      (min === undefined || value >= min) &&
      (above === undefined || value > above) &&
      (max === undefined || value <= max);
    if (input.trim() !== '' && Number.isFinite(value) && isInside) return value;
    const bounds = [
      ...(min === undefined ? [] : [`at least ${min}`]),
      ...(above === undefined ? [] : [`above ${above}`]),
      ...(max === undefined ? [] : [`at most ${max}`]),
    ];
    const wanted = ['a number', ...bounds].join(' ');
    throw new UsageError(`--${name}: expected ${wanted}, got ${input || 'nothing'}`);
  },
});

/** Which model, and on what it runs. */
export const modelFlags = {
  model: Flags.string({
    char: 'm',
    description: 'name of `emu models`, folder or checkpoint file (default: emu-mini)',
    env: 'EMU_MODEL',
    helpValue: 'NAME|PATH',
    helpGroup: 'MODEL',
  }),
  config: Flags.string({
    description: 'folder of configuration files, for a checkpoint of other sizes than Emu-14B',
    helpValue: 'DIR',
    helpGroup: 'MODEL',
  }),
  backend: Flags.option({
    description:
      'what computes; auto takes the fastest that loads. EMU_GPU_MEMORY: gigabytes of a GPU that a model may fill (default: what is free)',
    options: ['auto', 'native', 'tensorflow', 'reference'] as const,
    default: 'auto' as const,
    env: 'EMU_BACKEND',
    helpGroup: 'MODEL',
  })(),
  threads: Flags.integer({
    description: 'threads that compute (default, or 0: as many as cores this process may use)',
    min: 0,
    max: 1024,
    env: 'EMU_THREADS',
    helpGroup: 'MODEL',
  }),
  compute: Flags.option({
    description: 'what matrix products are rounded to; sums and all else are f32',
    options: ['f32', 'bf16'] as const,
    default: 'f32' as const,
    env: 'EMU_COMPUTE',
    helpGroup: 'MODEL',
  })(),
};

/** How pictures are read. */
export const pictureFlags = {
  exif: Flags.boolean({
    description: "turn pictures as their EXIF data says (the official code doesn't)",
    default: true,
    allowNo: true,
    helpGroup: 'PICTURES',
  }),
  'max-megapixels': number({
    description: 'refuse larger pictures',
    above: 0,
    default: 100,
    helpGroup: 'PICTURES',
  }),
  'max-download': number({
    description: 'megabytes that a picture from the net may have',
    above: 0,
    default: 20,
    helpGroup: 'PICTURES',
  }),
  timeout: number({
    description: 'seconds that a picture from the net may take',
    above: 0,
    default: 30,
    helpGroup: 'PICTURES',
  }),
};

export const frameFlags = {
  frames: Flags.integer({
    description: 'frames looked at, evenly spread over the video',
    default: 8,
    min: 1,
    max: 256,
    helpGroup: 'PICTURES',
  }),
};

/** How the answer is asked for and searched. */
export const textFlags = {
  beams: Flags.integer({
    description: 'answers followed at once (default: 5)',
    min: 1,
    max: 64,
    helpGroup: 'ANSWER',
  }),
  greedy: Flags.boolean({
    description: 'always take the likeliest token (one beam)',
    exclusive: ['sample', 'beams'],
    helpGroup: 'ANSWER',
  }),
  sample: Flags.boolean({
    description: 'draw tokens at random (one beam)',
    exclusive: ['greedy', 'beams'],
    helpGroup: 'ANSWER',
  }),
  temperature: number({
    description: 'above 1 flattens, below 1 sharpens what is drawn from',
    above: 0,
    dependsOn: ['sample'],
    helpGroup: 'ANSWER',
  }),
  'top-p': number({
    description: 'draw from the likeliest tokens that make up this share',
    above: 0,
    max: 1,
    dependsOn: ['sample'],
    helpGroup: 'ANSWER',
  }),
  'top-k': Flags.integer({
    description: 'draw from this many tokens (0: all; default: 50)',
    min: 0,
    dependsOn: ['sample'],
    helpGroup: 'ANSWER',
  }),
  seed: Flags.integer({
    description: 'start of the random numbers: the same seed, the same answer (default: 0)',
    min: 0,
    helpGroup: 'ANSWER',
  }),
  'num-captions': Flags.integer({
    description: 'how many answers to print, best first',
    default: 1,
    min: 1,
    helpGroup: 'ANSWER',
  }),
  'max-tokens': Flags.integer({description: 'longest answer', min: 1, helpGroup: 'ANSWER'}),
  'min-tokens': Flags.integer({description: 'shortest answer', min: 0, helpGroup: 'ANSWER'}),
  'length-penalty': number({
    description: 'above 0 favours long answers, below 0 short ones (beams only)',
    helpGroup: 'ANSWER',
  }),
  'repetition-penalty': number({
    description: 'above 1 makes repeated tokens less likely',
    above: 0,
    helpGroup: 'ANSWER',
  }),
  'no-repeat-ngram': Flags.integer({
    description: 'no run of this many tokens comes twice (0: may)',
    min: 0,
    helpGroup: 'ANSWER',
  }),
  prompt: Flags.string({description: 'instead of the official instruction', helpGroup: 'ANSWER'}),
  system: Flags.string({description: 'instead of the official system text', helpGroup: 'ANSWER'}),
  raw: Flags.boolean({
    description: "the text is the whole prompt; [image] marks the pictures' places",
    helpGroup: 'ANSWER',
  }),
};

const size = Flags.custom<{width: number; height: number}>({
  async parse(input) {
    const match = /^(\d+)[x×](\d+)$/i.exec(input.trim());
    if (!match) throw new UsageError(`--size: expected WIDTHxHEIGHT in pixels, got ${input}`);
    return {width: Number(match[1]), height: Number(match[2])};
  },
});

/** How a picture is drawn. */
export const drawFlags = {
  output: Flags.string({
    char: 'o',
    description: 'PNG file to write; several pictures are numbered: out-1.png, out-2.png',
    default: 'out.png',
    helpValue: 'FILE',
    helpGroup: 'DRAWING',
  }),
  steps: Flags.integer({
    description: 'steps from noise to picture',
    default: 50,
    min: 1,
    helpGroup: 'DRAWING',
  }),
  guidance: number({
    description:
      'how closely the prompt is followed; 1: not led at all (default: 10 for texts with pictures, else 7.5)',
    min: 0,
    helpGroup: 'DRAWING',
  }),
  scheduler: Flags.option({
    description: 'how the steps are made',
    options: schedulerNames,
    default: 'pndm' as const,
    helpGroup: 'DRAWING',
  })(),
  size: size({
    description: 'pixels, in multiples of 8 (default: as the model was trained, 512x512 for Emu)',
    helpValue: 'WxH',
    helpGroup: 'DRAWING',
  }),
  count: Flags.integer({
    char: 'n',
    description: 'pictures to draw, each with the next seed',
    default: 1,
    min: 1,
    max: 1000,
    helpGroup: 'DRAWING',
  }),
  latents: Flags.string({
    description: 'start from the tensor `latents` or `initial_latents` of a safetensors file',
    helpValue: 'FILE',
    helpGroup: 'DRAWING',
  }),
  init: Flags.string({
    description: 'draw over this picture',
    helpValue: 'FILE',
    helpGroup: 'DRAWING',
  }),
  strength: number({
    description: 'how much of the --init picture is drawn anew (default: 0.8)',
    above: 0,
    max: 1,
    dependsOn: ['init'],
    helpGroup: 'DRAWING',
  }),
  safety: Flags.boolean({
    description: 'withhold pictures that the safety checker flags',
    default: true,
    allowNo: true,
    helpGroup: 'DRAWING',
  }),
  preview: Flags.boolean({
    description: 'show the picture forming',
    helpGroup: 'DRAWING',
  }),
};

type Values<F> = {
  readonly [K in keyof F]?: F[K] extends {parse: (...args: never[]) => Promise<infer V>}
    ? V | undefined
    : never;
};

/** The flags that were given, without the absent ones (exactOptionalPropertyTypes). */
export function present<T extends object>(values: T): {[K in keyof T]?: Exclude<T[K], undefined>} {
  return Object.fromEntries(
    Object.entries(values).filter(([, value]) => value !== undefined),
  ) as never;
}

export type ModelFlagValues = Values<typeof modelFlags>;
export type TextFlagValues = Values<typeof textFlags>;
export type DrawFlagValues = Values<typeof drawFlags>;
export type PictureFlagValues = Values<typeof pictureFlags>;

export function loadOptions(flags: ModelFlagValues): LoadOptions {
  const {config, backend, threads, compute} = flags;
  return present({config, backend, threads, compute});
}

/** The library's options; a raw prompt keeps its task's lengths. */
export function textOptions(
  flags: TextFlagValues,
  task: 'caption' | 'vqa' | 'video-qa' | 'incontext',
): TextOptions {
  const isOneBeam = flags.greedy || flags.sample;
  const numBeams = isOneBeam ? 1 : (flags.beams ?? 5);
  const numCaptions = flags['num-captions'] ?? 1;
  if (!flags.sample && numCaptions > numBeams)
    throw new UsageError(
      `--num-captions ${numCaptions}: expected at most the number of beams (${numBeams}); raise --beams or use --sample`,
    );
  const maxTokens = flags['max-tokens'] ?? (task === 'caption' ? 512 : 128);
  const minTokens = flags['min-tokens'];
  if (minTokens !== undefined && minTokens > maxTokens)
    throw new UsageError(`--min-tokens ${minTokens}: expected at most --max-tokens (${maxTokens})`);
  const options = {
    numBeams,
    numCaptions,
    maxTokens,
    minTokens,
    lengthPenalty: flags['length-penalty'] ?? (task === 'video-qa' ? 1 : 0),
    repetitionPenalty: flags['repetition-penalty'],
    noRepeatNgram: flags['no-repeat-ngram'],
    sample: flags.sample,
    temperature: flags.temperature,
    topP: flags['top-p'],
    topK: flags['top-k'],
    seed: flags.seed,
    system: flags.system,
    prompt: flags.prompt,
  };
  return {task: flags.raw ? 'raw' : task, ...present(options)};
}
