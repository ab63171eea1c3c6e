// A part of an image decoder as diffusers keeps it: a folder (unet/, vae/) of config.json and
// diffusion_pytorch_model.safetensors or .bin.
import {mkdirSync, rmSync} from 'node:fs';
import path from 'node:path';
import {type Checkpoint, openCheckpoint} from './checkpoint.js';
import {checkTensors, type ExpectedTensors} from './checkTensors.js';
import {
  formatNoiseScheduleConfig,
  formatUnetConfig,
  formatVaeConfig,
  readUnetConfig,
  type NoiseScheduleConfig,
  readVaeConfig,
  type UnetConfig,
  type VaeConfig,
} from './diffusionConfig.js';
import {unetTensors, vaeTensors} from './diffusionTensors.js';
import {writePytorch} from './pytorchWriter.js';
import {type TensorToWrite, writeSafetensors} from './safetensors.js';
import {writeText} from './writeWhole.js';

const CONFIG_FILE = 'config.json';
const SCHEDULER_FILE = 'scheduler_config.json';
const tensorFiles = {
  safetensors: 'diffusion_pytorch_model.safetensors',
  bin: 'diffusion_pytorch_model.bin',
} as const;

export type DiffusionFormat = keyof typeof tensorFiles;

export interface DiffusionPart<Config> {
  readonly config: Config;
  /** Every name and shape that the configuration asks for is there, and nothing else. */
  readonly checkpoint: Checkpoint;
}

/**
 * Opens a UNet's folder; reads headers and configuration only. Throws ModelError for a folder that is
 * missing, damaged or of a kind that emu does not compute, WeightsError for tensors that do not fit.
 */
export function openUnet(folder: string): DiffusionPart<UnetConfig> {
  return openPart(folder, readUnetConfig, unetTensors);
}

/** The same of an autoencoder's folder. */
export function openVae(folder: string): DiffusionPart<VaeConfig> {
  return openPart(folder, readVaeConfig, vaeTensors);
}

function openPart<Config>(
  folder: string,
  readConfig: (file: string) => Config,
  expected: (config: Config) => ExpectedTensors,
): DiffusionPart<Config> {
  const checkpoint = openCheckpoint(folder);
  try {
    const configFile = path.join(folder, CONFIG_FILE);
    const config = readConfig(configFile);
    checkTensors(checkpoint, expected(config), `does it belong to ${configFile}?`);
    return {config, checkpoint};
  } catch (error) {
    checkpoint.close();
    throw error;
  }
}

/**
 * Writes a UNet's folder. Each file is complete or absent; the tensors of the other format, which may
 * be older, are removed. Throws EmuError for what cannot be written.
 */
export function writeUnet(
  folder: string,
  config: UnetConfig,
  tensors: Iterable<TensorToWrite>,
  format: DiffusionFormat = 'safetensors',
): void {
  writePart(folder, formatUnetConfig(config), tensors, format);
}

/** The same of an autoencoder. */
export function writeVae(
  folder: string,
  config: VaeConfig,
  tensors: Iterable<TensorToWrite>,
  format: DiffusionFormat = 'safetensors',
): void {
  writePart(folder, formatVaeConfig(config), tensors, format);
}

/** Writes the scheduler's folder beside them: the noise that the UNet was trained on. */
export function writeNoiseSchedule(folder: string, config: NoiseScheduleConfig): void {
  mkdirSync(folder, {recursive: true});
  const text = formatNoiseScheduleConfig(config);
  writeText(path.join(folder, SCHEDULER_FILE), text);
}

function writePart(
  folder: string,
  configText: string,
  tensors: Iterable<TensorToWrite>,
  format: DiffusionFormat,
): void {
  mkdirSync(folder, {recursive: true});
  const file = path.join(folder, tensorFiles[format]);
  if (format === 'bin') writePytorch(file, tensors);
  else writeSafetensors(file, tensors, {format: 'pt'}); // diffusers asks for this mark
  const other = tensorFiles[format === 'bin' ? 'safetensors' : 'bin'];
  rmSync(path.join(folder, other), {force: true});
  writeText(path.join(folder, CONFIG_FILE), configText);
}
