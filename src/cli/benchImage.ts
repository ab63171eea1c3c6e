// What `emu bench image` measures: a guided step of the UNet, and the autoencoder's way to the picture.
import path from 'node:path';
import tf from '#tfjs';
import {EmuError, ModelError} from '../errors.js';
import {Unet} from '../model/diffusion/unet.js';
import {Vae} from '../model/diffusion/vae.js';
import {median} from '../train/median.js';
import {emuDecoder} from '../weights/diffusionConfig.js';
import {openUnet, openVae} from '../weights/diffusionFolder.js';
import {findModel} from '../weights/locate.js';
import {checkWeightsFit} from '../weights/checkWeightsFit.js';
import {Weights} from '../weights/weights.js';
import {type BenchOptions, secondsSince, type Tell} from './bench.js';
import {CountedWeights} from './countedWeights.js';
import {SyntheticWeights} from './syntheticWeights.js';

/** Embeddings that a picture is drawn from in Emu. */
const NUM_EMBEDDINGS = 32;

export interface OpenedImageDecoder {
  readonly name: string;
  readonly unet: Unet;
  readonly vae: Vae;
  readonly unetWeights: CountedWeights;
}

export function openImageDecoder(model: BenchOptions['model']): OpenedImageDecoder {
  if ('synthetic' in model) {
    const {synthetic, encoding} = model;
    if (synthetic !== 'emu-14b')
      throw new EmuError(`bench image: expected --synthetic emu-14b, got ${synthetic}`, {
        code: 'bad_option',
        reason: 'usage',
      });
    const weights = new SyntheticWeights(encoding);
    const unetWeights = new CountedWeights(weights);
    const {unet, vae} = emuDecoder();
    const name = `synthetic ${synthetic} ${encoding}`;
    return {name, unet: new Unet(unetWeights, unet), vae: new Vae(weights, vae), unetWeights};
  }
  const {name, config} = model;
  const {decoderFolder} = findModel(name, config === undefined ? {} : {config});
  if (decoderFolder === undefined) throw new ModelError(name, 'has no image decoder');
  const unet = openUnet(path.join(decoderFolder, 'unet'));
  const vae = openVae(path.join(decoderFolder, 'vae'));
  checkWeightsFit(decoderFolder, [unet.checkpoint, vae.checkpoint]);
  const unetWeights = new CountedWeights(Weights.open(unet.checkpoint));
  return {
    name,
    unet: new Unet(unetWeights, unet.config),
    vae: new Vae(Weights.open(vae.checkpoint), vae.config),
    unetWeights,
  };
}

/** At the size that the decoder was trained at; medians of the repetitions. */
export function benchImage(
  {unet, vae, unetWeights}: OpenedImageDecoder,
  repeat: number,
  tell: Tell,
) {
  const {inChannels, sampleSize, contextSize} = unet.config;
  const latentsOf = (batch: number) =>
    tf.randomNormal<tf.Rank.R4>([batch, inChannels, sampleSize, sampleSize], 0, 1, 'float32', 1);
  const step = () => {
    const context = tf.randomNormal<tf.Rank.R3>(
      [2, NUM_EMBEDDINGS, contextSize],
      0,
      1,
      'float32',
      2,
    );
    return unet.forward(latentsOf(2), [500, 500], context);
  };
  const decode = () => vae.toPictures(latentsOf(1));
  const seconds = (run: () => tf.Tensor) => {
    const start = performance.now();
    tf.tidy(() => void run().dataSync());
    return secondsSince(start);
  };
  const measured = (run: () => tf.Tensor, before: number) => {
    tell({stage: 'measuring', fraction: before});
    seconds(run); // warms up
    return median(Array.from({length: repeat}, () => seconds(run)));
  };
  const stepSeconds = measured(step, 0);
  const stepMemory = process.resourceUsage().maxRSS * 1024;
  const decodeSeconds = measured(decode, 0.5);
  return {stepSeconds, stepMemory, decodeSeconds, bytesRead: unetWeights.bytes(/./)};
}
