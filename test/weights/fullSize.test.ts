// A checkpoint of Emu-14B's full size, 28 GB of holes: opening it must not read it.
import {readFileSync, rmSync, statSync} from 'node:fs';
import path from 'node:path';
import {performance} from 'node:perf_hooks';
import {suite} from 'uvu';
import * as assert from 'uvu/assert';
import {openCheckpoint} from '../../src/weights/checkpoint.js';
import {emu14b, type Mode} from '../../src/weights/config.js';
import {emuTensors} from '../../src/weights/emuTensors.js';
import {openModel} from '../../src/weights/openModel.js';
import {goldenPath} from '../support/goldens.js';
import {skip} from '../support/skip.js';
import {writeSparseCheckpoint} from '../support/sparseCheckpoint.js';
import {temporaryFolder} from '../support/temporary.js';

const OPEN_SECONDS = 2;
const DISK_BYTES = 64 * 2 ** 20;

interface Manifest {
  readonly files: Record<string, {tensors: {name: string; shape: number[]; dtype: string}[]}>;
}

const folder = temporaryFolder();
const manifestFile = goldenPath('manifest-full.json');
const manifest: Manifest | undefined =
  manifestFile && JSON.parse(readFileSync(manifestFile, 'utf8'));
const manifestNames: Record<Mode, string> = {
  pretrain: 'pretrain/multimodal_encoder/pytorch_model.bin',
  instruct: 'Emu-instruct.pt',
};

const test = suite('full size');

for (const mode of ['pretrain', 'instruct'] as const) {
  test(`a sparse ${mode} checkpoint opens in under ${OPEN_SECONDS} s, all names and shapes checked`, () => {
    const file = path.join(folder, `${mode}.bin`);
    const listed = manifest?.files[manifestNames[mode]]?.tensors;
    const tensors = (listed ?? emuTensors(emu14b(mode)).required).map(({name, shape}) => ({
      name,
      shape,
      encoding: 'bf16' as const,
    }));
    writeSparseCheckpoint(file, tensors, mode === 'instruct' ? {wrapper: 'module'} : {});
    try {
      const {size, blocks} = statSync(file);
      assert.ok(size > 28e9, `${size} bytes`);
      assert.ok(blocks * 512 < DISK_BYTES, `${blocks} blocks on the disk`);

      const started = performance.now();
      const {location, checkpoint} = openModel(file);
      const seconds = (performance.now() - started) / 1000;
      assert.ok(seconds < OPEN_SECONDS, `took ${seconds} s`);
      assert.is(location.mode, mode);
      assert.equal(
        [...checkpoint.tensors.keys()],
        tensors.map(({name}) => name),
      );
      for (const {name, shape} of tensors) {
        assert.equal(checkpoint.tensors.get(name)!.shape, shape);
      }
      // The last tensor lies beyond 28 GB.
      const last = checkpoint.tensors.get('cformer.projection.bias')!.read();
      assert.equal(Buffer.from(last), Buffer.alloc(5120 * 2));
      checkpoint.close();
    } finally {
      rmSync(file);
    }
  });

  const listing = `the names and shapes of ${mode} are those of the official code`;
  const listed = manifest?.files[manifestNames[mode]]?.tensors;
  if (!listed) {
    skip(test, listing, 'the golden manifest is not here');
    continue;
  }
  test(listing, () => {
    const {required, optional} = emuTensors(emu14b(mode));
    const needed = listed.filter(({name}) => !optional.some((pattern) => pattern.test(name)));
    const entries = (list: readonly {name: string; shape: readonly number[]}[]) =>
      list.map(({name, shape}) => `${name} [${shape.join(', ')}]`).sort();
    assert.equal(entries(required), entries(needed));
    assert.is(listed.length - needed.length, 40 + 5); // rotary frequencies; norm, head, embed_tokens
  });
}

const decoder = 'the full-size UNet opens too';
const unet = manifest?.files['pretrain/unet/diffusion_pytorch_model.bin']?.tensors;
if (!unet) skip(test, decoder, 'the golden manifest is not here');
else {
  test(decoder, () => {
    const file = path.join(folder, 'unet.bin');
    writeSparseCheckpoint(
      file,
      unet.map(({name, shape}) => ({name, shape, encoding: 'f32'})),
    );
    const checkpoint = openCheckpoint(file);
    assert.is(checkpoint.tensors.size, unet.length);
    checkpoint.close();
    rmSync(file);
  });
}

test.run();
