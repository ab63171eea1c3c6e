import {createHash} from 'node:crypto';
import {createReadStream, createWriteStream} from 'node:fs';
import fs from 'node:fs/promises';
import path from 'node:path';
import {pipeline} from 'node:stream/promises';
import {createInflateRaw} from 'node:zlib';
import {mapFile} from '../../kernels/native/mappedFile.js';
import {readZip} from '../../weights/zip.js';
import type {Archive} from './archive.js';
import {InstallError} from './run.js';

/** Throws InstallError unless `file` is the archive that was pinned. */
export async function checkHash(file: string, {name, sha256}: Archive): Promise<void> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(file)) hash.update(chunk as Buffer);
  const actual = hash.digest('hex');
  if (actual === sha256) return;
  const expected = `expected SHA-256 ${sha256}, got ${actual}`;
  throw new InstallError(
    `${name}: ${expected}; nothing of it was used, run this again or use the other --from`,
  );
}

/** Unpacks the archive's files into `folder`. Throws InstallError when one is missing. */
export async function unpack(
  file: string,
  {name, files}: Archive,
  folder: string,
  signal: AbortSignal,
): Promise<void> {
  const mapped = mapFile(file);
  const directory = readZip(mapped);
  mapped.close();
  for (const [wanted, place] of Object.entries(files)) {
    const entry = directory.get(wanted);
    if (!entry) throw new InstallError(`${name}: expected an entry ${wanted}, there is none`);
    const {offset, size, isCompressed} = entry;
    const packed = createReadStream(file, {start: offset, end: offset + size - 1});
    const unpacked = path.join(folder, place);
    await fs.mkdir(path.dirname(unpacked), {recursive: true});
    const target = createWriteStream(unpacked, {mode: place.startsWith('bin/') ? 0o755 : 0o644});
    if (isCompressed) await pipeline(packed, createInflateRaw(), target, {signal});
    else await pipeline(packed, target, {signal});
  }
}
