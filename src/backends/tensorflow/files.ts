import fs from 'node:fs/promises';
import path from 'node:path';

/** Bytes of all files in a folder, while others may write there. */
export async function folderSize(folder: string): Promise<number> {
  let size = 0;
  for (const entry of await fs
    .readdir(folder, {recursive: true, withFileTypes: true})
    .catch(() => [])) {
    if (!entry.isFile()) continue;
    const file = path.join(entry.parentPath ?? entry.path, entry.name);
    size += (await fs.stat(file).catch(() => undefined))?.size ?? 0;
  }
  return size;
}

export const exists = (file: string): Promise<boolean> =>
  fs.access(file).then(
    () => true,
    () => false,
  );
