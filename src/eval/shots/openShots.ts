// From the flags of a run to its examples: the index is the one that is named, or made once and kept.
import {createHash} from 'node:crypto';
import {mkdirSync} from 'node:fs';
import path from 'node:path';
import {cacheFolder} from '../../userFolders.js';
import type {Benchmark, BenchmarkItem} from '../benchmark.js';
import {readShown} from '../readShown.js';
import {buildIndex, readIndex} from './pictureIndex.js';
import {Shots, type ShotsModel, type ShotsOptions, vectorsByFile} from './shots.js';
import type {SupportSet} from './supportSet.js';

export interface ShotsRequest extends Omit<ShotsOptions, 'vectors'> {
  /** Folder of the benchmark's files. */
  readonly root: string;
  /** All items that the run asks about. */
  readonly items: readonly BenchmarkItem[];
  /** An index that is there. */
  readonly index?: string;
  /** Makes the index; others wait and read it. */
  readonly isFirst: boolean;
  readonly wait: () => void;
  readonly onNote: (note: string) => void;
  readonly onProgress: (done: number, total: number) => void;
}

/** Of the benchmark's own examples: one file for each model's vision encoder and set of pictures. */
function cachedIndex(
  {name}: Benchmark,
  {split}: SupportSet,
  {visionId}: ShotsModel,
  {root, pool, seed}: ShotsRequest,
): string {
  const place = createHash('sha256').update(path.resolve(root)).digest('hex').slice(0, 8);
  const part = pool === undefined ? '' : `-${pool}-${seed}`;
  const file = `${name}-${split}${part}-${place}-${visionId.slice(0, 12)}.safetensors`;
  return path.join(cacheFolder(), 'indexes', file);
}

export function openShots(
  benchmark: Benchmark,
  model: ShotsModel,
  request: ShotsRequest,
): Promise<Shots> {
  const {root, items, index: given, isFirst, wait, onNote, onProgress} = request;
  const vectors = async (support: SupportSet) => {
    if (given !== undefined) return vectorsByFile(given, readIndex(given), model);
    const file = cachedIndex(benchmark, support, model, request);
    if (isFirst) {
      mkdirSync(path.dirname(file), {recursive: true});
      const built = await buildIndex({
        file,
        folder: root,
        names: support.examples.map((example) => path.relative(path.resolve(root), example.file)),
        embedder: model,
        read: (picture) => readShown(picture, benchmark.media, model.imageSize),
        onProgress,
        onUnreadable: (_name, problem) => onNote(`no example: ${problem}`),
      });
      if (built.reused < built.index.vectors.size)
        onNote(`an index of ${built.index.vectors.size} pictures for examples is kept in ${file}`);
    }
    wait();
    return vectorsByFile(file, readIndex(file), model);
  };
  return Shots.open(benchmark, root, items, model, {...request, vectors});
}
