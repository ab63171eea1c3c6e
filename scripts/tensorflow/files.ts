import {existsSync, realpathSync} from 'node:fs';
import path from 'node:path';
import {fileURLToPath} from 'node:url';
import type {TensorflowFiles} from '../../src/kernels/tensorflow/loadTensorflow.js';
import {cacheFolder} from '../../src/userFolders.js';
import {SmokeError} from './run.js';

export const repository = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');

/** Where everything lies: inside `folder`. */
export interface Layout extends TensorflowFiles {
  readonly folder: string;
  /** libtensorflow's two files, and its headers under include/. */
  readonly libraryFolder: string;
  readonly binding: string;
}

export const tensorflowVersion = '2.21.0';

/** In emu's cache folder. */
export function cacheLayout(): Layout {
  const folder = path.join(cacheFolder(), 'tensorflow');
  if (isInside(repository, folder)) {
    throw new SmokeError(`${folder} is inside the repository; set EMU_CACHE_DIR to another folder`);
  }
  const packageFolder = path.join(folder, 'node_modules/@tensorflow/tfjs-node-gpu');
  return {
    folder,
    packageFolder,
    libraryFolder: path.join(folder, `libtensorflow-${tensorflowVersion}`),
    binding: path.join(packageFolder, 'lib/napi-v8/tfjs_binding.node'),
    ops: path.join(folder, 'emu_ops.node'),
  };
}

/** Whether `folder`, of which only the beginning may exist, lies in `parent`. */
function isInside(parent: string, folder: string): boolean {
  let existing = folder;
  while (!existsSync(existing)) existing = path.dirname(existing);
  const real = path.join(realpathSync(existing), path.relative(existing, folder));
  const relative = path.relative(realpathSync(parent), real);
  return relative === '' || !(relative.startsWith('..') || path.isAbsolute(relative));
}
