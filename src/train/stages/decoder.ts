// `emu train decoder`: the UNet learns to draw from visual embeddings (paper 2.3), before that on demand the
// autoencoder its latents; the model that the embeddings come from is frozen.
// B rows of a part, L latent channels, h and w of the latents, N embeddings a picture, C their size.
import tf from '#tfjs';
import {InputError} from '../../errors.js';
import {NoiseSchedule} from '../../model/diffusion/noiseSchedule.js';
import {Unet} from '../../model/diffusion/unet.js';
import {Vae} from '../../model/diffusion/vae.js';
import {type EmuConfig, EmuModel} from '../../model/emu.js';
import type {WeightSource} from '../../model/layers.js';
import {regressImages} from '../../model/regressImages.js';
import {Random} from '../../random.js';
import type {Tokenizer} from '../../text/tokenizer.js';
import type {UnetConfig, VaeConfig} from '../../weights/diffusionConfig.js';
import type {Batch} from '../data/batch.js';
import {
  type DecoderSetup,
  type InitialPart,
  openInitialUnet,
  openInitialVae,
} from '../decoderParts.js';
import {type DrawnRow, drawnRows} from '../drawnRows.js';
import type {BatchPart} from '../gradients.js';
import {noisePredictionLoss} from '../noisePrediction.js';
import type {LossTerms} from '../objective.js';
import {drawNoise, type RowNoise} from '../rowNoise.js';
import type {DecoderPhase} from '../recipe/decoder.js';
import {reconstructionLoss} from '../reconstruction.js';
import {saveDecoder} from '../saveDecoder.js';
import type {Stage} from '../stage.js';
import {Variables} from '../variables.js';

/** Scale of the latents, where the autoencoder is from nothing: 0 until it was measured. */
const SCALE = 'latents.scale';

/** Some rows of a batch: what is drawn, and what it is drawn from. */
interface Part {
  readonly batch: Batch;
  readonly rows: readonly DrawnRow[];
  /** Of the first among the rows of the step. */
  readonly firstRow: number;
}

export class DecoderStage implements Stage<DecoderPhase> {
  readonly config: EmuConfig;
  readonly parameters: ReadonlyMap<string, tf.Variable>;
  readonly tokenizer: Tokenizer;
  private readonly variables: Variables;
  private readonly model: EmuModel;
  private readonly vaePart: InitialPart<VaeConfig>;
  private readonly unetPart: InitialPart<UnetConfig> | undefined;
  private readonly vae: Vae;
  private readonly unet: Unet | undefined;
  private readonly schedule: NoiseSchedule;
  private unconditional: tf.Tensor3D | undefined;

  constructor(private readonly setup: DecoderSetup) {
    const {recipe, recipeFile, initial} = setup;
    if (initial.mode !== 'pretrain')
      throw new InputError(
        recipeFile,
        `init: ${recipe.init} is an instruct model, which draws nothing`,
        'name the pretrained one',
      );
    const random = new Random(recipe.seed);
    const trains = (objective: DecoderPhase['objective']) =>
      recipe.phases.some((phase) => phase.objective === objective);
    this.vaePart = openInitialVae(setup, random);
    this.unetPart = trains('denoise')
      ? openInitialUnet(setup, this.vaePart.config, random)
      : undefined;
    const parts = {vae: this.vaePart, unet: this.unetPart};
    this.variables = new Variables((name, shape) => {
      if (name === SCALE) return tf.zeros([...shape]);
      const [part, ...rest] = name.split('.') as ['vae' | 'unet', ...string[]];
      return parts[part]!.initial(rest.join('.'), shape);
    });
    const {stored} = this.vaePart;
    const isFrozen = stored !== undefined && !trains('reconstruct');
    const vaeWeights: WeightSource = isFrozen ? stored.weights : this.variables.scope('vae');
    this.vae = new Vae(vaeWeights, this.vaePart.config);
    if (!stored) this.variables.tensor(SCALE, [1]);
    if (this.unetPart) this.unet = new Unet(this.variables.scope('unet'), this.unetPart.config);
    this.model = new EmuModel(initial.weights, initial.config);
    this.schedule = new NoiseSchedule(recipe.noise);
    this.tokenizer = initial.tokenizer('pretrain');
    this.config = initial.config;
    this.parameters = this.variables.all;
  }

  rate(name: string, {objective, learningRate}: DecoderPhase): number | undefined {
    return name.startsWith(objective === 'denoise' ? 'unet.' : 'vae.') ? learningRate : undefined;
  }

  /** Pictures; and, while their scale is unknown: number, sum and sum of squares of the latents. */
  counts(batch: Batch, {objective}: DecoderPhase): number[] {
    const rows = this.rowsOf(batch);
    if (objective === 'reconstruct' || this.scale() !== 0) return [rows.length, 0, 0, 0];
    return tf.tidy(() => {
      const latents = this.vae.toLatents(this.targets(batch, rows));
      const sums = [tf.sum(latents), tf.sum(tf.square(latents))].map((sum) => sum.dataSync()[0]!);
      return [rows.length, latents.size, ...sums];
    });
  }

  parts(batch: Batch, phase: DecoderPhase, totals: readonly number[], step?: number): BatchPart[] {
    const rows = this.rowsOf(batch);
    if (phase.objective === 'denoise' && this.scale() === 0) this.setScale(totals);
    const size = phase.microBatch ?? rows.length;
    const parts: Part[] = [];
    for (let first = 0; first < rows.length; first += size)
      parts.push({
        batch,
        rows: rows.slice(first, first + size),
        firstRow: batch.firstRow + first,
      });
    return parts.map(
      (part) => () =>
        phase.objective === 'reconstruct'
          ? this.reconstruct(part, phase, totals[0]!, step)
          : this.denoise(part, phase, totals[0]!, step),
    );
  }

  save(folder: string, values: ReadonlyMap<string, tf.Tensor>): void {
    const {scalingFactor} = this.vaePart.config;
    saveDecoder(folder, this.setup, {
      vae: {
        ...this.vaePart,
        config: {...this.vaePart.config, scalingFactor: scalingFactor * (this.scale() || 1)},
      },
      unet: this.unetPart,
      // Averages of the UNet; it was trained on the latents of the autoencoder as it is.
      values: new Map(
        [...values].map(([name, value]) => [
          name,
          name.startsWith('unet.') ? value : this.parameters.get(name)!,
        ]),
      ),
    });
  }

  dispose(): void {
    this.variables.dispose();
    this.unconditional?.dispose();
    this.vaePart.close();
    this.unetPart?.close();
    this.setup.initial.close();
  }

  /** The noise in the latents of the part's pictures, predicted from their conditions. */
  private denoise(
    part: Part,
    phase: DecoderPhase,
    total: number,
    step: number | undefined,
  ): () => LossTerms {
    const {minSnrGamma} = phase;
    const drawn = this.drawNoise(part, phase, step);
    const pixels = this.targets(part.batch, part.rows);
    const latents = tf.mul(
      this.vae.toLatents(pixels, step === undefined ? undefined : drawn.latentNoise),
      this.scale() || 1,
    ) as tf.Tensor4D;
    const {noise, timesteps} = drawn;
    const context = this.contextOf(part, phase);
    const drop = {samples: drawn.isDropped, unconditional: this.emptyContext()};
    const share = part.rows.length / total;
    return () => {
      const batch = {latents, noise, timesteps, context, drop};
      const options = minSnrGamma === undefined ? {} : {minSnrGamma};
      const {loss, perSample} = noisePredictionLoss(this.unet!, this.schedule, batch, options);
      const own = (mean: tf.Scalar) => tf.mul(mean, share) as tf.Scalar;
      if (minSnrGamma === undefined) return {loss: own(loss)};
      return {loss: own(loss), unweighted: own(tf.mean(perSample))};
    };
  }

  /** The part's pictures through the autoencoder. */
  private reconstruct(
    part: Part,
    phase: DecoderPhase,
    total: number,
    step: number | undefined,
  ): () => LossTerms {
    const pixels = this.targets(part.batch, part.rows);
    const noise = step === undefined ? undefined : this.drawNoise(part, phase, step).latentNoise;
    const share = part.rows.length / total;
    return () => reconstructionLoss(this.vae, pixels, noise, phase, share);
  }

  /** What the UNet is shown of each row: [B, N, C] */
  private contextOf({batch, rows}: Part, {condition}: DecoderPhase): tf.Tensor3D {
    if (condition === 'causalFormer')
      return this.model.encodeImages(
        this.pictures(
          batch,
          rows.map(({drawn}) => drawn),
        ),
      );
    return tf.tidy(() => {
      const seen = rows.flatMap((row) => row.seen);
      const embeds =
        seen.length === 0 ? undefined : this.model.encodeImages(this.pictures(batch, seen));
      const prompts = rows.map(({prompt}) => prompt);
      return regressImages(this.model, prompts, this.tokenizer.ids, embeds);
    });
  }

  /** What stands for no condition, as when Emu draws: [1, N, C] */
  private emptyContext(): tf.Tensor3D {
    const prompt = this.tokenizer.encode('[IMG]', {bos: true});
    this.unconditional ??= tf.keep(
      tf.tidy(() => regressImages(this.model, [prompt], this.tokenizer.ids)),
    );
    return this.unconditional;
  }

  private drawNoise(
    {rows, firstRow}: Part,
    {dropCondition}: DecoderPhase,
    step: number | undefined,
  ): RowNoise {
    const {latentChannels, sampleSize} = this.vaePart.config;
    const side = sampleSize / this.vae.factor;
    const {seed, noise} = this.setup.recipe;
    const numbers = rows.map((_, i) => firstRow + i);
    const shape = [latentChannels, side, side] as const;
    const {numSteps} = noise;
    return drawNoise(seed, step, numbers, {shape, numSteps, dropCondition});
  }

  private rowsOf(batch: Batch): DrawnRow[] {
    const {size} = this.setup.recipe.picture;
    if (batch.targets?.length !== batch.count * 3 * size * size)
      throw new InputError(
        batch.names[0]?.[0] ?? 'data',
        'comes from a source that gives no pictures for the decoder to draw',
        "have the plug-in give context.prepare's target",
      );
    return drawnRows(batch, this.tokenizer.ids, this.config.causalFormer.numTokens);
  }

  /** The pictures that the rows draw: [B, 3, size, size] in [-1, 1] */
  private targets({targets}: Batch, rows: readonly DrawnRow[]): tf.Tensor4D {
    const {size} = this.setup.recipe.picture;
    return pick(
      targets!,
      size,
      rows.map(({drawn}) => drawn),
    );
  }

  /** Pictures by their number in the batch, as the vision encoder sees them. */
  private pictures({pixels}: Batch, numbers: readonly number[]): tf.Tensor4D {
    return pick(pixels, this.config.vision.imageSize, numbers);
  }

  /** 1: it is in the autoencoder's own factor. */
  private scale(): number {
    return this.parameters.get(SCALE)?.dataSync()[0] ?? 1;
  }

  /** Brings latents to a spread of 1 (as latent diffusion does, arXiv 2112.10752 appendix G). */
  private setScale([, count, sum, squares]: readonly number[]): void {
    const mean = sum! / count!;
    const deviation = Math.sqrt(squares! / count! - mean * mean);
    tf.tidy(() => this.parameters.get(SCALE)!.assign(tf.tensor1d([1 / deviation])));
  }
}

/** Pictures of an array of them: [B, 3, size, size] */
function pick(pictures: Float32Array, size: number, numbers: readonly number[]): tf.Tensor4D {
  const length = 3 * size * size;
  const values = new Float32Array(numbers.length * length);
  for (const [i, number] of numbers.entries())
    values.set(pictures.subarray(number * length, (number + 1) * length), i * length);
  return tf.tensor4d(values, [numbers.length, 3, size, size]);
}
