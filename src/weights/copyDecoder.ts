// A model's image decoder into another folder: the folders of diffusers, each complete or absent.
import {existsSync, mkdirSync, readdirSync, renameSync, rmSync} from 'node:fs';
import path from 'node:path';
import {linkOrCopy, temporaryFile} from './writeWhole.js';

/** What the official pipeline loads; emu does without the feature extractor's file. */
export const decoderParts = ['unet', 'vae', 'scheduler', 'safety_checker', 'feature_extractor'];

/** Copies what `source` has of a decoder into `target`, by links where that is possible; returns the folders. */
export function copyDecoder(source: string, target: string): string[] {
  const parts = decoderParts.filter((part) => existsSync(path.join(source, part)));
  for (const part of parts) copyFolder(path.join(source, part), path.join(target, part));
  return parts.map((part) => path.join(target, part));
}

function copyFolder(source: string, target: string): void {
  const temporary = temporaryFile(target);
  try {
    mkdirSync(temporary, {recursive: true});
    for (const entry of readdirSync(source, {withFileTypes: true})) {
      const [from, to] = [path.join(source, entry.name), path.join(temporary, entry.name)];
      if (entry.isDirectory()) copyFolder(from, to);
      else linkOrCopy(from, to);
    }
    renameSync(temporary, target);
  } finally {
    rmSync(temporary, {recursive: true, force: true});
  }
}
