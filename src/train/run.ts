// A training run from its recipe: what `emu train pretrain|instruct|decoder` calls.
import path from 'node:path';
import {stringify} from 'yaml';
import {InputError} from '../errors.js';
import {selectCompute} from '../kernels/backend.js';
import type {EmuConfig} from '../model/emu.js';
import type {Tokenizer} from '../text/tokenizer.js';
import {WordTokenizer} from '../text/wordTokenizer.js';
import {checkTrainingFits} from './checkTrainingFits.js';
import {describeSources} from './data/describe.js';
import {type CommonOptions, RunBatches, readBatches, stretchesOf} from './data/runBatches.js';
import {alone, type Communicator} from './mpi/communicator.js';
import type {RecipeData} from './recipe/data.js';
import {type DecoderPhase, type DecoderRecipe, decoderRecipe} from './recipe/decoder.js';
import type {RunFields} from './recipe/fields.js';
import {type InstructPhase, type InstructRecipe, instructRecipe} from './recipe/instruct.js';
import {type PretrainPhase, type PretrainRecipe, pretrainRecipe} from './recipe/pretrain.js';
import {readRecipe, withPaths} from './recipe/read.js';
import {RunFolder} from './runFolder.js';
import type {Phase, Stage} from './stage.js';
import {DecoderStage} from './stages/decoder.js';
import {InstructStage} from './stages/instruct.js';
import {PretrainStage} from './stages/pretrain.js';
import {type Training, type TrainOptions, train} from './train.js';
import {openInitialModel} from './trainedModel.js';
import {chooseVocabulary} from './vocabulary.js';

export type StageName = 'pretrain' | 'instruct' | 'decoder';

export interface RunOptions extends TrainOptions {
  readonly recipeFile: string;
  readonly out: string;
  /** `--set` values. */
  readonly overrides?: readonly string[];
  /** Goes on with the run in `out`, by its own recipe; starts one where there is none and a recipe is named. */
  readonly resume?: boolean;
  readonly ranks?: Communicator;
  /** What is done with the training that is ready, in the place of it: `emu bench train` measures. */
  readonly use?: <P extends Phase>(training: Training<P>) => Promise<void>;
}

type Recipe<P extends Phase> = RunFields & {
  readonly data: RecipeData;
  readonly init?: string | undefined;
  readonly phases: readonly (P & Parameters<typeof stretchesOf>[0][number])[];
};

/** A stage that is ready, and how its data becomes batches. */
interface Prepared<P extends Phase> {
  readonly stage: Stage<P>;
  readonly config: EmuConfig;
  readonly tokenizer: Tokenizer;
  readonly vocabularyFile: string | undefined;
  readonly mode: 'pretrain' | 'instruct';
  readonly labels: CommonOptions['labels'];
  /** What the image decoder reads. */
  readonly drawn?: Pick<CommonOptions, 'target' | 'maxTextLength'>;
}

/** Trains by a recipe into a run's folder. */
export async function runStage(name: StageName, {resume, ...rest}: RunOptions): Promise<void> {
  const {out, overrides = []} = rest;
  const run = new RunFolder(out);
  const goesOn = Boolean(resume) && (run.holdsRun || rest.recipeFile === '');
  const file = goesOn ? run.recipeFile() : rest.recipeFile;
  if (!goesOn) checkPlace(file, out);
  else if (rest.recipeFile !== '')
    rest.onNote?.(`goes on by the run's own recipe; ${rest.recipeFile} is not read`);
  const options = {...rest, resume: goesOn};
  if (name === 'pretrain') {
    const recipe = withPaths(readRecipe(file, pretrainRecipe, overrides), file);
    await runPrepared(options, run, recipe, () => preparePretrain(recipe, file, options));
  } else if (name === 'instruct') {
    const recipe = withPaths(readRecipe(file, instructRecipe, overrides), file);
    await runPrepared(options, run, recipe, () => prepareInstruct(recipe));
  } else {
    const recipe = withPartPaths(withPaths(readRecipe(file, decoderRecipe, overrides), file), file);
    await runPrepared(options, run, recipe, () => prepareDecoder(recipe, file));
  }
}

async function preparePretrain(
  recipe: PretrainRecipe,
  file: string,
  {ranks = alone, onNote = () => {}}: RunOptions,
): Promise<Prepared<PretrainPhase>> {
  const initial =
    recipe.init === undefined ? undefined : openInitialModel(recipe.init, recipe.config);
  const sources = Object.values(recipe.data.sources);
  const {words, numClasses} = await describeSources(sources, recipe.vocabulary === 'words');
  const vocabulary = chooseVocabulary(file, recipe, initial, words);
  const stage = new PretrainStage({recipe, initial, vocabulary, numClasses});
  if (ranks.size > 1 && stage.learnsStem)
    onNote(
      'batch norm: each rank normalizes by its own rows, so that losses differ with the number of ranks',
    );
  return {
    stage,
    config: stage.config,
    tokenizer: vocabulary.tokenizer,
    vocabularyFile: initial?.vocabularyFile,
    mode: 'pretrain',
    labels: 'text',
  };
}

async function prepareInstruct(recipe: InstructRecipe): Promise<Prepared<InstructPhase>> {
  const initial = openInitialModel(recipe.init, recipe.config);
  const tokenizer = initial.tokenizer('instruct');
  const stage = new InstructStage({recipe, initial, tokenizer});
  const {vocabularyFile} = initial;
  const {config} = stage;
  return {stage, config, tokenizer, vocabularyFile, mode: 'instruct', labels: 'answers'};
}

async function prepareDecoder(
  recipe: DecoderRecipe,
  recipeFile: string,
): Promise<Prepared<DecoderPhase>> {
  const initial = openInitialModel(recipe.init, recipe.config);
  const stage = new DecoderStage({recipe, recipeFile, initial});
  const {vocabularyFile} = initial;
  const {config, tokenizer} = stage;
  const readsTexts = recipe.phases.some(
    ({objective, condition}) => objective === 'denoise' && condition === 'regressed',
  );
  const maxTextLength = readsTexts ? recipe.maxTextLength : undefined;
  const drawn = {target: recipe.picture, maxTextLength};
  return {stage, config, tokenizer, vocabularyFile, mode: 'pretrain', labels: 'pictures', drawn};
}

/** The run keeps a copy of its recipe, which must not be written over the recipe itself. */
function checkPlace(recipeFile: string, out: string): void {
  if (path.dirname(path.resolve(recipeFile)) === path.resolve(out))
    throw new InputError(recipeFile, 'lies in the folder of the run itself', 'name another --out');
}

/** The decoder's own folders in full. */
function withPartPaths(recipe: DecoderRecipe, file: string): DecoderRecipe {
  const full = <P extends {folder?: string | undefined} | undefined>(part: P): P =>
    part?.folder === undefined
      ? part
      : {...part, folder: path.resolve(path.dirname(file), part.folder)};
  const {unet, vae} = recipe;
  return {...recipe, ...(unet && {unet: full(unet)}), ...(vae && {vae: full(vae)})};
}

async function runPrepared<P extends Phase>(
  {resume = false, ranks = alone, use, ...options}: RunOptions,
  run: RunFolder,
  recipe: Recipe<P>,
  prepare: () => Promise<Prepared<P>>,
): Promise<void> {
  const unlock = ranks.rank === 0 ? run.lock() : () => {};
  try {
    if (!resume && ranks.rank === 0) run.create(stringify(recipe));
    ranks.barrier();
    await trainPrepared(await prepare(), recipe, run, ranks, options, use);
  } finally {
    unlock();
  }
}

async function trainPrepared<P extends Phase>(
  prepared: Prepared<P>,
  recipe: Recipe<P>,
  run: RunFolder,
  ranks: Communicator,
  options: TrainOptions,
  use: RunOptions['use'],
): Promise<void> {
  const {onNote = () => {}} = options;
  const {computeReason} = selectCompute(recipe.compute);
  if (computeReason) onNote(`computing in f32: ${computeReason}`);
  const {stage} = prepared;
  try {
    checkTrainingFits(run.recipeFile(), stage.parameters.values());
  } catch (error) {
    stage.dispose();
    throw error;
  }
  const common = commonOptions(prepared, recipe.seed, ranks);
  const {validation, samples, data} = recipe;
  const batches = new RunBatches(data, stretchesOf(recipe.phases), common, onNote);
  try {
    const size = [...stage.parameters.values()].reduce((sum, {size: n}) => sum + n, 0);
    onNote(`${(size / 1e6).toFixed(2)} M parameters to train`);
    const training: Training<P> = {
      recipe,
      stage,
      run,
      batches,
      ranks,
      validation:
        validation &&
        (await readBatches(
          'validation',
          data,
          validation.sources,
          validation.batch,
          validation.batches,
          common,
        )),
      samples:
        samples &&
        (
          await readBatches('samples', {...data, pack: 1}, samples.sources, samples.rows, 1, {
            ...common,
            rank: 0,
            ranks: 1,
          })
        )[0],
    };
    await (use ? use(training) : train(training, options));
  } finally {
    await batches.close();
    stage.dispose();
  }
}

function commonOptions<P extends Phase>(
  {config, tokenizer, vocabularyFile, mode, labels, drawn}: Prepared<P>,
  seed: number,
  ranks: Communicator,
): CommonOptions {
  return {
    seed,
    rank: ranks.rank,
    ranks: ranks.size,
    imageSize: config.vision.imageSize,
    numImageTokens: config.causalFormer.numTokens,
    contextLength: config.llama.contextLength,
    labels,
    ...drawn,
    tokenizer:
      tokenizer instanceof WordTokenizer
        ? {words: tokenizer.tokens}
        : {mode, ...(vocabularyFile === undefined ? {} : {path: vocabularyFile})},
  };
}
