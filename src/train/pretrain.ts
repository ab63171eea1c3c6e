// `emu train pretrain`: the paper's objective, on all towers or some, phase by phase.
import {performance} from 'node:perf_hooks';
import {setImmediate} from 'node:timers/promises';
import * as tf from '@tensorflow/tfjs';
import {stringify} from 'yaml';
import {softmaxCrossEntropy, sumOfSquares} from '../kernels/index.js';
import {type EmuConfig, EmuModel} from '../model/emu.js';
import {countingPositions} from '../model/llama.js';
import {ConvStem} from '../model/convStem.js';
import {WordTokenizer} from '../text/wordTokenizer.js';
import {AdamW} from './adamw.js';
import {RunFolder} from './checkpoint.js';
import type {Concept} from './emoji/art.js';
import type {Augmentation} from './emoji/compose.js';
import {EmojiSource, type LabelledBatch, type PictureBatch, readConcepts} from './emoji/source.js';
import {vocabulary} from './emoji/words.js';
import {initialWeight} from './initialize.js';
import {captioningLoss, regressionLoss, regressionPairs, textLabels} from './losses.js';
import {Random} from '../random.js';
import {besideRecipe, type Phase, type Recipe, readRecipe} from './recipe.js';
import {learningRateFactor} from './schedule.js';
import {Variables} from './variables.js';

export interface PretrainOptions {
  readonly recipeFile: string;
  readonly out: string;
  readonly overrides?: readonly string[];
  readonly resume?: boolean;
  /** Ends with a checkpoint after so long. */
  readonly maxMinutes?: number;
  readonly signal?: AbortSignal;
  readonly onNote?: (line: string) => void;
  readonly onProgress?: (progress: TrainingProgress) => void;
}

export interface TrainingProgress {
  readonly phase: string;
  readonly step: number;
  readonly totalSteps: number;
  readonly loss: number;
  readonly samplesPerSecond: number;
  readonly secondsLeft: number;
}

type Tower = 'vision' | 'causalFormer' | 'llama';

/** Which tower a weight belongs to; the warm-up's classifier learns with the vision encoder. */
function towerOf(name: string): Tower {
  if (/^(visual|ln_visual|classifier)\./.test(name)) return 'vision';
  return name.startsWith('cformer.') ? 'causalFormer' : 'llama';
}

/** Weight decay is for matrices; norms, biases, tables of positions and tokens go without. */
function decays(name: string, variable: tf.Variable): boolean {
  const isTable = /embed_tokens|pos_embed|cls_token|causal_tokens|relative_attention_bias/.test(
    name,
  );
  return variable.shape.length > 1 && !isTable;
}

/** Scale of the cosine between a picture's pooled states and a concept's vector. */
const COSINE_SCALE = 20;

export class Pretraining {
  private readonly random: Random;
  private readonly variables: Variables;
  private readonly model: EmuModel;
  private readonly optimizer: AdamW;
  private readonly words: string[];
  private readonly tokenizer: WordTokenizer;
  private readonly config: EmuConfig;
  private step = 0;

  private constructor(
    private readonly recipe: Recipe,
    private readonly run: RunFolder,
    concepts: readonly Concept[],
    private readonly source: EmojiSource,
  ) {
    this.random = new Random(recipe.seed);
    this.words = vocabulary(concepts);
    this.tokenizer = new WordTokenizer(this.words);
    const {vision, causalFormer, llama} = recipe.model;
    this.config = {vision, causalFormer, llama: {...llama, vocabSize: this.words.length}};
    this.variables = new Variables((name, shape) =>
      initialWeight(name, shape, this.config, this.random),
    );
    this.model = new EmuModel(this.variables, this.config);
    this.variables.tensor('classifier.weight', [concepts.length, vision.width]);
    const {beta1, beta2, eps, weightDecay} = recipe.optimizer;
    this.optimizer = new AdamW({beta1, beta2, eps, weightDecay});
  }

  static async start(options: PretrainOptions): Promise<Pretraining> {
    const {recipeFile, out, overrides = [], resume = false, onNote = () => {}} = options;
    const run = new RunFolder(out);
    const recipe = readRecipe(resume ? run.recipeFile() : recipeFile, overrides);
    if (!resume)
      run.create(
        // The run's own copy names its data by full path, so it can be resumed from anywhere.
        stringify({
          ...recipe,
          data: {...recipe.data, concepts: besideRecipe(recipeFile, recipe.data.concepts)},
        }),
      );
    const concepts = readConcepts(recipeFile, recipe.data.concepts);
    const source = await EmojiSource.open(recipe, concepts, onNote);
    const training = new Pretraining(recipe, run, concepts, source);
    if (resume) training.restore();
    const parameters = [...training.variables.all].filter(
      ([name]) => towerOf(name) && !/^classifier/.test(name),
    );
    const count = parameters.reduce((sum, [, {size}]) => sum + size, 0);
    onNote(`${(count / 1e6).toFixed(2)} M parameters, ${training.words.length} words`);
    return training;
  }

  /** Runs the phases from where the run stands; saves at the end, now and then, and when stopped. */
  async train({
    maxMinutes,
    signal,
    onNote = () => {},
    onProgress = () => {},
  }: PretrainOptions): Promise<void> {
    const started = performance.now();
    const minutes = () => (performance.now() - started) / 60_000;
    let savedAt = 0;
    let firstStep = 0;
    for (const phase of this.recipe.phases) {
      while (this.step < firstStep + phase.steps) {
        if (signal?.aborted || (maxMinutes !== undefined && minutes() >= maxMinutes)) {
          this.save(phase);
          onNote(`stopped at step ${this.step}; go on with --resume`);
          return;
        }
        const began = performance.now();
        const inPhase = this.step - firstStep + 1;
        const metrics = this.trainStep(phase, inPhase);
        this.step++;
        const seconds = (performance.now() - began) / 1000;
        if (this.step % this.recipe.logEvery === 0 || inPhase === phase.steps) {
          this.run.log({phase: phase.name, step: this.step, ...metrics, seconds});
          onProgress({
            phase: phase.name,
            step: inPhase,
            totalSteps: phase.steps,
            loss: metrics.loss!,
            samplesPerSecond: phase.batch / seconds,
            secondsLeft: seconds * (phase.steps - inPhase),
          });
        }
        if (minutes() - savedAt > this.recipe.checkpointMinutes) {
          this.save(phase);
          savedAt = minutes();
        }
        await setImmediate(); // lets Ctrl-C and the progress bar through
      }
      firstStep += phase.steps;
      if (this.step === firstStep) {
        this.save(phase);
        savedAt = minutes();
        onNote(`phase ${phase.name} done`);
      }
    }
  }

  private trainStep(phase: Phase, step: number): Record<string, number> {
    const augmentation = this.augmentationAt(phase, step);
    return tf.tidy(() => {
      const {losses, grads} = this.gradients(phase, augmentation);
      const norm = Math.sqrt(sumOfSquares(Object.values(grads)));
      const {clipNorm} = this.recipe.optimizer;
      const schedule = {
        warmupSteps: phase.warmupSteps,
        totalSteps: phase.steps,
        finalShare: phase.finalShare,
      };
      const factor = learningRateFactor(step, schedule);
      this.optimizer.step(
        this.variables.all,
        grads,
        (name) => factor * phase.learningRates[towerOf(name)]!,
        (name) => decays(name, this.variables.all.get(name)!),
        Math.min(1, clipNorm / (norm + 1e-6)),
      );
      return {...losses, gradientNorm: norm, rate: factor};
    });
  }

  /** The losses of one batch, and the gradients of the towers that learn, by name. */
  private gradients(phase: Phase, augmentation: Augmentation) {
    const learning = [...this.variables.all].filter(([name]) => {
      const isUsed = (phase.objective === 'classify') === name.startsWith('classifier.');
      const belongs = isUsed || !name.startsWith('classifier.');
      return belongs && phase.learningRates[towerOf(name)] && !/running_(mean|var)$/.test(name);
    });
    this.normalize(phase.learningRates.vision ? 'batch' : 'running');
    const losses: Record<string, number> = {};
    const objective =
      phase.objective === 'classify'
        ? this.classification(phase, augmentation, losses)
        : this.documents(phase, augmentation, losses);
    const {value, grads} = tf.variableGrads(
      objective,
      learning.map(([, variable]) => variable),
    );
    losses.loss = value.dataSync()[0]!;
    this.normalize('running');
    const nameOf = new Map(learning.map(([name, variable]) => [variable.name, name]));
    const named: Record<string, tf.Tensor> = {};
    for (const [id, grad] of Object.entries(grads)) if (grad) named[nameOf.get(id)!] = grad;
    return {losses, grads: named};
  }

  /** Name the picture: a cosine classifier on the mean of the states that the C-Former will read. */
  private classification(
    {batch, labelSmoothing}: Phase,
    augmentation: Augmentation,
    losses: Record<string, number>,
  ): () => tf.Scalar {
    const pictures = this.source.pictures(batch, augmentation, this.random);
    const pixels = this.pixels(pictures);
    return () => {
      const logits = this.classify(pixels);
      const labels = tf.tensor1d(pictures.labels as number[], 'int32');
      const loss = tf.mean(softmaxCrossEntropy(logits, labels)) as tf.Scalar;
      losses.accuracy = this.accuracy(logits, pictures);
      if (labelSmoothing === 0) return loss;
      const uniform = tf.neg(tf.mean(tf.logSoftmax(logits))) as tf.Scalar;
      return tf.add(tf.mul(loss, 1 - labelSmoothing), tf.mul(uniform, labelSmoothing));
    };
  }

  private classify(pixels: tf.Tensor4D): tf.Tensor2D {
    const pooled = tf.mean(this.model.visionStates(pixels), 1) as tf.Tensor2D;
    const unit = (x: tf.Tensor2D) =>
      tf.div(x, tf.add(tf.norm(x, 'euclidean', 1, true), 1e-6)) as tf.Tensor2D;
    const classes = this.variables.all.get('classifier.weight') as unknown as tf.Tensor2D;
    const cosine = tf.matMul(unit(pooled), unit(classes), false, true);
    return tf.mul(cosine, COSINE_SCALE) as tf.Tensor2D;
  }

  private accuracy(logits: tf.Tensor2D, {labels, count}: LabelledBatch): number {
    const best = tf.argMax(logits, 1).dataSync();
    return labels.filter((label, i) => label === best[i]).length / count;
  }

  /** The paper's objective on a batch of documents. */
  private documents(
    {batch, regressionWeight, learningRates}: Phase,
    augmentation: Augmentation,
    losses: Record<string, number>,
  ): () => tf.Scalar {
    const {numTokens} = this.config.causalFormer;
    const documents = this.source.documentBatch(
      batch,
      numTokens,
      augmentation,
      this.tokenizer,
      this.random,
    );
    const {ids, lengths} = documents;
    const pixels = this.pixels(documents);
    // A frozen vision encoder runs outside of the gradient's tape.
    const frozenStates = learningRates.vision ? undefined : this.model.visionStates(pixels);
    return () => {
      const states = frozenStates ?? this.model.visionStates(pixels);
      const embeds = this.model.causalFormer.forward(states);
      const inputs = this.model.embedPrompt(ids, this.tokenizer.ids.image, embeds);
      const hidden = this.model.llama.forward(inputs, {
        positions: countingPositions(ids.length, ids[0]!.length),
        keyEnd: tf.tensor1d(lengths as number[], 'int32'),
      });
      const labels = ids.map((row) => textLabels(row, this.tokenizer.ids));
      const text = captioningLoss(this.model.llama, hidden, labels);
      losses.text = text.dataSync()[0]!;
      if (regressionWeight === 0) return text;
      const pairs = regressionPairs(ids, this.tokenizer.ids);
      const regression = regressionLoss(this.model.llama, hidden, inputs, pairs);
      losses.regression = regression.dataSync()[0]!;
      return tf.add(text, tf.mul(regression, regressionWeight));
    };
  }

  private pixels({pixels, count, size}: PictureBatch): tf.Tensor4D {
    return tf.tensor4d(pixels, [count, 3, size, size]);
  }

  private augmentationAt({curriculum, steps}: Phase, step: number): Augmentation {
    let end = 0;
    const now = curriculum.find(({share}) => {
      end += share * steps;
      return step <= end;
    });
    return this.recipe.augmentations[(now ?? curriculum.at(-1)!).use]!;
  }

  private get stem(): ConvStem | undefined {
    const {patchEmbed} = this.model.visual;
    return patchEmbed instanceof ConvStem ? patchEmbed : undefined;
  }

  private normalize(statistics: 'running' | 'batch'): void {
    if (this.stem) this.stem.mode.statistics = statistics;
  }

  /** Takes the statistics that inference uses from batches of the last phase's pictures. */
  private calibrate(): void {
    const random = new Random(this.recipe.seed + 1); // saving must not move the run's own stream
    const phase = this.recipe.phases.at(-1)!;
    const {use} = phase.curriculum.at(-1)!;
    this.stem?.calibrate(() => {
      for (let i = 0; i < 16; i++)
        tf.tidy(() => {
          const pictures = this.source.pictures(64, this.recipe.augmentations[use]!, random);
          this.model.visionStates(this.pixels(pictures));
        });
    });
  }

  private save(phase: Phase): void {
    // The statistics of a frozen encoder are what the language model was trained on: they stay.
    if (phase.learningRates.vision) this.calibrate();
    const {all} = this.variables;
    const weights = new Map([...all].filter(([name]) => !name.startsWith('classifier.')));
    tf.tidy(() => {
      const tensors = new Map<string, tf.Tensor>([...all, ...this.optimizer.tensors()]);
      const optimizerSteps = this.optimizer.steps;
      this.run.saveState({step: this.step, optimizerSteps, random: this.random.save()}, tensors);
      this.run.saveModel(this.config, this.words, weights);
    });
  }

  private restore(): void {
    const saved = this.run.loadState();
    if (!saved) return;
    const {state, values} = saved;
    this.step = state.step;
    this.random.restore(state.random);
    for (const [name, variable] of this.variables.all) {
      const value = values.get(name);
      if (value) tf.tidy(() => variable.assign(tf.tensor(value, variable.shape)));
    }
    this.optimizer.restore(state.optimizerSteps, this.variables.all, values);
  }
}

/** Trains by a recipe into a run folder. */
export async function pretrain(options: PretrainOptions): Promise<void> {
  const training = await Pretraining.start(options);
  await training.train(options);
}
