// The objective's value and gradients, and one AdamW update, against PyTorch's.
import tf from '#tfjs';
import {suite} from 'uvu';
import * as assert from 'uvu/assert';
import {EmuModel} from '../../src/model/emu.js';
import {countingPositions} from '../../src/model/llama.js';
import {AdamW} from '../../src/train/adamw.js';
import {regressionPairs, textLabels} from '../../src/train/data/labels.js';
import {captioningLoss, regressionLoss} from '../../src/train/losses.js';
import {Variables} from '../../src/train/variables.js';
import {
  closeTo,
  goldenCheckpoint,
  loadGoldenModel,
  onEveryBackend,
} from '../support/goldenModel.js';
import {goldens} from '../support/goldens.js';
import {skip} from '../support/skip.js';

const test = suite('loss goldens');
const golden = goldens('loss');

/** The golden model as variables, and one batch's loss. */
function objective() {
  const {json} = golden!;
  let variables!: Variables;
  const loaded = loadGoldenModel('pretrain', (weights, config) => {
    variables = new Variables((name, shape) => weights.tensor(name, shape));
    return new EmuModel(variables, config);
  });
  const {model, tokenizer} = loaded;
  const ids = json.input_ids as number[][];
  const forward = () => {
    const embeds = model.encodeImages(golden!.tensor<tf.Tensor4D>('image'));
    const inputs = model.embedPrompt(ids, tokenizer.ids.image, embeds);
    const positions = countingPositions(ids.length, ids[0]!.length);
    const ends = (json.attention_mask as number[][]).map((row) => row.lastIndexOf(1) + 1);
    const hidden = model.llama.forward(inputs, {positions, keyEnd: tf.tensor1d(ends, 'int32')});
    const labels = ids.map((row) => textLabels(row, tokenizer.ids));
    const ce = captioningLoss(model.llama, hidden, labels);
    const pairs = regressionPairs(ids, tokenizer.ids);
    const mse = regressionLoss(model.llama, hidden, inputs, pairs);
    return {ce, mse, total: tf.add(ce, mse) as tf.Scalar, inputs, hidden, labels, pairs};
  };
  const dispose = () => {
    variables.dispose();
    loaded.dispose();
  };
  return {forward, variables, dispose, tokenizer};
}

if (!golden || !goldenCheckpoint('pretrain')) {
  skip(test, 'loss: values, gradients, update', 'the goldens are not in this clone');
} else {
  const {json} = golden;

  onEveryBackend(test, 'loss: values', () => {
    const {forward, dispose} = objective();
    tf.tidy(() => {
      const {ce, mse, total, inputs, hidden, labels, pairs} = forward();
      assert.equal(labels, json.labels);
      const mask = (positions: number[]) => {
        const chosen = new Set(positions);
        return (json.input_ids as number[][]).map((row, b) =>
          row.map((_, t) => (chosen.has(b * row.length + t) ? 1 : 0)),
        );
      };
      assert.equal(mask(pairs.from), json.regress_mask);
      assert.equal(mask(pairs.to), json.regress_label_mask);
      closeTo(inputs.dataSync(), golden.get('inputs_embeds').data as Float32Array, {
        atol: 2e-4,
        rtol: 1e-4,
        name: 'inputs_embeds',
      });
      const ends = (json.attention_mask as number[][]).map((row) => row.lastIndexOf(1) + 1);
      const size = hidden.shape[2];
      const real = (data: ArrayLike<number>) =>
        Float32Array.from(
          ends.flatMap((end, b) =>
            Array.from(data).slice(b * hidden.shape[1] * size, (b * hidden.shape[1] + end) * size),
          ),
        );
      closeTo(real(hidden.dataSync()), real(golden.get('hidden').data as Float32Array), {
        atol: 2e-4,
        rtol: 1e-4,
        name: 'hidden',
      });
      const close = (value: tf.Scalar, want: number, name: string) =>
        assert.ok(
          Math.abs(value.dataSync()[0]! - want) < 1e-4,
          `${name} ${value.dataSync()[0]}, want ${want}`,
        );
      close(ce, json.ce, 'ce');
      close(mse, json.regression_mse_mean_over_all_elements, 'mse');
      close(total, json.total_loss_differentiated, 'total');
    });
    dispose();
  });

  onEveryBackend(test, 'loss: gradients and one AdamW step', () => {
    const {forward, variables, dispose} = objective();
    tf.tidy(() => {
      const names = new Map([...variables.all].map(([name, variable]) => [variable.name, name]));
      const {grads} = tf.variableGrads(() => forward().total, [...variables.all.values()]);
      const byName: Record<string, tf.Tensor> = {};
      for (const [id, grad] of Object.entries(grads)) if (grad) byName[names.get(id)!] = grad;
      const norms: Record<string, number> = {};
      let squares = 0;
      for (const [name, grad] of Object.entries(byName)) {
        const square = (grad.dataSync() as Float32Array).reduce((sum, x) => sum + x * x, 0);
        squares += square;
        norms[name] = Math.sqrt(square);
      }
      const globalNorm = Math.sqrt(squares);
      assert.ok(
        Math.abs(globalNorm - json.grad_global_norm) < 1e-3 * json.grad_global_norm,
        `global norm ${globalNorm}, want ${json.grad_global_norm}`,
      );
      for (const [name, want] of Object.entries<number>(json.grad_norms)) {
        if (json.params_without_grad_or_zero.includes(name)) continue;
        const norm = norms[name];
        assert.ok(
          norm !== undefined && Math.abs(norm - want) < 1e-4 + 1e-3 * want,
          `norm of the gradient of ${name}: ${norm}, want ${want}`,
        );
      }
      for (const key of golden.names().filter((key) => key.startsWith('grad.'))) {
        const want = golden.get(key).data as Float32Array;
        const name = key.slice('grad.'.length);
        const tolerance = {atol: 1e-4, rtol: 1e-3, name: key};
        if (name === 'embed_tokens.rows_of_used_ids') {
          const rows = tf.gather(
            byName['decoder.lm.model.embed_tokens.weight']!,
            tf.tensor1d(json.used_ids, 'int32'),
          );
          closeTo(rows.dataSync(), want, tolerance);
        } else if (/^lm_head\.first_(\d+)_rows$/.test(name)) {
          const grad = byName['decoder.lm.lm_head.weight']!.dataSync();
          closeTo(grad.subarray(0, want.length), want, tolerance);
        } else {
          assert.ok(byName[name], `there is a gradient of ${name}`);
          closeTo(byName[name]!.dataSync(), want, tolerance);
        }
      }

      const {lr, betas, eps, weight_decay} = json.adamw;
      const options = {beta1: betas[0], beta2: betas[1], eps, weightDecay: weight_decay};
      const optimizer = new AdamW(options);
      optimizer.step(variables.all, byName, () => lr);
      for (const key of golden.names().filter((key) => key.startsWith('adamw.'))) {
        const value = variables.all.get(key.slice('adamw.'.length))!.dataSync();
        closeTo(value, golden.get(key).data as Float32Array, {atol: 2e-4, rtol: 0, name: key});
      }
      const after = forward().ce.dataSync()[0]!;
      assert.ok(
        Math.abs(after - json.ce_after_step) < 1e-2,
        `ce after ${after}, want ${json.ce_after_step}`,
      );
      optimizer.dispose();
    });
    dispose();
  });
}

test.run();
