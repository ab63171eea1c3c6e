// Reads a training recipe: one YAML file, checked by its stage's schema; `emu train` keeps it in the run's folder.
import {readFileSync} from 'node:fs';
import path from 'node:path';
import {parse} from 'yaml';
import {z} from 'zod';
import {fileProblem} from '../../data/source.js';
import {EmuError, InputError} from '../../errors.js';
import {closest} from '../../text/closest.js';

/** One line for the first thing that is wrong, naming the nearest key where one is unknown. */
function explain(file: string, schema: z.ZodType, error: z.ZodError): InputError {
  // An unknown key explains a missing one: it is told first.
  const unknown = error.issues.find(({code}) => code === 'unrecognized_keys');
  const issue = unknown ?? error.issues[0]!;
  const where = issue.path.join('.') || 'the recipe';
  if (issue.code === 'unrecognized_keys') {
    const key = issue.keys[0]!;
    const known = knownKeys(schema, issue.path);
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
function knownKeys(root: z.ZodType, where: readonly PropertyKey[]): string[] {
  let schema: unknown = root;
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
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw fileProblem(file, error);
  }
  let tree: unknown;
  try {
    tree = parse(text, {merge: true}); // <<: merges an anchor's keys
  } catch (error) {
    throw new InputError(
      file,
      `cannot be read as YAML: ${String((error as Error).message).split('\n')[0]}`,
    );
  }
  for (const assignment of overrides) setValue(tree, assignment);
  const checked = schema.safeParse(tree);
  if (!checked.success) throw explain(file, schema, checked.error);
  checkSources(file, checked.data);
  return checked.data;
}

/** A file that the recipe names, relative to itself. */
export function besideRecipe(recipeFile: string, name: string): string {
  return path.resolve(path.dirname(recipeFile), name);
}
