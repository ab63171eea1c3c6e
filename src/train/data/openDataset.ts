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
import type {SourceSpec} from './spec.js';

/** What a data set needs to know of the run. */
export interface DatasetContext {
  /** Side of the pictures that the model sees. */
  readonly imageSize: number;
  readonly prepare: PreparePicture;
  /** For what a data set draws once when it is opened; samples get a generator of their own. */
  readonly seed: number;
}

/** What a plug-in's module exports under the name `openDataset`. */
export type OpenPlugin = (options: unknown, context: DatasetContext) => Dataset | Promise<Dataset>;

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
  const loaded = await import(pathToFileURL(module).href).catch((error) => {
    throw new EmuError(`${module}: cannot be loaded (${String(error.message).split('\n')[0]})`, {
      code: 'bad_plugin',
      file: module,
      cause: error,
    });
  });
  const open: OpenPlugin | undefined = loaded.openDataset;
  if (typeof open !== 'function')
    throw new EmuError(`${module}: exports no function openDataset`, {
      code: 'bad_plugin',
      file: module,
    });
  return open(options, context);
}
