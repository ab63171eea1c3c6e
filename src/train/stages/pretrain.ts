// `emu train pretrain`: the paper's objective on all towers or some, after an optional warm-up of the vision
// encoder that stands for EVA-CLIP. C vision width, V vocabulary.
import tf from '#tfjs';
import {InputError} from '../../errors.js';
import {ConvStem, type NormalizationMode} from '../../model/convStem.js';
import {type EmuConfig, EmuModel} from '../../model/emu.js';
import {Random} from '../../random.js';
import type {Tokenizer} from '../../text/tokenizer.js';
import {isVocabularyTable} from '../../weights/emuTensors.js';
import {storedTensors} from '../../weights/tensorsToWrite.js';
import {writeDescription, writeModel, writeOfficial} from '../../weights/writeModel.js';
import {continueRows} from '../continueRows.js';
import type {Batch} from '../data/batch.js';
import {encodedTensors} from '../encodedTensors.js';
import type {BatchPart} from '../gradients.js';
import {initialWeight} from '../initialize.js';
import {type PicturedDocuments, splitRows} from '../microBatches.js';
import {documentLosses, type LossTerms} from '../objective.js';
import {checkOfficial, officialFolder} from '../officialFolder.js';
import {towerOf} from '../parameters.js';
import type {PretrainPhase, PretrainRecipe} from '../recipe/pretrain.js';
import type {SampleText, Stage} from '../stage.js';
import type {InitialModel} from '../trainedModel.js';
import {Variables} from '../variables.js';
import {growTable, type Vocabulary} from '../vocabulary.js';
import {classificationLoss, contrastiveLoss} from '../warmup.js';

const WARMUP = 'warmup.';

type Statistics = NormalizationMode['statistics'];

export interface PretrainSetup {
  readonly recipe: PretrainRecipe;
  /** The model that the recipe goes on with. */
  readonly initial?: InitialModel | undefined;
  readonly vocabulary: Vocabulary;
  /** Kinds of things that pictures are labelled with. */
  readonly numClasses: number;
}

/** Sizes of the initial model or the recipe's, with the vocabulary's. */
function configOf({recipe, initial, vocabulary}: PretrainSetup): EmuConfig {
  const {vision, causalFormer, llama} = initial?.config ?? recipe.model!;
  return {vision, causalFormer, llama: {...llama, vocabSize: vocabulary.tokenizer.vocabSize}};
}

/** Whether no phase changes it: then it stays in the initial model's file. */
function isAlwaysFrozen(name: string, {recipe, vocabulary}: PretrainSetup): boolean {
  if (vocabulary.added > 0 && isVocabularyTable(name)) return false;
  return recipe.phases.every(
    ({learningRates, freeze}) =>
      !learningRates[towerOf(name)] || freeze.some((pattern) => new RegExp(pattern).test(name)),
  );
}

export class PretrainStage implements Stage<PretrainPhase> {
  readonly config: EmuConfig;
  readonly parameters: ReadonlyMap<string, tf.Variable>;
  private readonly variables: Variables;
  private readonly model: EmuModel;
  private readonly tokenizer: Tokenizer;

  constructor(private readonly setup: PretrainSetup) {
    const {recipe, initial, vocabulary, numClasses} = setup;
    const config = configOf(setup);
    checkOfficial(recipe.save, config);
    const random = new Random(recipe.seed);
    this.variables = new Variables(
      (name, shape) => {
        if (!initial || name.startsWith(WARMUP)) return initialWeight(name, shape, config, random);
        if (vocabulary.added === 0 || !isVocabularyTable(name))
          return initial.weights.tensor(name, shape);
        const [rows, size] = shape as [number, number];
        const table = initial.weights.tensor(name, [rows - vocabulary.added, size]);
        return growTable(table as tf.Tensor2D, rows, random);
      },
      initial && {weights: initial.weights, isFrozen: (name) => isAlwaysFrozen(name, setup)},
    );
    this.model = new EmuModel(this.variables, config);
    const objectives = new Set(recipe.phases.map(({objective}) => objective));
    const {width} = config.vision;
    const warmup = this.variables.scope('warmup');
    if (objectives.has('classify')) warmup.tensor('classes.weight', [numClasses, width]);
    if (objectives.has('contrast')) {
      warmup.tensor('words.weight', [config.llama.vocabSize, width]);
      warmup.tensor('scale', [1]);
    }
    this.config = config;
    this.parameters = this.variables.all;
    this.tokenizer = vocabulary.tokenizer;
  }

  /** Whether a phase trains a stem of convolutions, whose batch norm depends on which rows come together. */
  get learnsStem(): boolean {
    const {phases} = this.setup.recipe;
    return (
      this.config.vision.stem !== undefined &&
      phases.some(({learningRates}) => learningRates.vision !== undefined)
    );
  }

  rate(name: string, {objective, learningRates}: PretrainPhase): number | undefined {
    const isWarmup = objective !== 'documents';
    if (name.startsWith(WARMUP) && !isWarmup) return undefined;
    // A warm-up is the vision encoder's.
    return isWarmup && towerOf(name) !== 'vision' ? undefined : learningRates[towerOf(name)];
  }

  counts(batch: Batch, {objective}: PretrainPhase): number[] {
    if (objective !== 'documents') return [batch.pixels.length / this.pixelsPerPicture];
    return [batch.numLabels, batch.numPairs];
  }

  parts(batch: Batch, phase: PretrainPhase, totals: readonly number[], step?: number): BatchPart[] {
    const statistics = step !== undefined && phase.learningRates.vision ? 'batch' : 'running';
    if (phase.objective === 'classify' && !batch.classes)
      throw new InputError(
        batch.names[0]?.[0] ?? 'data',
        `phase ${phase.name} classifies, but not every sample says what it shows`,
        'read sources that do (emoji with captions only)',
      );
    if (phase.objective !== 'documents')
      return [() => this.warmup(batch, phase, totals[0]!, statistics)];
    const rows = phase.microBatch ?? batch.ids.length;
    return splitRows(batch, rows, this.tokenizer.ids.image, this.config).map(
      (documents) => () => this.documents(documents, phase, totals, statistics),
    );
  }

  continueRows(batch: Batch, maxTokens: number): Promise<SampleText[]> {
    return continueRows(this.model, this.tokenizer, batch, maxTokens);
  }

  save(folder: string, values: ReadonlyMap<string, tf.Tensor>): void {
    const {recipe, initial, vocabulary} = this.setup;
    const {encoding, official} = recipe.save;
    const model = new Map([...values].filter(([name]) => !name.startsWith(WARMUP)));
    const rest = initial ? storedTensors(initial.checkpoint, model) : [];
    const tensors = [...encodedTensors(model, encoding), ...rest];
    const {words} = vocabulary;
    const vocabularyFile = initial?.vocabularyFile;
    const saved = {config: this.config, mode: 'pretrain', words, vocabularyFile} as const;
    writeDescription(folder, saved);
    writeModel(folder, tensors);
    if (official) writeOfficial(officialFolder(folder), saved, tensors, encoding);
  }

  dispose(): void {
    this.variables.dispose();
    this.setup.initial?.close();
  }

  private get pixelsPerPicture(): number {
    return 3 * this.config.vision.imageSize ** 2;
  }

  /** The paper's objective on some documents. */
  private documents(
    documents: PicturedDocuments,
    phase: PretrainPhase,
    [text, regression]: readonly number[],
    statistics: Statistics,
  ): () => LossTerms {
    const {textWeight, regressionWeight, regressionReduction: reduction, learningRates} = phase;
    const {model, tokenizer} = this;
    const pixels = this.pixels(documents.pixels);
    this.normalize(statistics);
    // What no gradient goes through runs outside of its tape.
    const states = learningRates.vision || !pixels ? undefined : model.visionStates(pixels);
    const embeds =
      learningRates.causalFormer || !states ? undefined : model.causalFormer.forward(states);
    return () => {
      const imageEmbeds =
        embeds ?? (pixels && model.causalFormer.forward(states ?? model.visionStates(pixels)));
      this.normalize('running');
      const totals = {text: text!, regression: regression!};
      const options = {textWeight, regressionWeight, reduction, totals};
      return documentLosses(model, documents, imageEmbeds, tokenizer.ids, options);
    };
  }

  private warmup(
    batch: Batch,
    phase: PretrainPhase,
    total: number,
    statistics: Statistics,
  ): () => LossTerms {
    const pixels = this.pixels(batch.pixels)!;
    const {all} = this.variables;
    this.normalize(statistics);
    return () => {
      const states = this.model.visionStates(pixels);
      this.normalize('running');
      const {loss, right} =
        phase.objective === 'classify'
          ? classificationLoss(
              states,
              all.get('warmup.classes.weight') as unknown as tf.Tensor2D,
              batch.classes!,
              phase.labelSmoothing,
            )
          : contrastiveLoss(
              states,
              all.get('warmup.words.weight') as unknown as tf.Tensor2D,
              all.get('warmup.scale') as unknown as tf.Tensor1D,
              batch.labels.map((row) => row.filter((label) => label >= 0)),
            );
      return {loss: tf.div(loss, total), accuracy: tf.div(right, total)};
    };
  }

  private pixels(values: Float32Array): tf.Tensor4D | undefined {
    const {imageSize} = this.config.vision;
    const count = values.length / this.pixelsPerPicture;
    if (count === 0) return undefined;
    return tf.tensor4d(values, [count, 3, imageSize, imageSize]);
  }

  private normalize(statistics: Statistics): void {
    const {patchEmbed} = this.model.visual;
    if (patchEmbed instanceof ConvStem) patchEmbed.mode.statistics = statistics;
  }
}
