// The checkpoint that training starts from.
import type {EmuConfig} from '../model/emu.js';
import type {WeightSource} from '../model/layers.js';
import {loadTokenizer, type Tokenizer} from '../text/tokenizer.js';
import type {Checkpoint} from '../weights/checkpoint.js';
import {checkWeightsFit} from '../weights/checkWeightsFit.js';
import {openModel} from '../weights/openModel.js';
import type {Tuning} from '../weights/tuning.js';
import {Weights} from '../weights/weights.js';

/** Weights, sizes, vocabulary. */
export interface InitialModel {
  readonly config: EmuConfig;
  readonly mode: 'pretrain' | 'instruct';
  readonly weights: WeightSource;
  readonly checkpoint: Checkpoint;
  /** The instruction tuning beside it. */
  readonly tuning:
    | {readonly config: Tuning['config']; readonly weights: WeightSource; readonly file: string}
    | undefined;
  /** The tokenizer's file; none: the packaged vocabulary. */
  readonly vocabularyFile: string | undefined;
  /** The folder of its image decoder: unet/, vae/ and so on. */
  readonly decoderFolder: string | undefined;
  /** The vocabulary with the tokens of a mode. */
  tokenizer(mode: 'pretrain' | 'instruct'): Tokenizer;
  close(): void;
}

/** Opens `init` of a recipe, a name, folder or file; `config` as --config takes it. */
export function openInitialModel(init: string, config?: string): InitialModel {
  const opened = openModel(init, config === undefined ? {} : {config});
  const {checkpoint, location, tuning} = opened;
  checkWeightsFit(location.checkpoint, [checkpoint, ...(tuning ? [tuning.checkpoint] : [])]);
  const weights = Weights.open(checkpoint);
  const tuningWeights = tuning && Weights.open(tuning.checkpoint);
  const place = location.tokenizer === undefined ? {} : {path: location.tokenizer};
  return {
    config: opened.config,
    mode: location.mode,
    weights,
    checkpoint,
    tuning: tuning && {
      config: tuning.config,
      weights: tuningWeights!,
      file: tuning.checkpoint.path,
    },
    vocabularyFile: location.tokenizer,
    decoderFolder: location.decoderFolder,
    tokenizer: (mode) => loadTokenizer({mode, ...place}),
    close: () => {
      tuningWeights?.dispose();
      tuning?.checkpoint.close();
      weights.dispose();
      checkpoint.close();
    },
  };
}
