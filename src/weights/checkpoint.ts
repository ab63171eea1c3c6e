// Opens a checkpoint by what it contains: torch.save archives and safetensors files, or the folder
// of one.
import {closeSync, existsSync, openSync, readSync, statSync} from 'node:fs';
import path from 'node:path';
import {EmuError, ModelError} from '../errors.js';
import {mapFile} from '../kernels/native/mappedFile.js';
import {readPytorch} from './pytorch.js';
import {readSafetensors} from './safetensors.js';
import type {StoredTensor} from './storedTensor.js';

export type {StoredEncoding, StoredTensor} from './storedTensor.js';

export interface Checkpoint {
  readonly path: string;
  readonly format: 'pytorch' | 'safetensors';
  readonly tensors: ReadonlyMap<string, StoredTensor>;
  /**
   * safetensors: its `__metadata__`; pytorch: `wrapper`, the key that the state dict stood under.
   */
  readonly metadata: Readonly<Record<string, string>>;
  /** Ends the mapping. Tensors made from it must be disposed before. */
  close(): void;
}

/**
 * Files that a folder is opened by, in this order: emu's own, then those of BAAI/Emu and of
 * diffusers.
 */
export const checkpointNames: readonly string[] = [
  'model.safetensors',
  'multimodal_encoder/pytorch_model.bin',
  'Emu-instruct.pt',
  'pytorch_model.bin',
  'diffusion_pytorch_model.safetensors',
  'diffusion_pytorch_model.bin',
];

/**
 * Maps the file and reads its headers, not its tensors. Throws ModelError for what is no
 * checkpoint, damaged or of a kind not supported, and EmuError (access) for a file that may not be
 * read.
 */
export function openCheckpoint(location: string): Checkpoint {
  const file = checkpointFile(location);
  const format = detectFormat(file);
  const mapped = accessing(file, () => mapFile(file));
  try {
    const contents = format === 'pytorch' ? readPytorch(mapped) : readSafetensors(mapped);
    if (contents.tensors.size === 0) throw new ModelError(file, 'it holds no tensors');
    return {path: file, format, ...contents, close: () => mapped.close()};
  } catch (error) {
    mapped.close();
    throw error;
  }
}

/** The checkpoint of a folder, or the file itself. Throws ModelError where there is none. */
export function checkpointFile(location: string): string {
  const stats = accessing(location, () => statSync(location));
  if (stats.isFile()) return location;
  if (!stats.isDirectory()) throw new ModelError(location, 'neither a file nor a folder');
  const found = checkpointNames.find((name) => existsSync(path.join(location, name)));
  if (found !== undefined) return path.join(location, found);
  if (existsSync(path.join(location, 'model.safetensors.index.json'))) {
    throw new ModelError(
      location,
      'its safetensors file is split into shards, which emu does not read',
    );
  }
  throw new ModelError(
    location,
    `no checkpoint in this folder (looked for ${checkpointNames.join(', ')})`,
    'name the file itself',
  );
}

/** Runs what touches the file system; says what its failures mean. */
function accessing<T>(file: string, run: () => T): T {
  try {
    return run();
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (error instanceof EmuError || typeof code !== 'string') throw error;
    if (code === 'EACCES' || code === 'EPERM') {
      throw new EmuError(`${file}: not permitted to read it`, {
        code: 'access_refused',
        reason: 'access',
        file,
        cause: error,
      });
    }
    const missing = code === 'ENOENT' || code === 'ENOTDIR';
    throw new ModelError(file, missing ? 'no such file or folder' : (error as Error).message);
  }
}

const HEAD_BYTES = 512;
const LEGACY_MAGIC = Buffer.from('80028a0a6cfc9c46f9206aa85019', 'hex');

function readHead(file: string): Buffer {
  return accessing(file, () => {
    const fd = openSync(file, 'r');
    try {
      const head = Buffer.alloc(HEAD_BYTES);
      return head.subarray(0, readSync(fd, head, 0, HEAD_BYTES, 0));
    } finally {
      closeSync(fd);
    }
  });
}

/** What the first bytes say. Throws ModelError, naming what it is instead, if known. */
function detectFormat(file: string): Checkpoint['format'] {
  const head = readHead(file);
  if (head.length === 0) throw new ModelError(file, 'the file is empty', 'download it again');
  const text = head.toString('latin1');
  if (text.startsWith('PK\x03\x04') || text.startsWith('PK\x05\x06')) return 'pytorch';
  if (text.startsWith('GGUF')) {
    throw new ModelError(
      file,
      'a GGUF file, which emu does not read yet',
      'use the PyTorch or safetensors checkpoint',
    );
  }
  if (text.startsWith('version https://git-lfs')) {
    throw new ModelError(
      file,
      'a git-lfs pointer, not the file itself',
      'run `git lfs pull` in its repository',
    );
  }
  if (/^\s*<(!doctype|html|\?xml|head)/i.test(text)) {
    throw new ModelError(
      file,
      'a web page, not a checkpoint: the download gave an HTML answer',
      'check the address and the login, and download it again',
    );
  }
  if (head.subarray(0, LEGACY_MAGIC.length).equals(LEGACY_MAGIC)) {
    throw new ModelError(
      file,
      'written in the format of PyTorch before 1.6, which emu does not read',
      'load it in a current PyTorch and write it again with torch.save',
    );
  }
  if (head[0] === 0x80 && head[1]! >= 2 && head[1]! <= 5) {
    throw new ModelError(file, 'a bare pickle, not an archive of torch.save');
  }
  if (head[8] === 0x7b) return 'safetensors'; // "{", after the header's length
  throw new ModelError(
    file,
    `not a checkpoint that emu knows (PyTorch zip or safetensors); it begins with the bytes ${head.subarray(0, 8).toString('hex')}`,
  );
}
