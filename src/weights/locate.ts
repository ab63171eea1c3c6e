// What `--model NAME|PATH` means: which checkpoint, and where its configuration and tokenizer are.
import {existsSync, readdirSync, statSync} from 'node:fs';
import path from 'node:path';
import {fileURLToPath} from 'node:url';
import {ModelError} from '../errors.js';
import {dataFolder} from '../userFolders.js';
import {checkpointFile, checkpointNames, openCheckpoint} from './checkpoint.js';
import {configKind, type Mode, readEmuConfig} from './config.js';
import {findInHubCache, type HubSnapshot, hubSnapshots} from './hubCache.js';
import {type DetectedMode, detectMode, releaseFiles, requireMode} from './mode.js';
import {tuningBase, tuningFile} from './tuning.js';

/** Where a model's files are. */
export interface ModelFiles {
  /** The name or path that was given. */
  readonly name: string;
  /** official: as the authors released it; emu: model.safetensors, config.json, vocab.json. */
  readonly layout: 'official' | 'emu';
  readonly checkpoint: string;
  /** The model's own folder, when a folder was named. */
  readonly folder?: string;
  /** What kind the place says it is; the checkpoint decides. */
  readonly modeHint?: Mode;
  /** Holds configuration files (config.ts); without one: Emu-14B's values. */
  readonly configFolder?: string;
  /** A tokenizer's file; without one: the packaged LLaMA vocabulary. */
  readonly tokenizer?: string;
  /** Holds unet/, vae/ and so on: the model can draw. */
  readonly decoderFolder?: string;
}

export interface ModelLocation extends ModelFiles, DetectedMode {}

export interface LocateOptions {
  /** Folder of configuration files; goes before those beside the checkpoint. */
  readonly config?: string;
  /** The kind of model that is needed; another is a ModelError. */
  readonly mode?: Mode;
  readonly env?: NodeJS.ProcessEnv;
}

const packageRoot = fileURLToPath(new URL('../..', import.meta.url));
const tokenizerNames = ['vocab.json', 'tokenizer.model', 'tokenizer.json'];
/** Where BAAI/Emu keeps its two models. */
const PRETRAIN_FOLDER = 'pretrain';
const INSTRUCT_FILE = releaseFiles.instruct;

/**
 * Names that `--model` takes, with where they lie: the packaged ones, those in the data folder, those in the
 * hub's cache.
 */
export function knownModels(env: NodeJS.ProcessEnv = process.env): Map<string, string> {
  const models = ownModels(env);
  for (const snapshot of hubSnapshots(env))
    for (const [name, place] of modelsIn(snapshot)) if (!models.has(name)) models.set(name, place);
  return models;
}

/** The models of a snapshot that emu knows by their files, by name; of the release there may be two. */
export function modelsIn({name, folder}: HubSnapshot): [string, string][] {
  const places = [PRETRAIN_FOLDER, INSTRUCT_FILE].filter((place) =>
    existsSync(path.join(folder, place === PRETRAIN_FOLDER ? releaseFiles.pretrain : place)),
  );
  const [place, another] = places;
  if (place === undefined) return isEmu(folder) ? [[name, folder]] : [];
  if (another === undefined) return [[name, path.join(folder, place)]];
  return places.map((each) => [`${name}/${each}`, path.join(folder, each)]);
}

/** The cache holds models of all kinds: of Emu is one whose configuration is. */
function isEmu(folder: string): boolean {
  try {
    return holdsModel(folder) && configKind(folder) !== undefined;
  } catch {
    return false; // another program's broken file
  }
}

function ownModels(env: NodeJS.ProcessEnv): Map<string, string> {
  const models = new Map<string, string>();
  for (const root of [packageRoot, dataFolder(env)]) {
    const folder = path.join(root, 'models');
    if (!existsSync(folder)) continue;
    for (const entry of readdirSync(folder, {withFileTypes: true})) {
      const model = path.join(folder, entry.name);
      if (!models.has(entry.name) && holdsModel(model)) models.set(entry.name, model);
    }
  }
  return models;
}

/** The known models that have an image decoder. */
export function modelsThatDraw(env: NodeJS.ProcessEnv = process.env): string[] {
  return [...knownModels(env)].flatMap(([name, folder]) =>
    existsSync(path.join(folder, 'unet', 'config.json')) ? [name] : [],
  );
}

function holdsModel(folder: string): boolean {
  return [...checkpointNames, releaseFiles.pretrain, tuningFile].some((name) =>
    existsSync(path.join(folder, name)),
  );
}

/**
 * Finds a model's files without opening them. Throws ModelError for an unknown name or a missing
 * path.
 */
export function findModel(model: string, options: LocateOptions = {}): ModelFiles {
  const env = options.env ?? process.env;
  const own = ownModels(env).get(model);
  const location = own ?? (existsSync(model) ? model : findInHubCache(model, env)?.path) ?? model;
  if (!existsSync(location)) {
    if (isHubName(model))
      throw new ModelError(
        model,
        'no such file or folder, and no model of this name was pulled',
        `\`emu pull ${model}\` fetches one from the hub`,
      );
    if (isPath(model)) throw new ModelError(model, 'no such file or folder');
    const names = [...knownModels(env).keys()];
    throw new ModelError(
      model,
      'no model of this name and no file or folder',
      names.length > 0
        ? `known models: ${names.join(', ')}`
        : 'name the file or the folder of a checkpoint',
    );
  }
  const isFolder = statSync(location).isDirectory();
  const files = isFolder
    ? {
        folder: location,
        ...folderFiles(location, options.mode, isHubName(model) ? model : location),
      }
    : {checkpoint: location};
  const near = nearFolders(files.checkpoint, isFolder ? location : undefined);
  const configFolder = options.config ?? near.find((folder) => configKind(folder) !== undefined);
  if (options.config !== undefined && configKind(options.config) === undefined) {
    throw new ModelError(options.config, 'no folder with configuration files of a model');
  }
  const places = options.config === undefined ? near : [...near, options.config];
  const tokenizer = places
    .flatMap((folder) => [folder, path.join(folder, 'llama_config')])
    .flatMap((folder) => tokenizerNames.map((name) => path.join(folder, name)))
    .find((file) => existsSync(file));
  const decoderFolder = near.find((folder) => existsSync(path.join(folder, 'unet', 'config.json')));
  const isOwn = configFolder !== undefined && configKind(configFolder) === 'emu';
  return {
    name: model,
    layout: isOwn ? 'emu' : 'official',
    ...files,
    ...(configFolder === undefined ? {} : {configFolder}),
    ...(tokenizer === undefined ? {} : {tokenizer}),
    ...(decoderFolder === undefined ? {} : {decoderFolder}),
  };
}

/**
 * Finds a model and looks at its checkpoint's names. Throws ModelError for an unknown name (listing
 * the known ones), a missing or damaged file, or a checkpoint of another kind than asked for.
 */
export function locateModel(model: string, options: LocateOptions = {}): ModelLocation {
  const files = findModel(model, options);
  const checkpoint = openCheckpoint(files.checkpoint);
  try {
    const detected = modelMode(files, detectMode(checkpoint));
    const wanted = options.mode ?? files.modeHint;
    if (wanted) requireMode(checkpoint, detected.mode, wanted);
    return {...files, ...detected};
  } finally {
    checkpoint.close();
  }
}

/** emu's own configuration says the mode: an instruct model may have its LoRA matrices merged. */
export function modelMode(files: ModelFiles, detected: DetectedMode): DetectedMode {
  if (files.layout !== 'emu') return detected;
  const file = path.join(files.configFolder!, 'config.json');
  const {config, mode} = readEmuConfig(file);
  const hasLora = config.lora !== undefined;
  if (hasLora === detected.hasLora) return {mode, hasLora};
  throw new ModelError(
    files.checkpoint,
    `${hasLora ? 'no ' : ''}LoRA matrices in it, but ${file} says that there are ${hasLora ? 'some' : 'none'}`,
  );
}

function isHubName(model: string): boolean {
  return /^[\w-][\w.-]*\/[\w-][\w.-]*$/.test(model) && !isFileName(model);
}

function isPath(model: string): boolean {
  return /[/\\]/.test(model) || isFileName(model);
}

function isFileName(model: string): boolean {
  return /\.(safetensors|bin|pt|pth|gguf)$/i.test(model);
}

/** A model's own folder, `pretrain/` of the release, or a copy of the whole release. */
function folderFiles(
  folder: string,
  mode: Mode | undefined,
  name: string,
): {checkpoint: string; modeHint?: Mode} {
  const inPretrain = path.join(folder, releaseFiles.pretrain);
  const instruct = path.join(folder, INSTRUCT_FILE);
  if (existsSync(inPretrain) && existsSync(instruct) && mode === undefined) {
    throw new ModelError(
      folder,
      'holds two models',
      `name ${path.join(name, PRETRAIN_FOLDER)} or ${path.join(name, INSTRUCT_FILE)}`,
    );
  }
  if (existsSync(inPretrain) && (mode !== 'instruct' || !existsSync(instruct))) {
    return {checkpoint: inPretrain, modeHint: 'pretrain'};
  }
  const checkpoint = tuningBase(folder) ?? checkpointFile(folder);
  if (checkpoint === instruct) return {checkpoint, modeHint: 'instruct'};
  const isEncoder = path.basename(path.dirname(checkpoint)) === 'multimodal_encoder';
  return isEncoder ? {checkpoint, modeHint: 'pretrain'} : {checkpoint};
}

/** Folders that may hold what belongs to a checkpoint, nearest first; a tuning describes its base itself. */
function nearFolders(checkpoint: string, modelFolder: string | undefined): string[] {
  const own = path.dirname(path.resolve(checkpoint));
  const isTuned = modelFolder !== undefined && existsSync(path.join(modelFolder, tuningFile));
  const folders = isTuned ? [path.resolve(modelFolder), own] : [own];
  if (path.basename(own) === 'multimodal_encoder') folders.push(path.dirname(own));
  if (modelFolder !== undefined) folders.push(path.resolve(modelFolder));
  return [...new Set(folders)];
}
