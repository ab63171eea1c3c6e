import type {Test} from 'uvu';
import tf from '#tfjs';
import {type BackendName, selectBackend} from '../../src/kernels/backend.js';
import {type EmuConfig, EmuModel} from '../../src/model/emu.js';
import {loadTokenizer, type Tokenizer} from '../../src/text/tokenizer.js';
import {openModel} from '../../src/weights/openModel.js';
import {Weights} from '../../src/weights/weights.js';
import {assertClose} from './assertClose.js';
import {variants} from './backends.js';
import {type GoldenGroup, goldenPath} from './goldens.js';

export type Mode = 'pretrain' | 'instruct';

/** The golden set's checkpoint of that mode, or undefined where this clone lacks it. */
export function goldenCheckpoint(mode: Mode): string | undefined {
  const pretrain = 'tiny-pretrain/multimodal_encoder/pytorch_model.bin';
  return goldenPath(mode === 'pretrain' ? pretrain : 'tiny-instruct/Emu-instruct.pt');
}

export interface GoldenModel {
  readonly model: EmuModel;
  readonly config: EmuConfig;
  readonly tokenizer: Tokenizer;
  dispose(): void;
}

const tokenizers = new Map<Mode, Tokenizer>();

/** Its 32,000 pieces are read once a process: that takes longer than many a test. */
function goldenTokenizer(mode: Mode): Tokenizer {
  const folder = goldenPath('llama_config');
  const tokenizer =
    tokenizers.get(mode) ?? loadTokenizer({mode, ...(folder ? {path: folder} : {})});
  tokenizers.set(mode, tokenizer);
  return tokenizer;
}

/** The golden model on the current backend; `build` may put variables in the place of the weights. */
export function loadGoldenModel(
  mode: Mode,
  build: (weights: Weights, config: EmuConfig, tokenizer: Tokenizer) => EmuModel = (
    weights,
    config,
  ) => new EmuModel(weights, config),
): GoldenModel {
  const file = goldenCheckpoint(mode);
  if (!file) throw new Error(`no golden checkpoint for ${mode}`);
  const {config, checkpoint} = openModel(file, {config: goldenPath('tiny-config')!});
  const weights = Weights.open(checkpoint);
  const tokenizer = goldenTokenizer(mode);
  const model = build(weights, config, tokenizer);
  const dispose = () => {
    weights.dispose();
    checkpoint.close();
  };
  return {model, config, tokenizer, dispose};
}

/** Pixels [N, 3, s, s] of golden pictures, as the official process_img made them. */
export function goldenPixels(
  pixels: GoldenGroup,
  video: GoldenGroup | undefined,
  images: readonly string[],
): tf.Tensor4D {
  return tf.tidy(() =>
    tf.concat(
      images.map((image) => {
        if (/\.mp4/.test(image)) return video!.tensor<tf.Tensor4D>('video.process_img');
        return pixels.tensor<tf.Tensor4D>(`${image.split('/').at(-1)}.process_img`);
      }),
    ),
  );
}

/** Registers the test on the reference backend and on the native one with its best instruction set. */
export function onEveryBackend(
  test: Test,
  name: string,
  body: (backend: BackendName) => void | Promise<void>,
): void {
  const all = variants();
  const best = all
    .filter(({backend}) => backend !== 'native')
    .concat(all.findLast(({backend}) => backend === 'native') ?? []);
  for (const {name: variant, backend, isa} of best)
    test(`${name} (${variant})`, async () => {
      selectBackend({backend, ...(isa ? {isa} : {})});
      await body(backend);
    });
}

/** Whether the backend in use is the reference: JavaScript takes its time. */
export const isReference = () => tf.getBackend() === 'cpu';

/** How many steps of a golden training run are followed: all, on the reference the first 20. */
export function stepsHere(total: number): number {
  return isReference() ? Math.min(total, 20) : total;
}

/** Numbers against a golden's, of the same length. */
export function closeTo(
  actual: ArrayLike<number>,
  expected: ArrayLike<number>,
  {name, ...tolerance}: {atol: number; rtol: number; name: string},
): void {
  assertClose(
    {shape: [actual.length], data: actual},
    {shape: [expected.length], data: expected},
    tolerance,
    name,
  );
}
