// Low-rank adaptation of a linear layer (arXiv 2106.09685; official code: peft's LoraLayer).
import tf from '#tfjs';
import {dropout} from './dropout.js';
import {Linear, type WeightSource} from './layers.js';

export interface LoraConfig {
  readonly rank: number;
  readonly alpha: number;
  /** Tokens whose embeddings are `embed_rows` instead of the table's. */
  readonly tokenRows?: readonly number[] | undefined;
}

/** y = x Wᵀ + (alpha / rank) · (x Aᵀ) Bᵀ, under the names that peft < 0.7 writes. */
export class LoraLinear {
  private readonly base: Linear;
  private readonly loraA: Linear;
  private readonly loraB: Linear;
  private readonly scale: number;

  constructor(weights: WeightSource, inSize: number, outSize: number, {rank, alpha}: LoraConfig) {
    const options = {bias: false};
    this.base = new Linear(weights, inSize, outSize, options);
    this.loraA = new Linear(weights.scope('lora_A.default'), inSize, rank, options);
    this.loraB = new Linear(weights.scope('lora_B.default'), rank, outSize, options);
    this.scale = alpha / rank;
  }

  /** x [..., inSize] -> [..., outSize] */
  forward<T extends tf.Tensor>(x: T): T {
    const delta = this.loraB.forward(this.loraA.forward(dropout(x)));
    const scaled = this.scale === 1 ? delta : tf.mul(delta, this.scale);
    return tf.add(this.base.forward(x), scaled) as T;
  }
}
