// Emu: a vision encoder and a causal transformer turn each picture into N embeddings that stand
// between text tokens; one LLaMA goes on with either (paper 2, figure 2; official code: models/modeling_emu.py).
// B sequences, T tokens, I pictures, N embeddings a picture, C the language model's width.
import tf from '#tfjs';
import {embedding} from '../kernels/index.js';
import {CausalFormer, type CausalFormerConfig} from './causalFormer.js';
import {EvaVit, type VisionConfig} from './evaVit.js';
import {LayerNorm, type WeightSource} from './layers.js';
import {Llama, type LlamaConfig} from './llama.js';
import type {LoraConfig} from './lora.js';
import {traced} from './trace.js';

export interface EmuConfig {
  readonly vision: VisionConfig;
  readonly causalFormer: CausalFormerConfig;
  readonly llama: LlamaConfig;
  /** Present in an instruction-tuned model. */
  readonly lora?: LoraConfig;
}

/** `hostLayers`: how many of the language model's layers, the last ones, its device does not hold. */
export class EmuModel {
  readonly visual: EvaVit;
  private readonly lnVisual: LayerNorm;
  readonly causalFormer: CausalFormer;
  readonly llama: Llama;
  /** Embeddings of `lora.tokenRows`, in the place of the table's. */
  private readonly embedRows: tf.Tensor2D | undefined;

  constructor(
    weights: WeightSource,
    readonly config: EmuConfig,
    hostLayers = 0,
  ) {
    const {vision, causalFormer, llama, lora} = config;
    this.visual = new EvaVit(weights.scope('visual'), vision);
    this.lnVisual = new LayerNorm(weights.scope('ln_visual'), vision.width, vision.layerNormEps);
    const cformer = weights.scope('cformer');
    this.causalFormer = new CausalFormer(cformer, causalFormer, vision.width, llama.hiddenSize);
    // peft wraps the language model, so an instruct checkpoint has two more words in every name.
    const lm = weights.scope(lora ? 'decoder.lm.base_model.model' : 'decoder.lm');
    this.llama = new Llama(lm, llama, lora, hostLayers);
    if (lora?.tokenRows) {
      const shape = [lora.tokenRows.length, llama.hiddenSize];
      this.embedRows = weights.tensor('embed_rows', shape) as tf.Tensor2D;
    }
  }

  /** pixels [I, 3, size, size] -> what the causal transformer reads [I, patches + 1, visionWidth] */
  visionStates(pixels: tf.Tensor4D): tf.Tensor3D {
    return tf.tidy(() => traced('ln_visual', this.lnVisual.forward(this.visual.forward(pixels))));
  }

  /** pixels [I, 3, size, size] -> visual embeddings [I, N, C] */
  encodeImages(pixels: tf.Tensor4D): tf.Tensor3D {
    return tf.tidy(() => this.causalFormer.forward(this.visionStates(pixels)));
  }

  /**
   * Token embeddings whose `<image>` places hold the pictures' embeddings, in row-major order, and whose
   * tuned tokens those of the tuning.
   * ids: B rows of T token ids; imageEmbeds [I, N, C] with I·N = number of `<image>` ids.
   */
  embedPrompt(
    ids: readonly (readonly number[])[],
    imageId: number,
    imageEmbeds?: tf.Tensor3D,
  ): tf.Tensor3D {
    return tf.tidy(() => {
      const batch = ids.length;
      const seqLen = ids[0]!.length;
      const flat = ids.flat();
      const tuned = new Map(this.config.lora?.tokenRows?.map((id, i) => [id, i]));
      // A tuned token may be new: the table has no row for it then.
      const inTable = tuned.size > 0 ? flat.map((id) => (tuned.has(id) ? 0 : id)) : flat;
      const tokens = this.llama.embed(tf.tensor2d(inTable, [batch, seqLen], 'int32'));
      const places = flat.filter((id) => id === imageId).length;
      const available = imageEmbeds ? imageEmbeds.shape[0] * imageEmbeds.shape[1] : 0;
      if (places !== available)
        throw new Error(
          `embedPrompt: ${places} <image> tokens, but ${available} visual embeddings`,
        );
      if (!imageEmbeds && !this.embedRows) return tokens;
      const {hiddenSize} = this.config.llama;
      const rows: tf.Tensor[] = [tf.reshape(tokens, [batch * seqLen, hiddenSize])];
      if (imageEmbeds) rows.push(tf.reshape(imageEmbeds, [available, hiddenSize]));
      if (this.embedRows) rows.push(this.embedRows);
      let nextImage = flat.length;
      const source = flat.map((id, i) => {
        if (id === imageId) return nextImage++;
        const row = tuned.get(id);
        return row === undefined ? i : flat.length + available + row;
      });
      const chosen = embedding(tf.tensor1d(source, 'int32'), tf.concat(rows));
      return tf.reshape<tf.Rank.R3>(chosen, [batch, seqLen, hiddenSize]);
    });
  }
}
