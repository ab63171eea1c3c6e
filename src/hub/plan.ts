// Which files of a repository are fetched: the weights that emu opens, what describes them, what splits text
// into tokens, and the terms. Nothing that could be executed is.
import {ModelError} from '../errors.js';
import {checkpointNames} from '../weights/checkpoint.js';
import {releaseFiles} from '../weights/mode.js';
import {tuningFile} from '../weights/tuning.js';
import type {HubFile} from './client.js';

export interface Plan {
  /** In the order in which they are fetched: last the one by which a folder is known as a model. */
  readonly files: readonly HubFile[];
  /** What --model takes, in the repository: a folder ('' is the whole) or a file. */
  readonly model: string;
}

/** Parts of a model that lie in folders of their own, as diffusers and the release keep them. */
const parts = ['scheduler', 'feature_extractor', 'safety_checker', 'vae', 'unet'];
const described = ['', ...parts, 'multimodal_encoder', 'llama_config'];
const PRETRAIN = releaseFiles.pretrain.split('/', 1)[0]!;
const partWeights = [
  'model.safetensors',
  'pytorch_model.bin',
  'diffusion_pytorch_model.safetensors',
  'diffusion_pytorch_model.bin',
];
/** Descriptions are small; a larger file of that name is something else. */
const MAX_TEXT_BYTES = 64 * 2 ** 20;

const folderOf = (path: string) => path.split('/').slice(0, -1).join('/');
const nameOf = (path: string) => path.split('/').at(-1)!;
const join = (folder: string, name: string) => (folder === '' ? name : `${folder}/${name}`);

function isTerms(path: string): boolean {
  return folderOf(path) === '' && /^(readme\.md|(licen[cs]e|notice)([-_.][\w.-]*)?)$/i.test(path);
}

function isDescription({path, size}: HubFile): boolean {
  const name = nameOf(path);
  const isIndex = name.endsWith('.index.json');
  return size <= MAX_TEXT_BYTES && !isIndex && /\.json$|^tokenizer\.model$/.test(name);
}

/**
 * What of a repository is fetched. BAAI/Emu: its folder pretrain/, or with `isInstruct` Emu-instruct.pt; another:
 * the model in its root. Throws ModelError where there is nothing that emu opens.
 */
export function planModel(
  repo: string,
  files: readonly HubFile[],
  {isInstruct}: {readonly isInstruct: boolean},
): Plan {
  const byPath = new Map(files.map((file) => [file.path, file]));
  const has = (path: string) => byPath.has(path);
  const base = has(releaseFiles.pretrain) && !isInstruct ? PRETRAIN : '';
  const main = isInstruct
    ? [releaseFiles.instruct, tuningFile].find(has)
    : checkpointNames.map((name) => join(base, name)).find(has);
  if (main === undefined) throw noModel(repo, files, isInstruct);
  const isReleaseFile = main === releaseFiles.instruct;
  const folders = isReleaseFile ? ['', 'llama_config'] : described.map((part) => join(base, part));
  const texts = files.filter(
    (file) => folders.includes(folderOf(file.path)) && isDescription(file),
  );
  const weights = isReleaseFile
    ? []
    : [
        ...parts.flatMap(
          (part) => partWeights.map((name) => join(join(base, part), name)).find(has) ?? [],
        ),
        // An own model's tuning lies beside its base; where only the tuning is there, it names its base.
        ...[join(base, tuningFile), ...(base === '' ? ['model.safetensors'] : [])].filter(has),
      ];
  const terms = files.filter(({path}) => isTerms(path)).map(({path}) => path);
  const small = [...terms, ...texts.map(({path}) => path)].sort();
  const paths = [...new Set([...small, ...weights])].filter((path) => path !== main);
  return {
    files: [...paths, main].map((path) => byPath.get(path)!),
    model: isReleaseFile ? main : base,
  };
}

function noModel(repo: string, files: readonly HubFile[], isInstruct: boolean): ModelError {
  const names = files.map(({path}) => path);
  if (isInstruct)
    return new ModelError(
      repo,
      `holds neither ${releaseFiles.instruct} nor ${tuningFile}`,
      'without --instruct its other model is fetched, if it has one',
    );
  if (names.some((name) => name.endsWith('.index.json')))
    return new ModelError(repo, 'its weights are split into shards, which emu does not read');
  if (names.some((name) => name.endsWith('.gguf')))
    return new ModelError(repo, 'it holds GGUF files, which emu does not read yet');
  const looked = [...checkpointNames, releaseFiles.pretrain].join(', ');
  return new ModelError(
    repo,
    `none of its ${names.length} files is a model that emu opens`,
    `it looks for ${looked}`,
  );
}
