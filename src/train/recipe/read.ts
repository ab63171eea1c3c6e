// Reads a training recipe: one YAML file, checked by its stage's schema; `emu train` keeps it in the run's folder.
import {readFileSync} from 'node:fs';
import path from 'node:path';
import {parse} from 'yaml';
import {z} from 'zod';
import {EmuError, InputError} from '../../errors.js';
import {fileProblem} from '../../data/source.js';
import {closest} from '../../text/closest.js';
import {withFullPaths} from '../data/spec.js';
import {dataSchema, type RecipeData} from './data.js';

/** One line for the first thing that is wrong, naming the nearest key where one is unknown. */
function explain(file: string, schema: z.ZodType, tree: unknown, error: z.ZodError): InputError {
  // An unknown key explains a missing one: it is told first.
  const unknown = error.issues.find(({code}) => code === 'unrecognized_keys');
  const issue = unknown ?? error.issues[0]!;
  const where = issue.path.join('.') || 'the recipe';
  if (issue.code === 'unrecognized_keys') {
    const key = issue.keys[0]!;
    const known = knownKeys(schema, tree, issue.path);
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

/** The keys that the schema knows at a path; where it has alternatives the value's `kind` chooses. */
function knownKeys(root: z.ZodType, tree: unknown, where: readonly PropertyKey[]): string[] {
  let schema: unknown = alternative(plain(root), tree);
  let value = tree;
  for (const key of where) {
    if (schema instanceof z.ZodArray) schema = schema.element;
    else if (schema instanceof z.ZodRecord) schema = schema.valueType;
    else if (schema instanceof z.ZodObject) schema = schema.shape[String(key)];
    value = (value as Record<PropertyKey, unknown> | undefined)?.[key];
    schema = alternative(plain(schema), value);
  }
  return schema instanceof z.ZodObject ? Object.keys(schema.shape) : [];
}

function alternative(schema: unknown, value: unknown): unknown {
  if (!(schema instanceof z.ZodDiscriminatedUnion)) return schema;
  const kind = (value as {kind?: unknown} | undefined)?.kind;
  return schema.options.find(
    (option) => option instanceof z.ZodObject && option.shape.kind.safeParse(kind).success,
  );
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

type Weights = Readonly<Record<string, number>>;

/** What the recipes of all stages have. */
export interface AnyRecipe {
  readonly data: {readonly sources: Readonly<Record<string, unknown>>};
  readonly phases: readonly {
    readonly name: string;
    readonly sources?: Weights | undefined;
    readonly curriculum?: readonly {readonly sources: Weights}[] | undefined;
  }[];
  readonly validation?: {readonly sources?: Weights | undefined} | undefined;
  readonly samples?: {readonly sources?: Weights | undefined} | undefined;
}

/** What the schemas cannot say: sources that are read must be defined. */
function checkSources(file: string, {data, phases, validation, samples}: AnyRecipe): void {
  const check = (where: string, sources: Weights = {}) => {
    const unknown = Object.keys(sources).find((name) => !Object.hasOwn(data.sources, name));
    if (unknown !== undefined)
      throw new InputError(
        file,
        `${where} reads the source ${unknown}, which is not defined`,
        `defined: ${Object.keys(data.sources).join(', ')}`,
      );
  };
  for (const {name, sources, curriculum} of phases) {
    const where = `phase ${name}`;
    if (sources && curriculum)
      throw new InputError(file, `${where} has both sources and a curriculum of them`);
    check(where, sources);
    for (const piece of curriculum ?? []) check(where, piece.sources);
  }
  check('validation', validation?.sources);
  check('samples', samples?.sources);
}

/**
 * Reads and checks a stage's recipe. Throws InputError in one line: the file, the key, what is wrong.
 * @param overrides `--set` values, `key.path=value`
 */
export function readRecipe<S extends z.ZodType<AnyRecipe>>(
  file: string,
  schema: S,
  overrides: readonly string[] = [],
): z.infer<S> {
  const tree = readYaml(file);
  for (const assignment of overrides) setValue(tree, assignment);
  const checked = schema.safeParse(tree);
  if (!checked.success) throw explain(file, schema, tree, checked.error);
  checkSources(file, checked.data);
  return checked.data;
}

function readYaml(file: string): unknown {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw fileProblem(file, error);
  }
  try {
    return parse(text, {merge: true}); // <<: merges an anchor's keys
  } catch (error) {
    throw new InputError(
      file,
      `cannot be read as YAML: ${(error as Error).message.split('\n')[0]}`,
    );
  }
}

/** The `data` part of a recipe, or a file that holds only that, its files and folders in full. */
export function readData(file: string): RecipeData {
  const tree = readYaml(file) as {data?: unknown} | null;
  const whole = {data: tree?.data ?? tree};
  const checked = dataSchema.safeParse(whole);
  if (!checked.success) throw explain(file, dataSchema, whole, checked.error);
  return withFullData(checked.data.data, path.dirname(path.resolve(file)));
}

/** The same with every file and folder named in full, as seen from `folder`. */
function withFullData(data: RecipeData, folder: string): RecipeData {
  const names = Object.keys(data.sources);
  const full = withFullPaths({...data, sources: Object.values(data.sources)}, folder).sources;
  return {...data, sources: Object.fromEntries(names.map((name, i) => [name, full[i]!]))};
}

/** Files and folders in full, so that the run's own copy of the recipe can be resumed from anywhere. */
export function withPaths<
  R extends {data: RecipeData; init?: string | undefined; config?: string | undefined},
>(recipe: R, file: string): R {
  const folder = path.dirname(path.resolve(file));
  const data = withFullData(recipe.data, folder);
  const full = (name: string | undefined) =>
    name !== undefined && /[/\\]/.test(name) ? path.resolve(folder, name) : name;
  const {init, config} = recipe;
  return {
    ...recipe,
    data,
    ...(init === undefined ? {} : {init: full(init)}),
    ...(config === undefined ? {} : {config: path.resolve(folder, config)}),
  };
}
