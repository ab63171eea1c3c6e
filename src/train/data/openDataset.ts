// Every kind of source by its name: the one place where a recipe's description becomes a data set.
import {pathToFileURL} from 'node:url';
import type {Dataset, PreparePicture} from '../../data/dataset.js';
import {openAlpaca, openLlava, openSharegpt} from '../../data/datasets/conversations.js';
import {openMmc4, openObelics} from '../../data/datasets/interleaved.js';
import {openPairs} from '../../data/datasets/pairs.js';
import {openStoryboard} from '../../data/datasets/storyboard.js';
import {openVideoText} from '../../data/datasets/videoText.js';
import {openWebdataset} from '../../data/datasets/webdataset.js';
import {EmuError, InputError} from '../../errors.js';
import {openEmoji, openScenes} from '../emoji/open.js';
import type {SourceSpec} from './spec.js';

/** What a data set needs to know of the run. */
export interface DatasetContext {
  /** Side of the pictures that the model sees. */
  readonly imageSize: number;
  /** Side of those that the image decoder learns to draw, where it is trained. */
  readonly targetSize?: number | undefined;
  readonly prepare: PreparePicture;
  /** For what a data set draws once when it is opened; samples get a generator of their own. */
  readonly seed: number;
}

/** What a source says of itself before it is opened. */
export interface SourceFacts {
  /** The words it uses, for a word vocabulary. */
  readonly words: readonly string[];
  /** Kinds of things that its pictures are labelled with, for a classifier's warm-up. */
  readonly numClasses: number;
}

/** What a plug-in's module exports. */
export interface Plugin {
  openDataset(options: unknown, context: DatasetContext): Dataset | Promise<Dataset>;
  describe?(options: unknown): SourceFacts;
}

type Kind = SourceSpec['kind'];
type Openers = {
  [K in Kind]: (
    spec: Extract<SourceSpec, {kind: K}>,
    context: DatasetContext,
  ) => Dataset | Promise<Dataset>;
};

const openers: Openers = {
  webdataset: (spec, {prepare}) => openWebdataset({...spec, prepare}),
  pairs: (spec, {prepare}) => openPairs({...spec, prepare}),
  mmc4: (spec, {prepare}) => openMmc4({...spec, prepare}),
  obelics: (spec, {prepare}) => openObelics({...spec, prepare}),
  video: (spec, {prepare}) => openVideoText({...spec, prepare}),
  storyboard: (spec, {prepare}) => openStoryboard({...spec, prepare}),
  llava: (spec, {prepare}) => openLlava({...spec, prepare}),
  sharegpt: (spec) => openSharegpt(spec),
  alpaca: (spec) => openAlpaca(spec),
  plugin: ({module, options}, context) => openPlugin(module, options, context),
  emoji: openEmoji,
  scenes: openScenes,
};

/** @throws InputError in one line when a file is missing, damaged or of another kind */
export async function openDataset(spec: SourceSpec, context: DatasetContext): Promise<Dataset> {
  const open = openers[spec.kind] as (
    spec: SourceSpec,
    context: DatasetContext,
  ) => Dataset | Promise<Dataset>;
  const dataset = await open(spec, context);
  if (!(dataset.size > 0)) throw new InputError(dataset.name, 'holds no samples');
  return dataset;
}

async function openPlugin(
  module: string,
  options: unknown,
  context: DatasetContext,
): Promise<Dataset> {
  return (await importPlugin(module)).openDataset(options, context);
}

/** A plug-in's module. @throws EmuError when it cannot be loaded or is no plug-in */
export async function importPlugin(module: string): Promise<Plugin> {
  const loaded = await import(pathToFileURL(module).href).catch((error) => {
    throw new EmuError(`${module}: cannot be loaded (${String(error.message).split('\n')[0]})`, {
      code: 'bad_plugin',
      file: module,
      cause: error,
    });
  });
  if (typeof loaded.openDataset !== 'function')
    throw new EmuError(`${module}: exports no function openDataset`, {
      code: 'bad_plugin',
      file: module,
    });
  return loaded as Plugin;
}
