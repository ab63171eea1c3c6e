// A model's files as the modes in which it is asked: a base, an instruction tuning, or both in one.
import {ModelError} from './errors.js';
import type {BackendName} from './kernels/backend.js';
import {decoderBytes} from './loadImageDecoder.js';
import {type EmuConfig, EmuModel} from './model/emu.js';
import {loadTokenizer, type Tokenizer} from './text/tokenizer.js';
import type {Checkpoint} from './weights/checkpoint.js';
import {checkReference} from './weights/checkReference.js';
import {checkWeightsFit} from './weights/checkWeightsFit.js';
import type {Mode} from './weights/config.js';
import type {ModelLocation} from './weights/locate.js';
import {openModel} from './weights/openModel.js';
import {type Placement, placeModel} from './weights/placement.js';
import {TunedWeights} from './weights/tuning.js';
import {Weights} from './weights/weights.js';

/** A model as one mode of it is asked: an instruction tuning is a mode of its own beside its base. */
export interface ModelInMode {
  readonly mode: Mode;
  readonly model: EmuModel;
  readonly tokenizer: Tokenizer;
}

export interface OpenedFile {
  readonly weights: Weights;
  readonly checkpoint: Checkpoint;
}

export interface LoadedModes {
  readonly location: ModelLocation;
  readonly config: EmuConfig;
  /** Undefined where the backend computes in the machine's own memory. */
  readonly placement: Placement | undefined;
  /** In the order of preference for questions: instruct first. */
  readonly modes: readonly [ModelInMode, ...ModelInMode[]];
  /** To be closed by the caller. */
  readonly files: readonly OpenedFile[];
}

/** The tokenizer must have a token for each row of the table, those that the tuning adds included. */
function checkVocabulary(file: string, {config}: EmuModel, tokenizer: Tokenizer): void {
  const {llama, lora} = config;
  const added = lora?.tokenRows?.filter((id) => id >= llama.vocabSize).length ?? 0;
  if (tokenizer.vocabSize === llama.vocabSize + added) return;
  throw new ModelError(
    file,
    `its vocabulary has ${llama.vocabSize + added} tokens, the tokenizer's ${tokenizer.vocabSize}`,
    'put the matching tokenizer beside the checkpoint or name its folder with --config',
  );
}

export interface LoadModesOptions {
  readonly config?: string;
  /** Of a model with both modes, this one alone. */
  readonly mode?: Mode;
  /** Whether the device keeps room for the image decoder, if the model has one. Default: it does. */
  readonly draws?: boolean;
}

/**
 * Opens a model by name, folder or file for a backend; weights are mapped, not read. Of a model with both
 * modes `mode` takes one alone. Throws ModelError when it is missing, corrupt or of another kind, EmuError (memory)
 * when it does not fit.
 */
export function loadModes(
  model: string,
  backend: BackendName,
  {config: folder, mode: wantedMode, draws = true}: LoadModesOptions,
): LoadedModes {
  const {location, config, checkpoint, tuning} = openModel(
    model,
    folder === undefined ? {} : {config: folder},
  );
  const opened = [checkpoint, ...(tuning ? [tuning.checkpoint] : [])];
  try {
    checkReference(location.checkpoint, opened, backend);
    const tensors = opened.flatMap(({tensors: own}) => [...own.values()]);
    const {checkpoint: file, decoderFolder} = location;
    const drawing =
      draws && decoderFolder !== undefined ? () => decoderBytes(decoderFolder) : undefined;
    const placement = placeModel(file, tuning?.config ?? config, tensors, {decoder: drawing});
    if (!placement) checkWeightsFit(file, opened, backend);
    const hostLayers = placement?.hostLayers ?? 0;
    const weights = Weights.open(checkpoint);
    const place = location.tokenizer === undefined ? {} : {path: location.tokenizer};
    const modes: ModelInMode[] = [
      {
        mode: location.mode,
        model: new EmuModel(weights, config, hostLayers),
        tokenizer: loadTokenizer({mode: location.mode, ...place}),
      },
    ];
    const files = [{weights, checkpoint}];
    if (tuning) {
      const own = Weights.open(tuning.checkpoint);
      files.push({weights: own, checkpoint: tuning.checkpoint});
      const {tensors} = tuning.checkpoint;
      const isOwn = (name: string) => tensors.has(name);
      const tuned = new TunedWeights(weights, own, config.lora !== undefined, isOwn);
      modes.unshift({
        mode: 'instruct',
        model: new EmuModel(tuned, tuning.config, hostLayers),
        tokenizer: loadTokenizer({mode: 'instruct', ...place}),
      });
    }
    for (const {model: built, tokenizer} of modes)
      checkVocabulary(location.checkpoint, built, tokenizer);
    const wanted = modes.filter(({mode}) => wantedMode === undefined || mode === wantedMode);
    const [first, ...others] = wanted;
    if (!first)
      throw new ModelError(location.checkpoint, `a checkpoint without ${wantedMode} mode`);
    return {location, config, placement, modes: [first, ...others], files};
  } catch (error) {
    for (const file of opened) file.close();
    throw error;
  }
}
