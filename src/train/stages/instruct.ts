// `emu train instruct`: LoRA on the language model's attention and the embeddings of the turn tokens, all
// else frozen; loss on the answers only. C hidden size.
import tf from '#tfjs';
import {InputError} from '../../errors.js';
import {type EmuConfig, EmuModel} from '../../model/emu.js';
import {withDropout} from '../../model/dropout.js';
import {Random} from '../../random.js';
import type {Tokenizer} from '../../text/tokenizer.js';
import {llamaPrefix} from '../../weights/emuTensors.js';
import {TunedWeights} from '../../weights/tuning.js';
import {continueRows} from '../continueRows.js';
import type {Batch} from '../data/batch.js';
import type {BatchPart} from '../gradients.js';
import {type PicturedDocuments, splitRows} from '../microBatches.js';
import {documentLosses, type LossTerms} from '../objective.js';
import {checkOfficial} from '../officialFolder.js';
import type {InstructPhase, InstructRecipe} from '../recipe/instruct.js';
import {saveTuning} from '../saveTuning.js';
import type {SampleText, Stage} from '../stage.js';
import type {InitialModel} from '../trainedModel.js';
import {Variables} from '../variables.js';

export interface InstructSetup {
  readonly recipe: InstructRecipe;
  readonly initial: InitialModel;
  /** Knows [USER] and [ASSISTANT]. */
  readonly tokenizer: Tokenizer;
}

export class InstructStage implements Stage<InstructPhase> {
  readonly config: EmuConfig;
  readonly parameters: ReadonlyMap<string, tf.Variable>;
  private readonly variables: Variables;
  private readonly model: EmuModel;
  private readonly random: Random;

  constructor(private readonly setup: InstructSetup) {
    const {recipe, initial, tokenizer} = setup;
    const {rank, alpha, turnTokens} = recipe.lora;
    const {user, assistant} = tokenizer.ids;
    if (user === undefined || assistant === undefined)
      throw new InputError(
        initial.checkpoint.path,
        'its vocabulary lacks [USER] and [ASSISTANT]',
        'pretrain with vocabulary: words, which adds them',
      );
    const {path: base} = initial.checkpoint;
    if (!turnTokens && assistant >= initial.config.llama.vocabSize)
      throw new InputError(
        base,
        'it has no embeddings of [USER] and [ASSISTANT] to leave as they are',
        'lora.turnTokens: true learns them',
      );
    const before = initial.tuning?.config.lora ?? initial.config.lora;
    if (before && (before.rank !== rank || before.alpha !== alpha))
      throw new InputError(
        base,
        `its tuning, which would go on, has rank ${before.rank} and alpha ${before.alpha}, the recipe's lora ${rank} and ${alpha}`,
      );
    if (initial.tuning && initial.tuning.config.llama.vocabSize !== initial.config.llama.vocabSize)
      throw new InputError(
        initial.tuning.file,
        'it has vocabulary tables of its own, which training cannot go on with',
        'start from the instruct checkpoint that it was converted from',
      );
    checkOfficial(recipe.save, initial.config);
    const tokenRows = turnTokens ? {tokenRows: [user, assistant]} : {};
    this.config = {...initial.config, lora: {rank, alpha, ...tokenRows}};
    this.random = new Random(recipe.seed);
    this.variables = new Variables((name, shape) => this.initialValue(name, shape));
    const isBaseWrapped = initial.config.lora !== undefined;
    const weights = new TunedWeights(initial.weights, this.variables, isBaseWrapped);
    this.model = new EmuModel(weights, this.config);
    this.parameters = this.variables.all;
  }

  rate(_name: string, {learningRate}: InstructPhase): number {
    return learningRate;
  }

  counts(batch: Batch): number[] {
    return [batch.numLabels];
  }

  parts(batch: Batch, phase: InstructPhase, totals: readonly number[], step?: number): BatchPart[] {
    const rows = phase.microBatch ?? batch.ids.length;
    const {image} = this.setup.tokenizer.ids;
    return splitRows(batch, rows, image, this.config).map(
      (documents, i) => () => this.answers(documents, totals[0]!, step, i),
    );
  }

  continueRows(batch: Batch, maxTokens: number): Promise<SampleText[]> {
    return continueRows(this.model, this.setup.tokenizer, batch, maxTokens);
  }

  save(folder: string, values: ReadonlyMap<string, tf.Tensor>): void {
    saveTuning(folder, this.setup, this.config, values);
  }

  dispose(): void {
    this.variables.dispose();
    this.setup.initial.close();
  }

  private answers(
    documents: PicturedDocuments,
    text: number,
    step: number | undefined,
    part: number,
  ): () => LossTerms {
    const {model} = this;
    const {recipe, tokenizer} = this.setup;
    const {imageSize} = this.config.vision;
    const count = documents.pixels.length / (3 * imageSize ** 2);
    // The towers before the language model are frozen: no gradient goes through them.
    const embeds =
      count === 0
        ? undefined
        : model.encodeImages(tf.tensor4d(documents.pixels, [count, 3, imageSize, imageSize]));
    const options = {
      textWeight: 1,
      regressionWeight: 0,
      reduction: 'mean',
      totals: {text, regression: 0},
    } as const;
    const losses = () => documentLosses(model, documents, embeds, tokenizer.ids, options);
    const {dropout} = recipe.lora;
    if (step === undefined || dropout === 0) return losses;
    // A stream of its own for each part of each step, so that a resumed run drops the same.
    const random = new Random(recipe.seed, 1 + step * 4096 + part);
    return () => withDropout(dropout, random, losses);
  }

  /** The tuning that goes on, or a new one: LoRA's A as PyTorch initializes a linear layer, B zero (peft). */
  private initialValue(name: string, shape: readonly number[]): tf.Tensor {
    const {config, weights, tuning} = this.setup.initial;
    if (name === 'embed_rows') {
      const hasRows = tuning?.config.lora?.tokenRows !== undefined;
      return hasRows ? tuning.weights.tensor(name, shape) : this.initialRows();
    }
    if (tuning) return tuning.weights.tensor(name, shape);
    if (config.lora) return weights.tensor(name, shape);
    if (name.includes('.lora_B.')) return tf.zeros([...shape]);
    const [rows, columns] = shape as [number, number];
    const bound = 1 / Math.sqrt(columns);
    const values = Float32Array.from({length: rows * columns}, () =>
      this.random.between(-bound, bound),
    );
    return tf.tensor2d(values, [rows, columns]);
  }

  /** The turn tokens' own rows; where the table has none, the mean of all (official code: prepare_model). */
  private initialRows(): tf.Tensor {
    const {config, weights} = this.setup.initial;
    const {vocabSize, hiddenSize} = config.llama;
    const name = `${llamaPrefix(config)}.model.embed_tokens.weight`;
    const table = weights.tensor(name, [vocabSize, hiddenSize]);
    const ids = this.config.lora!.tokenRows!;
    if (ids.every((id) => id < vocabSize)) return tf.gather(table, tf.tensor1d([...ids], 'int32'));
    const mean = tf.mean(tf.tensor2d(table.dataSync() as Float32Array, [vocabSize, hiddenSize]), 0);
    return tf.tile(tf.expandDims(mean), [ids.length, 1]);
  }
}
