import fs from 'node:fs/promises';
import {tensorflowFolder} from '../../kernels/tensorflow/layout.js';
import {exists, folderSize} from './files.js';
import {lockTensorflow} from './lock.js';
import {InstallError} from './run.js';

/** What the backend takes on the disk. Throws InstallError when nothing is there. */
export async function installedSize(): Promise<{folder: string; bytes: number}> {
  const folder = tensorflowFolder();
  if (!(await exists(folder)))
    throw new InstallError(`tensorflow is not installed: there is no ${folder}`);
  return {folder, bytes: await folderSize(folder)};
}

/** Deletes all that belongs to the backend. */
export async function remove(): Promise<void> {
  const folder = tensorflowFolder();
  const release = lockTensorflow();
  try {
    // One rename, so that nothing is ever half there.
    const aside = `${folder}.removed`;
    await fs.rm(aside, {recursive: true, force: true});
    await fs.rename(folder, aside);
    await fs.rm(aside, {recursive: true});
  } finally {
    release();
  }
}
