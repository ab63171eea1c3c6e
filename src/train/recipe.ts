// A training recipe: one YAML file, checked by a schema; `emu train` keeps it in the run's folder.
import {readFileSync} from 'node:fs';
import path from 'node:path';
import {parse} from 'yaml';
import {z} from 'zod';
import {EmuError, InputError} from '../errors.js';
import {closest} from '../text/closest.js';

const share = z.number().min(0).max(1);
const positive = z.number().int().positive();

const stem = z.strictObject({
  channels: z.array(positive).min(1),
  blocks: z.array(z.number().int().min(0)),
  batchNormEps: z.number().positive().default(1e-5),
});

const model = z.strictObject({
  vision: z.strictObject({
    imageSize: positive,
    patchSize: positive,
    layers: positive,
    width: positive,
    headWidth: positive,
    mlpRatio: z.number().positive().default(4),
    layerNormEps: z.number().positive().default(1e-6),
    stem: stem.optional(),
  }),
  causalFormer: z.strictObject({
    numTokens: positive,
    layers: positive,
    hiddenSize: positive,
    numHeads: positive,
    headDim: positive,
    intermediateSize: positive,
    relativeBuckets: positive.default(32),
    relativeMaxDistance: positive.default(128),
    rmsNormEps: z.number().positive().default(1e-6),
  }),
  llama: z.strictObject({
    hiddenSize: positive,
    layers: positive,
    numHeads: positive,
    intermediateSize: positive,
    rmsNormEps: z.number().positive().default(1e-6),
    ropeBase: z.number().positive().default(10000),
    contextLength: positive.default(256),
  }),
});

const augmentation = z.strictObject({
  plain: share,
  rotation: z.number().min(0),
  scale: z.tuple([z.number().positive(), z.number().positive()]),
  aspect: share,
  flip: share,
  recolour: share,
  grey: share,
  outline: share,
  ground: share,
  noise: z.number().min(0),
});

const phase = z.strictObject({
  name: z.string(),
  /** `classify`: name the picture by its pooled states; `documents`: the paper's objective. */
  objective: z.enum(['classify', 'documents']),
  steps: positive,
  batch: positive,
  /** Peak learning rate of each tower; a tower without one is frozen. */
  learningRates: z.partialRecord(
    z.enum(['vision', 'causalFormer', 'llama']),
    z.number().positive(),
  ),
  warmupSteps: z.number().int().min(0).default(0),
  /** The cosine ends at this share of the peak. */
  finalShare: share.default(0),
  /** Which augmentation for which share of the steps, in order. */
  curriculum: z.array(z.strictObject({share, use: z.string()})).min(1),
  /** Weight of the regression of visual embeddings beside the cross-entropy's 1. */
  regressionWeight: z.number().min(0).default(1),
  labelSmoothing: share.default(0),
});

const recipe = z.strictObject({
  seed: z.number().int(),
  model,
  data: z.strictObject({
    /** File beside the recipe: a list of {hex, label, icons}. */
    concepts: z.string(),
    vendors: z.array(z.string()).min(1),
    artSize: positive.default(64),
    /** How often each kind of document is drawn. */
    documents: z
      .strictObject({
        caption: z.number().min(0).default(1),
        question: z.number().min(0).default(0),
        draw: z.number().min(0).default(0),
        interleaved: z.number().min(0).default(0),
      })
      .prefault({}),
  }),
  augmentations: z.record(z.string(), augmentation),
  phases: z.array(phase).min(1),
  // The paper's AdamW; the clipping is not known of Emu, 1 is the field's habit.
  optimizer: z
    .strictObject({
      beta1: share.default(0.9),
      beta2: share.default(0.98),
      eps: z.number().positive().default(1e-6),
      weightDecay: z.number().min(0).default(0.05),
      clipNorm: z.number().positive().default(1),
    })
    .prefault({}),
  logEvery: positive.default(20),
  checkpointMinutes: z.number().positive().default(5),
});

export type Recipe = z.infer<typeof recipe>;
export type Phase = Recipe['phases'][number];

/** One line for the first thing that is wrong, naming the nearest key where one is unknown. */
function explain(file: string, error: z.ZodError): InputError {
  // An unknown key explains a missing one: it is told first.
  const unknown = error.issues.find(({code}) => code === 'unrecognized_keys');
  const issue = unknown ?? error.issues[0]!;
  const where = issue.path.join('.') || 'the recipe';
  if (issue.code === 'unrecognized_keys') {
    const key = issue.keys[0]!;
    const known = knownKeys(issue.path);
    const close = closest(key, known);
    const hint = close ? `did you mean ${close}?` : `known keys: ${known.join(', ')}`;
    return new InputError(file, `${where} has an unknown key ${key}`, hint);
  }
  return new InputError(file, `${where}: ${issue.message}`);
}

/** A schema without its defaults around it. */
function plain(schema: unknown): unknown {
  while (
    schema instanceof z.ZodDefault ||
    schema instanceof z.ZodPrefault ||
    schema instanceof z.ZodOptional
  )
    schema = schema.unwrap();
  return schema;
}

/** The keys that the schema knows at a path. */
function knownKeys(where: readonly PropertyKey[]): string[] {
  let schema: unknown = recipe;
  for (const key of where) {
    schema = plain(schema);
    if (schema instanceof z.ZodArray) schema = schema.element;
    else if (schema instanceof z.ZodRecord) schema = schema.valueType;
    else if (schema instanceof z.ZodObject) schema = schema.shape[String(key)];
  }
  const last = plain(schema);
  return last instanceof z.ZodObject ? Object.keys(last.shape) : [];
}

/** Sets `phases.0.steps=100` and the like in a parsed YAML tree. */
function setValue(tree: unknown, assignment: string): void {
  const at = assignment.indexOf('=');
  if (at < 1)
    throw new EmuError(`--set ${assignment}: expected key=value, as in phases.0.steps=100`, {
      code: 'bad_set',
      reason: 'usage',
    });
  const keys = assignment.slice(0, at).split('.');
  const last = keys.pop()!;
  if ([...keys, last].includes('__proto__'))
    throw new EmuError(`--set ${assignment}: no such key`, {code: 'bad_set', reason: 'usage'});
  let node = tree as Record<string, unknown>;
  for (const key of keys) {
    // What the recipe leaves out has defaults; a list grows in the file only.
    if (!Array.isArray(node) && !Object.hasOwn(node, key)) node[key] = {};
    const next = node[key];
    if (typeof next !== 'object' || next === null)
      throw new EmuError(`--set ${assignment}: the recipe has no ${key} there`, {
        code: 'bad_set',
        reason: 'usage',
      });
    node = next as Record<string, unknown>;
  }
  node[last] = parse(assignment.slice(at + 1));
}

/**
 * Reads and checks a recipe. Throws InputError in one line: the file, the key, what is wrong.
 * @param overrides `--set` values, `key.path=value`
 */
export function readRecipe(file: string, overrides: readonly string[] = []): Recipe {
  let tree: unknown;
  try {
    tree = parse(readFileSync(file, 'utf8'));
  } catch (error) {
    throw new InputError(
      file,
      `cannot be read as YAML: ${String((error as Error).message).split('\n')[0]}`,
    );
  }
  for (const assignment of overrides) setValue(tree, assignment);
  const checked = recipe.safeParse(tree);
  if (!checked.success) throw explain(file, checked.error);
  for (const {name, curriculum} of checked.data.phases)
    for (const {use} of curriculum)
      if (!Object.hasOwn(checked.data.augmentations, use))
        throw new InputError(
          file,
          `phase ${name} uses the augmentation ${use}, which is not defined`,
          `defined: ${Object.keys(checked.data.augmentations).join(', ')}`,
        );
  return checked.data;
}

/** A file that the recipe names, relative to itself. */
export function besideRecipe(recipeFile: string, name: string): string {
  return path.resolve(path.dirname(recipeFile), name);
}
