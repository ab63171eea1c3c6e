// From `--model` to an open, checked checkpoint and its configuration: one call.
import {type Checkpoint, openCheckpoint} from './checkpoint.js';
import {type EmuConfig, readConfig} from './config.js';
import {emuTensors} from './emuTensors.js';
import {findModel, type LocateOptions, type ModelLocation, modelMode} from './locate.js';
import {detectMode, requireMode, withPlainPeftNames} from './mode.js';
import {checkTensors} from './checkTensors.js';
import {openTuning, type Tuning} from './tuning.js';

export interface OpenModel {
  readonly location: ModelLocation;
  readonly config: EmuConfig;
  /** Every name and shape that the configuration asks for is there, and nothing else. */
  readonly checkpoint: Checkpoint;
  /** The instruction tuning beside it: the model has both modes. */
  readonly tuning?: Tuning | undefined;
}

/**
 * Opens a model by name, folder or file. Reads headers and configuration only; all names and shapes
 * are checked. Throws ModelError for a model that is missing, damaged or of another kind,
 * WeightsError for tensors that do not fit the configuration.
 */
export function openModel(model: string, options: LocateOptions = {}): OpenModel {
  const files = findModel(model, options);
  const opened = openCheckpoint(files.checkpoint);
  try {
    const checkpoint = withPlainPeftNames(opened);
    const location = {...files, ...modelMode(files, detectMode(checkpoint))};
    const wanted = options.mode ?? files.modeHint;
    if (wanted) requireMode(checkpoint, location.mode, wanted);
    const config = readConfig(location);
    checkTensors(checkpoint, emuTensors(config));
    const tuning = files.folder === undefined ? undefined : openTuning(files.folder, config);
    return {location, config, checkpoint, tuning};
  } catch (error) {
    opened.close();
    throw error;
  }
}
