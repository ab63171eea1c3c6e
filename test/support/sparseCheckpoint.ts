// Checkpoints of any size that take no disk: a torch.save archive whose tensors are holes (zeros).
import {closeSync, openSync} from 'node:fs';
import {ARCHIVE, stateDictPickle} from '../../src/weights/pytorchWriter.js';
import {countElements, encodingBytes, type StoredEncoding} from '../../src/weights/storedTensor.js';
import {ZipWriter} from '../../src/weights/zipWriter.js';

export interface SparseTensor {
  readonly name: string;
  readonly shape: readonly number[];
  readonly encoding: StoredEncoding;
}

/** Writes the pickle, all headers and the directory; the data between them stays unwritten. */
export function writeSparseCheckpoint(
  file: string,
  tensors: readonly SparseTensor[],
  options: {wrapper?: string} = {},
): void {
  const fd = openSync(file, 'w');
  try {
    const zip = new ZipWriter(fd);
    zip.add(`${ARCHIVE}/data.pkl`, stateDictPickle(tensors, options));
    for (const [index, {shape, encoding}] of tensors.entries()) {
      zip.skip(`${ARCHIVE}/data/${index}`, countElements(shape)! * encodingBytes[encoding], 0);
    }
    zip.add(`${ARCHIVE}/version`, Buffer.from('3\n'));
    zip.finish();
  } finally {
    closeSync(fd);
  }
}
