import {NoiseSchedule} from '../../src/model/diffusion/noiseSchedule.js';
import {Unet} from '../../src/model/diffusion/unet.js';
import {Vae} from '../../src/model/diffusion/vae.js';
import type {WeightSource} from '../../src/model/layers.js';
import {readNoiseScheduleConfig} from '../../src/weights/diffusionConfig.js';
import {type DiffusionPart, openUnet, openVae} from '../../src/weights/diffusionFolder.js';
import {Weights} from '../../src/weights/weights.js';
import {goldenPath} from './goldens.js';

/** Folders of the golden set's image decoder, each undefined where this clone lacks it. */
export const goldenUnet = () =>
  goldenPath('tiny-pretrain/unet/config.json')?.replace(/.config\.json$/, '');
export const goldenVae = () =>
  goldenPath('tiny-pretrain/vae/config.json')?.replace(/.config\.json$/, '');
export const goldenSchedule = () => goldenPath('tiny-pretrain/scheduler/scheduler_config.json');

type Wrap = (weights: Weights) => WeightSource;

function load<Config, Model>(
  {config, checkpoint}: DiffusionPart<Config>,
  build: (weights: WeightSource, config: Config) => Model,
  wrap: Wrap = (weights) => weights,
): {model: Model; dispose(): void} {
  const weights = Weights.open(checkpoint);
  const model = build(wrap(weights), config);
  const dispose = () => {
    weights.dispose();
    checkpoint.close();
  };
  return {model, dispose};
}

/** The golden UNet on the current backend; `wrap` may put variables in the place of the weights. */
export function loadGoldenUnet(wrap?: Wrap) {
  return load(openUnet(goldenUnet()!), (weights, config) => new Unet(weights, config), wrap);
}

export function loadGoldenVae() {
  return load(openVae(goldenVae()!), (weights, config) => new Vae(weights, config));
}

export function loadGoldenSchedule(): NoiseSchedule {
  return new NoiseSchedule(readNoiseScheduleConfig(goldenSchedule()!));
}
