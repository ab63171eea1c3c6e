// The language model: LLaMA (official code: models/modeling_llama.py), with Emu's regression head.
// B sequences, T new tokens, S all tokens, H heads, D head size, C hidden size, V vocabulary.
import tf from '#tfjs';
import {attention, embedding, rope, siluGate} from '../kernels/index.js';
import {at, type Place} from '../kernels/place.js';
import {KvCache} from './kvCache.js';
import {Linear, mergeHeads, RmsNorm, splitHeads, type WeightSource} from './layers.js';
import {type LoraConfig, LoraLinear} from './lora.js';
import {ListedWeights, recomputed} from './recompute.js';
import {traced} from './trace.js';

export interface LlamaConfig {
  readonly vocabSize: number; // with the special tokens
  readonly hiddenSize: number;
  readonly layers: number;
  readonly numHeads: number;
  readonly intermediateSize: number;
  readonly rmsNormEps: number; // 1e-6 in LLaMA-1
  readonly ropeBase: number;
  readonly contextLength: number;
}

/** Which tokens are real, which see each other and where they stand. */
export interface SequenceLayout {
  /** int32 [B, T]: the position of each token for the rotary embedding. */
  readonly positions: tf.Tensor2D;
  /** int32 [B]: the first real token (padding on the left); or [B, T]: the first that each token sees. */
  readonly keyStart?: tf.Tensor1D | tf.Tensor2D;
  /** int32 [B]: one past the last real token (padding on the right). */
  readonly keyEnd?: tf.Tensor1D;
}

/** A cache and which of its rows hold each sequence's past (`KvCache.rowTable`). */
export interface CacheView {
  readonly cache: KvCache;
  readonly rows: tf.Tensor2D;
}

class Attention {
  private readonly qProj: Linear | LoraLinear;
  private readonly kProj: Linear | LoraLinear;
  private readonly vProj: Linear | LoraLinear;
  private readonly oProj: Linear | LoraLinear;

  constructor(
    weights: WeightSource,
    private readonly config: LlamaConfig,
    lora: LoraConfig | undefined,
    private readonly layer: number,
  ) {
    const {hiddenSize} = config;
    const project = (name: string) =>
      lora
        ? new LoraLinear(weights.scope(name), hiddenSize, hiddenSize, lora)
        : new Linear(weights.scope(name), hiddenSize, hiddenSize, {bias: false});
    this.qProj = project('q_proj');
    this.kProj = project('k_proj');
    this.vProj = project('v_proj');
    this.oProj = project('o_proj');
  }

  /** x [B, T, C] -> [B, T, C] */
  forward(x: tf.Tensor3D, layout: SequenceLayout, past?: CacheView): tf.Tensor3D {
    const {numHeads, hiddenSize, ropeBase} = this.config;
    const q = rope(splitHeads(this.qProj.forward(x), numHeads), layout.positions, ropeBase);
    const k = rope(splitHeads(this.kProj.forward(x), numHeads), layout.positions, ropeBase);
    const v = splitHeads(this.vProj.forward(x), numHeads);
    const masks = {
      scale: (hiddenSize / numHeads) ** -0.5,
      isCausal: true,
      ...(layout.keyStart ? {keyStart: layout.keyStart} : {}),
      ...(layout.keyEnd ? {keyEnd: layout.keyEnd} : {}),
    };
    if (!past) return this.oProj.forward(mergeHeads(attention(q, k, v, masks)));
    const {keys, values} = past.cache.append(this.layer, k, v);
    const cached = {...masks, numKeys: past.cache.length, cacheRows: past.rows};
    return this.oProj.forward(mergeHeads(attention(q, keys, values, cached)));
  }
}

class Mlp {
  private readonly gateProj: Linear;
  private readonly upProj: Linear;
  private readonly downProj: Linear;

  constructor(weights: WeightSource, {hiddenSize, intermediateSize}: LlamaConfig) {
    const options = {bias: false};
    this.gateProj = new Linear(weights.scope('gate_proj'), hiddenSize, intermediateSize, options);
    this.upProj = new Linear(weights.scope('up_proj'), hiddenSize, intermediateSize, options);
    this.downProj = new Linear(weights.scope('down_proj'), intermediateSize, hiddenSize, options);
  }

  forward(x: tf.Tensor3D): tf.Tensor3D {
    return this.downProj.forward(siluGate(this.gateProj.forward(x), this.upProj.forward(x)));
  }
}

class Block {
  private readonly inputNorm: RmsNorm;
  private readonly selfAttention: Attention;
  private readonly postAttentionNorm: RmsNorm;
  private readonly mlp: Mlp;
  private readonly weights: readonly tf.Tensor[];
  private readonly name: string;

  constructor(source: WeightSource, config: LlamaConfig, lora: LoraConfig | undefined, i: number) {
    const {hiddenSize, rmsNormEps} = config;
    const weights = new ListedWeights(source);
    this.inputNorm = new RmsNorm(weights.scope('input_layernorm'), hiddenSize, rmsNormEps);
    this.selfAttention = new Attention(weights.scope('self_attn'), config, lora, i);
    const postNorm = weights.scope('post_attention_layernorm');
    this.postAttentionNorm = new RmsNorm(postNorm, hiddenSize, rmsNormEps);
    this.mlp = new Mlp(weights.scope('mlp'), config);
    this.weights = weights.tensors;
    this.name = `llm.layers.${i}`;
  }

  forward(x: tf.Tensor3D, layout: SequenceLayout, past?: CacheView): tf.Tensor3D {
    if (past) return this.transform(x, layout, past);
    return recomputed(this.weights, {x, ...layout}, ({x, ...layout}) => this.transform(x, layout));
  }

  private transform(x: tf.Tensor3D, layout: SequenceLayout, past?: CacheView): tf.Tensor3D {
    return tf.tidy(() => {
      const attended = this.selfAttention.forward(this.inputNorm.forward(x), layout, past);
      x = tf.add(x, traced(`${this.name}.self_attn`, attended));
      return traced(
        this.name,
        tf.add(x, this.mlp.forward(this.postAttentionNorm.forward(x))) as tf.Tensor3D,
      );
    });
  }
}

/**
 * LLaMA over embeddings, with two heads: the next token, and the next visual embedding. The last `hostLayers`
 * layers are loaded and computed on the host, where the device does not hold them all.
 */
export class Llama {
  private readonly embedTokens: tf.Tensor2D;
  private readonly blocks: Readonly<Record<Place, readonly Block[]>>;
  private readonly norm: RmsNorm;
  private readonly lmHead: Linear;
  private readonly regressHead: Linear;

  constructor(
    weights: WeightSource,
    readonly config: LlamaConfig,
    lora?: LoraConfig,
    hostLayers = 0,
  ) {
    const {vocabSize, hiddenSize, layers, rmsNormEps} = config;
    const trunk = weights.scope('model');
    const shape = [vocabSize, hiddenSize];
    this.embedTokens = trunk.tensor('embed_tokens.weight', shape) as tf.Tensor2D;
    const blocks = (place: Place, from: number, to: number) =>
      Array.from({length: to - from}, (_, i) =>
        at(place, () => new Block(trunk.scope(`layers.${from + i}`), config, lora, from + i)),
      );
    const onDevice = layers - hostLayers;
    this.blocks = {
      device: blocks('device', 0, onDevice),
      host: blocks('host', onDevice, layers),
    };
    this.norm = new RmsNorm(trunk.scope('norm'), hiddenSize, rmsNormEps);
    const options = {bias: false};
    this.lmHead = new Linear(weights.scope('lm_head'), hiddenSize, vocabSize, options);
    this.regressHead = new Linear(
      weights.scope('stu_regress_head'),
      hiddenSize,
      hiddenSize,
      options,
    );
  }

  /** ids int32 [B, T] -> [B, T, C] */
  embed(ids: tf.Tensor2D): tf.Tensor3D {
    return embedding(ids, this.embedTokens) as tf.Tensor3D;
  }

  /** An empty cache for `numSequences` sequences of `capacity` positions; the caller disposes it. */
  newCache(numSequences: number, capacity: number): KvCache {
    const {numHeads, hiddenSize} = this.config;
    const {device, host} = this.blocks;
    const places = [...device.map(() => 'device' as const), ...host.map(() => 'host' as const)];
    return new KvCache(places, numSequences, capacity, numHeads, hiddenSize / numHeads);
  }

  /** inputsEmbeds [B, T, C] -> hidden states after the final norm [B, T, C]. */
  forward(inputsEmbeds: tf.Tensor3D, layout: SequenceLayout, past?: CacheView): tf.Tensor3D {
    return tf.tidy(() => {
      let x = traced('llm.inputs_embeds', inputsEmbeds);
      for (const block of this.blocks.device) x = block.forward(x, layout, past);
      if (this.blocks.host.length > 0)
        // All in one go: the change of places takes half a millisecond.
        at('host', () => {
          for (const block of this.blocks.host) x = block.forward(x, layout, past);
        });
      return traced('llm.final_norm', this.norm.forward(x));
    });
  }

  /** hidden [..., C] -> scores of the next token [..., V] */
  logits<T extends tf.Tensor>(hidden: T): T {
    return traced('llm.logits', this.lmHead.forward(hidden));
  }

  /** hidden [..., C] -> the next visual embedding [..., C] */
  regress<T extends tf.Tensor>(hidden: T): T {
    return traced('llm.regress_head', this.regressHead.forward(hidden));
  }
}

/**
 * int32 [B, T]: positions of the T tokens from the `first` of each row on, where row b is padded on the left by
 * starts[b]; 0 in the padding.
 */
export function paddedPositions(
  starts: readonly number[],
  seqLen: number,
  first: number,
): tf.Tensor2D {
  const rows = starts.map((start) =>
    Array.from({length: seqLen}, (_, t) => Math.max(0, first + t - start)),
  );
  return tf.tensor2d(rows, [starts.length, seqLen], 'int32');
}

/** int32 [B, T]: `start`, `start + 1`, ... in every row. */
export function countingPositions(batch: number, seqLen: number, start = 0): tf.Tensor2D {
  const table = Int32Array.from({length: batch * seqLen}, (_, i) => start + (i % seqLen));
  return tf.tensor2d(table, [batch, seqLen], 'int32');
}
