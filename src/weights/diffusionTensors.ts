// The tensors of an image decoder: every name of diffusers 0.15.1's state dicts with its shape.
import type {ExpectedTensor, ExpectedTensors} from './checkTensors.js';
import type {UnetConfig, VaeConfig} from './diffusionConfig.js';

/** Collects names; each method is a module of torch or diffusers. */
class TensorList {
  readonly required: ExpectedTensor[] = [];

  linear(name: string, inSize: number, outSize: number, hasBias = true): void {
    this.add(`${name}.weight`, outSize, inSize);
    if (hasBias) this.add(`${name}.bias`, outSize);
  }

  conv(name: string, inChannels: number, outChannels: number, size: number): void {
    this.add(`${name}.weight`, outChannels, inChannels, size, size);
    this.add(`${name}.bias`, outChannels);
  }

  norm(name: string, channels: number): void {
    this.add(`${name}.weight`, channels);
    this.add(`${name}.bias`, channels);
  }

  resnet(name: string, inChannels: number, outChannels: number, timeSize?: number): void {
    this.norm(`${name}.norm1`, inChannels);
    this.conv(`${name}.conv1`, inChannels, outChannels, 3);
    if (timeSize) this.linear(`${name}.time_emb_proj`, timeSize, outChannels);
    this.norm(`${name}.norm2`, outChannels);
    this.conv(`${name}.conv2`, outChannels, outChannels, 3);
    if (inChannels !== outChannels) this.conv(`${name}.conv_shortcut`, inChannels, outChannels, 1);
  }

  spatialTransformer(name: string, channels: number, contextSize: number): void {
    const block = `${name}.transformer_blocks.0`;
    this.norm(`${name}.norm`, channels);
    this.conv(`${name}.proj_in`, channels, channels, 1);
    for (const [attention, keySize] of [
      ['attn1', channels],
      ['attn2', contextSize],
    ] as const) {
      this.linear(`${block}.${attention}.to_q`, channels, channels, false);
      this.linear(`${block}.${attention}.to_k`, keySize, channels, false);
      this.linear(`${block}.${attention}.to_v`, keySize, channels, false);
      this.linear(`${block}.${attention}.to_out.0`, channels, channels);
    }
    this.linear(`${block}.ff.net.0.proj`, channels, 8 * channels);
    this.linear(`${block}.ff.net.2`, 4 * channels, channels);
    for (const part of [1, 2, 3]) this.norm(`${block}.norm${part}`, channels);
    this.conv(`${name}.proj_out`, channels, channels, 1);
  }

  private add(name: string, ...shape: number[]): void {
    this.required.push({name, shape});
  }
}

export function unetTensors(config: UnetConfig): ExpectedTensors {
  const {blockChannels, layersPerBlock, contextSize, downAttention, upAttention} = config;
  const list = new TensorList();
  const [finest] = blockChannels as [number, ...number[]];
  const coarsest = blockChannels.at(-1)!;
  const time = 4 * finest;
  list.conv('conv_in', config.inChannels, finest, 3);
  list.linear('time_embedding.linear_1', finest, time);
  list.linear('time_embedding.linear_2', time, time);
  const layers = (block: string, inputs: readonly number[], size: number, hasAttention = false) => {
    for (const [i, input] of inputs.entries()) {
      list.resnet(`${block}.resnets.${i}`, input, size, time);
      if (hasAttention) list.spatialTransformer(`${block}.attentions.${i}`, size, contextSize);
    }
  };

  // Channels that the way up takes back: what each layer of the way down gave, the last one first.
  const skips = [finest];
  for (const [level, size] of blockChannels.entries()) {
    const block = `down_blocks.${level}`;
    const first = blockChannels[level - 1] ?? finest;
    const inputs = Array.from({length: layersPerBlock}, (_, i) => (i === 0 ? first : size));
    layers(block, inputs, size, downAttention[level]);
    skips.push(...inputs.map(() => size));
    if (level + 1 === blockChannels.length) continue;
    list.conv(`${block}.downsamplers.0.conv`, size, size, 3);
    skips.push(size);
  }
  layers('mid_block', [coarsest, coarsest], coarsest);
  list.spatialTransformer('mid_block.attentions.0', coarsest, contextSize);
  let before = coarsest;
  for (const [i, size] of [...blockChannels].reverse().entries()) {
    const block = `up_blocks.${i}`;
    const inputs = Array.from({length: layersPerBlock + 1}, (_, layer) => {
      const own = layer === 0 ? before : size;
      return own + skips.pop()!;
    });
    layers(block, inputs, size, upAttention[i]);
    if (i + 1 < blockChannels.length) list.conv(`${block}.upsamplers.0.conv`, size, size, 3);
    before = size;
  }
  list.norm('conv_norm_out', finest);
  list.conv('conv_out', finest, config.outChannels, 3);
  return {required: list.required, optional: []};
}

export function vaeTensors(config: VaeConfig): ExpectedTensors {
  const {blockChannels, layersPerBlock, latentChannels} = config;
  const list = new TensorList();
  const coarsest = blockChannels.at(-1)!;
  const mid = (name: string) => {
    for (const i of [0, 1]) list.resnet(`${name}.resnets.${i}`, coarsest, coarsest);
    const attention = `${name}.attentions.0`;
    list.norm(`${attention}.group_norm`, coarsest);
    for (const part of ['query', 'key', 'value', 'proj_attn'])
      list.linear(`${attention}.${part}`, coarsest, coarsest);
  };
  const blocks = (name: string, sizes: readonly number[], numLayers: number, resample: string) => {
    for (const [i, size] of sizes.entries()) {
      for (let layer = 0; layer < numLayers; layer++) {
        const input = layer === 0 ? (sizes[i - 1] ?? size) : size;
        list.resnet(`${name}.${i}.resnets.${layer}`, input, size);
      }
      if (i + 1 < sizes.length) list.conv(`${name}.${i}.${resample}.0.conv`, size, size, 3);
    }
  };
  list.conv('encoder.conv_in', config.inChannels, blockChannels[0]!, 3);
  blocks('encoder.down_blocks', blockChannels, layersPerBlock, 'downsamplers');
  mid('encoder.mid_block');
  list.norm('encoder.conv_norm_out', coarsest);
  list.conv('encoder.conv_out', coarsest, 2 * latentChannels, 3);
  list.conv('quant_conv', 2 * latentChannels, 2 * latentChannels, 1);
  list.conv('post_quant_conv', latentChannels, latentChannels, 1);
  list.conv('decoder.conv_in', latentChannels, coarsest, 3);
  mid('decoder.mid_block');
  blocks('decoder.up_blocks', [...blockChannels].reverse(), layersPerBlock + 1, 'upsamplers');
  list.norm('decoder.conv_norm_out', blockChannels[0]!);
  list.conv('decoder.conv_out', blockChannels[0]!, config.outChannels, 3);
  return {required: list.required, optional: []};
}
