// Stable Diffusion's safety checker as the release keeps it: safety_checker/ (config.json, weights) and
// feature_extractor/ (preprocessor_config.json) beside the image decoder.
import {existsSync} from 'node:fs';
import path from 'node:path';
import {z} from 'zod';
import {ModelError} from '../errors.js';
import {type Checkpoint, openCheckpoint} from './checkpoint.js';
import {checkTensors, type ExpectedTensor, type ExpectedTensors} from './checkTensors.js';
import {parse, readJson} from './jsonFile.js';

const size = z.int().min(1).max(100_000);
const layers = z.int().min(1).max(100);

const checkerSchema = z.object({
  projection_dim: size.default(768),
  vision_config: z.object({
    hidden_size: size.default(1024),
    intermediate_size: size.default(4096),
    num_hidden_layers: layers.default(24),
    num_attention_heads: size.default(16),
    image_size: size.default(224),
    patch_size: size.default(14),
    layer_norm_eps: z.number().min(0).max(1).default(1e-5),
    hidden_act: z.literal('quick_gelu').default('quick_gelu'),
  }),
});

// Old files have one number for a size.
const edge = z.union([size, z.object({height: size, width: size}).transform(({height}) => height)]);
const shortest = z.union([
  size,
  z.object({shortest_edge: size}).transform(({shortest_edge}) => shortest_edge),
]);
const channels = z.array(z.number()).length(3);

const processorSchema = z.object({
  crop_size: edge.default(224),
  size: shortest.default(224),
  image_mean: channels,
  image_std: channels,
  do_resize: z.literal(true).default(true),
  do_center_crop: z.literal(true).default(true),
  do_normalize: z.literal(true).default(true),
  resample: z.literal(3).default(3), // PIL's bicubic
});

function readCheckerConfig(file: string) {
  const {projection_dim: projectionSize, vision_config: vision} = parse(
    file,
    checkerSchema,
    readJson(file),
  );
  const {hidden_size: width, num_attention_heads: numHeads} = vision;
  if (width % numHeads !== 0)
    throw new ModelError(file, `hidden_size ${width} is not a multiple of ${numHeads} heads`);
  return {
    imageSize: vision.image_size,
    patchSize: vision.patch_size,
    layers: vision.num_hidden_layers,
    width,
    mlpWidth: vision.intermediate_size,
    numHeads,
    layerNormEps: vision.layer_norm_eps,
    projectionSize,
  };
}

/** Structurally the configuration of src/model/diffusion/clipVision.ts. */
export type ClipVisionConfig = ReturnType<typeof readCheckerConfig>;

function readProcessorConfig(file: string) {
  const options = parse(file, processorSchema, readJson(file));
  const {crop_size: cropSize, size: shortestEdge, image_mean: mean, image_std: std} = options;
  if (cropSize > shortestEdge)
    throw new ModelError(
      file,
      `crop_size ${cropSize} is larger than the picture's ${shortestEdge}`,
    );
  return {cropSize, shortestEdge, mean, std};
}

/** Structurally the one of src/data/preprocess.ts. */
export type ClipImageConfig = ReturnType<typeof readProcessorConfig>;

function checkerTensors(config: ClipVisionConfig): ExpectedTensors {
  const {width, mlpWidth, patchSize, imageSize, projectionSize} = config;
  const required: ExpectedTensor[] = [
    {name: 'concept_embeds', shape: [17, projectionSize]},
    {name: 'special_care_embeds', shape: [3, projectionSize]},
    {name: 'concept_embeds_weights', shape: [17]},
    {name: 'special_care_embeds_weights', shape: [3]},
    {name: 'visual_projection.weight', shape: [projectionSize, width]},
  ];
  const vision = 'vision_model.vision_model';
  const add = (name: string, ...shape: number[]) =>
    required.push({name: `${vision}.${name}`, shape});
  const both = (name: string, outSize: number, ...inSize: number[]) => {
    add(`${name}.weight`, outSize, ...inSize);
    add(`${name}.bias`, outSize);
  };
  add('embeddings.class_embedding', width);
  add('embeddings.patch_embedding.weight', width, 3, patchSize, patchSize);
  add('embeddings.position_embedding.weight', Math.floor(imageSize / patchSize) ** 2 + 1, width);
  for (const norm of ['pre_layrnorm', 'post_layernorm']) both(norm, width);
  for (let i = 0; i < config.layers; i++) {
    const layer = `encoder.layers.${i}`;
    for (const part of ['q', 'k', 'v', 'out'])
      both(`${layer}.self_attn.${part}_proj`, width, width);
    both(`${layer}.layer_norm1`, width);
    both(`${layer}.layer_norm2`, width);
    both(`${layer}.mlp.fc1`, mlpWidth, width);
    both(`${layer}.mlp.fc2`, width, mlpWidth);
  }
  return {required, optional: [/\.position_ids$/]};
}

export interface SafetyFiles {
  readonly vision: ClipVisionConfig;
  readonly image: ClipImageConfig;
  readonly checkpoint: Checkpoint;
}

/**
 * Opens the safety checker in a decoder's folder; undefined where that has none. Reads headers and
 * configuration only. Throws ModelError for one that is damaged or incomplete.
 */
export function openSafetyChecker(decoderFolder: string): SafetyFiles | undefined {
  const folder = path.join(decoderFolder, 'safety_checker');
  if (!existsSync(folder)) return undefined;
  const configFile = path.join(folder, 'config.json');
  const vision = readCheckerConfig(configFile);
  const extractor = path.join(decoderFolder, 'feature_extractor', 'preprocessor_config.json');
  const image = readProcessorConfig(extractor);
  if (image.cropSize !== vision.imageSize)
    throw new ModelError(
      extractor,
      `crop_size ${image.cropSize}, but the safety checker looks at ${vision.imageSize} pixels`,
    );
  const checkpoint = openCheckpoint(folder);
  try {
    checkTensors(checkpoint, checkerTensors(vision), `does it belong to ${configFile}?`);
    return {vision, image, checkpoint};
  } catch (error) {
    checkpoint.close();
    throw error;
  }
}
