import fs from 'node:fs/promises';
import {removedFolder, tensorflowFolder} from '../../kernels/tensorflow/layout.js';
import {exists, folderSize} from './files.js';
import {lockTensorflow} from './lock.js';
import {InstallError} from './run.js';

/** What the backend takes on the disk. Throws InstallError when nothing is there. */
export async function installedSize(): Promise<{folder: string; bytes: number}> {
  const folder = tensorflowFolder();
  const aside = removedFolder(); // of a removal that was stopped
  if (!(await exists(folder)) && !(await exists(aside)))
    throw new InstallError(`tensorflow is not installed: there is no ${folder}`);
  return {folder, bytes: (await folderSize(folder)) + (await folderSize(aside))};
}

/** Deletes all that belongs to the backend. */
export async function remove(): Promise<void> {
  const folder = tensorflowFolder();
  await fs.mkdir(folder, {recursive: true});
  const release = lockTensorflow();
  try {
    // One rename, so that nothing is ever half there.
    const aside = removedFolder();
    await fs.rm(aside, {recursive: true, force: true});
    await fs.rename(folder, aside);
    await fs.rm(aside, {recursive: true});
  } finally {
    release();
  }
}
