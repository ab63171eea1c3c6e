// What one layer of LLaMA keeps of each token for the backward pass, against what it must keep.
// C hidden size, F intermediate size, H heads. Run: node --import tsx bench/activations.ts
import tf from '#tfjs';
import {selectBackend} from '../src/kernels/backend.js';
import {activeNativeBackend, type NativeBackend} from '../src/kernels/native/nativeBackend.js';
import {countingPositions, Llama, type LlamaConfig} from '../src/model/llama.js';
import {Variables} from '../src/train/variables.js';
import {column} from './timing.js';

const TOKENS = 256;

/** Bytes of all tensors' data on the native backend; tf.memory() counts what tensors share once a tensor. */
function watchBytes(backend: NativeBackend): () => number {
  const sizes = new Map<object, number>();
  const {allocate, write, disposeData} = backend;
  backend.allocate = (shape, dtype) => {
    const info = allocate.call(backend, shape, dtype);
    sizes.set(info.dataId, 4 * shape.reduce((product, n) => product * n, 1));
    return info;
  };
  backend.write = (values, shape, dtype) => {
    const id = write.call(backend, values, shape, dtype);
    sizes.set(id, 4 * values.length);
    return id;
  };
  backend.disposeData = (id, force) => {
    const isGone = disposeData.call(backend, id, force);
    if (isGone) sizes.delete(id);
    return isGone;
  };
  return () => [...sizes.values()].reduce((sum, bytes) => sum + bytes, 0);
}

const {name} = selectBackend({backend: 'native'});
const bytesNow = watchBytes(activeNativeBackend()!);

/** Bytes that the tape holds between the forward and the backward pass. */
function keptBytes(config: LlamaConfig): number {
  const variables = new Variables((_name, shape) => tf.randomNormal([...shape], 0, 0.02));
  const llama = new Llama(variables, config);
  const embeds = tf.randomNormal<tf.Rank.R3>([1, TOKENS, config.hiddenSize]);
  const positions = countingPositions(1, TOKENS);
  let kept = 0;
  tf.tidy(() => {
    tf.variableGrads(() => {
      const before = bytesNow();
      const loss = tf.mean(llama.forward(embeds, {positions})) as tf.Scalar;
      kept = bytesNow() - before;
      return loss;
    }, [...variables.all.values()]);
  });
  tf.dispose([embeds, positions]);
  variables.dispose();
  return kept;
}

console.log(`${name}: bytes a token and layer, ${TOKENS} tokens`);
for (const [hiddenSize, intermediateSize, numHeads] of [
  [128, 344, 2],
  [256, 688, 4],
  [512, 1384, 4],
] as const) {
  const config = {
    ...{vocabSize: 16, hiddenSize, numHeads, intermediateSize, contextLength: TOKENS},
    ...{rmsNormEps: 1e-6, ropeBase: 10_000},
  };
  const bytes = (layers: number) => keptBytes({...config, layers});
  const layer = (bytes(4) - bytes(2)) / 2 / TOKENS;
  // Inputs of both norms and their outputs, q, k, v, the attention's output and its log-sum; gate, up
  // and their product: float32.
  const least = 4 * (8 * hiddenSize + numHeads + 3 * intermediateSize);
  console.log(
    `C ${column(hiddenSize, 0, 4)}  F ${column(intermediateSize, 0, 5)}  kept ${column(layer, 0, 7)}` +
      `  4(8C + H + 3F) ${column(least, 0, 7)}  ratio ${column(layer / least, 2, 5)}`,
  );
}
