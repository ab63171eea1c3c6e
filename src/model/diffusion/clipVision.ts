// CLIP's vision encoder, as the safety checker looks at a picture (transformers 4.31, models/clip/modeling_clip.py).
// B pictures, N patches + 1 (the class token), H heads, C width, P size of the projection.
import tf from '#tfjs';
import {attention, linear, patchEmbedding} from '../../kernels/index.js';
import {LayerNorm, Linear, mergeHeads, splitHeads, type WeightSource} from '../layers.js';
import {traced} from '../trace.js';

export interface ClipVisionConfig {
  readonly imageSize: number; // pixels, square
  readonly patchSize: number;
  readonly layers: number;
  readonly width: number;
  readonly mlpWidth: number;
  readonly numHeads: number;
  readonly layerNormEps: number;
  readonly projectionSize: number;
}

/** x · sigmoid(1.702 x) */
function quickGelu<T extends tf.Tensor>(x: T): T {
  return tf.mul(x, tf.sigmoid(tf.mul(x, 1.702)));
}

class Attention {
  private readonly query: Linear;
  private readonly key: Linear;
  private readonly value: Linear;
  private readonly out: Linear;
  private readonly numHeads: number;
  private readonly scale: number;

  constructor(weights: WeightSource, {width, numHeads}: ClipVisionConfig) {
    const linear = (name: string) => new Linear(weights.scope(name), width, width, {bias: true});
    this.query = linear('q_proj');
    this.key = linear('k_proj');
    this.value = linear('v_proj');
    this.out = linear('out_proj');
    this.numHeads = numHeads;
    this.scale = (width / numHeads) ** -0.5;
  }

  /** x [B, N, C] -> [B, N, C] */
  forward(x: tf.Tensor3D): tf.Tensor3D {
    const heads = (projection: Linear) => splitHeads(projection.forward(x), this.numHeads);
    const [q, k, v] = [heads(this.query), heads(this.key), heads(this.value)];
    return this.out.forward(mergeHeads(attention(q, k, v, {scale: this.scale, isCausal: false})));
  }
}

class Layer {
  private readonly norm1: LayerNorm;
  private readonly attention: Attention;
  private readonly norm2: LayerNorm;
  private readonly fc1: Linear;
  private readonly fc2: Linear;

  constructor(weights: WeightSource, config: ClipVisionConfig) {
    const {width, mlpWidth, layerNormEps} = config;
    this.norm1 = new LayerNorm(weights.scope('layer_norm1'), width, layerNormEps);
    this.attention = new Attention(weights.scope('self_attn'), config);
    this.norm2 = new LayerNorm(weights.scope('layer_norm2'), width, layerNormEps);
    this.fc1 = new Linear(weights.scope('mlp.fc1'), width, mlpWidth, {bias: true});
    this.fc2 = new Linear(weights.scope('mlp.fc2'), mlpWidth, width, {bias: true});
  }

  forward(x: tf.Tensor3D): tf.Tensor3D {
    return tf.tidy(() => {
      const attended = tf.add(x, this.attention.forward(this.norm1.forward(x))) as tf.Tensor3D;
      const mixed = this.fc2.forward(quickGelu(this.fc1.forward(this.norm2.forward(attended))));
      return tf.add(attended, mixed);
    });
  }
}

/** Pixels -> one projected embedding a picture. */
export class ClipVision {
  private readonly classEmbedding: tf.Tensor1D;
  private readonly patchWeight: tf.Tensor4D;
  private readonly positions: tf.Tensor2D;
  private readonly preNorm: LayerNorm;
  private readonly layers: readonly Layer[];
  private readonly postNorm: LayerNorm;
  private readonly projection: tf.Tensor2D;

  constructor(
    weights: WeightSource,
    readonly config: ClipVisionConfig,
  ) {
    const {imageSize, patchSize, width, layerNormEps, projectionSize} = config;
    const own = weights.scope('vision_model.vision_model');
    const embeddings = own.scope('embeddings');
    const numPatches = Math.floor(imageSize / patchSize) ** 2;
    this.classEmbedding = embeddings.tensor('class_embedding', [width]) as tf.Tensor1D;
    const patchShape = [width, 3, patchSize, patchSize];
    this.patchWeight = embeddings.tensor('patch_embedding.weight', patchShape) as tf.Tensor4D;
    const positionShape = [numPatches + 1, width];
    this.positions = embeddings.tensor('position_embedding.weight', positionShape) as tf.Tensor2D;
    this.preNorm = new LayerNorm(own.scope('pre_layrnorm'), width, layerNormEps); // their spelling
    this.layers = Array.from(
      {length: config.layers},
      (_, i) => new Layer(own.scope(`encoder.layers.${i}`), config),
    );
    this.postNorm = new LayerNorm(own.scope('post_layernorm'), width, layerNormEps);
    const shape = [projectionSize, width];
    this.projection = weights.tensor('visual_projection.weight', shape) as tf.Tensor2D;
  }

  /** pixels [B, 3, size, size] -> [B, P] */
  forward(pixels: tf.Tensor4D): tf.Tensor2D {
    return tf.tidy(() => {
      const batch = pixels.shape[0];
      const {width} = this.config;
      const noBias = tf.zeros<tf.Rank.R1>([width]);
      const patches = patchEmbedding(pixels, this.patchWeight, noBias);
      const cls = tf.tile(tf.reshape(this.classEmbedding, [1, 1, width]), [batch, 1, 1]);
      const embedded = tf.add(tf.concat([cls, patches], 1), this.positions) as tf.Tensor3D;
      let x = traced('safety.hidden_states.0', this.preNorm.forward(embedded));
      for (const [i, layer] of this.layers.entries())
        x = traced(`safety.hidden_states.${i + 1}`, layer.forward(x));
      const first = tf.squeeze<tf.Tensor2D>(tf.slice(x, [0, 0, 0], [batch, 1, width]), [1]);
      const pooled = traced('safety.pooled', this.postNorm.forward(first));
      return traced('safety.image_embeds', linear(pooled, this.projection) as tf.Tensor2D);
    });
  }
}
