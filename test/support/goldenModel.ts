import tf from '#tfjs';
import type {Test} from 'uvu';
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
  const folder = goldenPath('llama_config');
  const tokenizer = loadTokenizer({mode, ...(folder ? {path: folder} : {})});
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
