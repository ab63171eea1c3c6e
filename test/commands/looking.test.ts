// trace, bench, doctor and models.
import {readFileSync} from 'node:fs';
import path from 'node:path';
import {suite} from 'uvu';
import * as assert from 'uvu/assert';
import {openCheckpoint} from '../../src/weights/checkpoint.js';
import {writeRandomModel} from '../cli/randomModel.js';
import {fixture, root, runEmu} from '../cli/runEmu.js';
import {temporaryFolder} from '../support/temporary.js';

const test = suite('commands/looking');
const folder = temporaryFolder();
const model = writeRandomModel(path.join(folder, 'models', 'random'));

test('trace writes every tensor of the forward pass in float32', async () => {
  const out = path.join(folder, 'out.safetensors');
  const args = [fixture('cat.jpg'), 'a cat', '-o', out, '--model', model];
  const {code, stdout, stderr} = await runEmu(['trace', ...args, '--json']);
  assert.is(code, 0, stderr);
  const {file, tensors} = JSON.parse(stdout);
  assert.is(file, out);
  const {tensors: stored, close} = openCheckpoint(out);
  assert.equal(new Set(Object.keys(tensors)), new Set(stored.keys()));
  for (const [name, tensor] of stored) {
    assert.is(tensor.encoding, 'f32', name);
    assert.equal([...tensor.shape], tensors[name], name);
  }
  for (const name of ['ln_visual', 'llm.inputs_embeds', 'llm.layers.1.self_attn', 'llm.logits'])
    assert.ok(stored.has(name), name);
  assert.equal(tensors['llm.logits'].slice(0, 1), [1]);
  close();
});

test('trace --tokens goes on greedily first', async () => {
  const run = async (...flags: string[]) => {
    const out = path.join(folder, 'tokens.safetensors');
    const args = ['trace', fixture('cat.jpg'), 'a cat', '-o', out, '--model', model, '--json'];
    const {code, stdout, stderr} = await runEmu([...args, ...flags]);
    assert.is(code, 0, stderr);
    return JSON.parse(stdout).tensors['llm.logits'];
  };
  const [, length, vocabSize] = await run();
  assert.equal(await run('--tokens', '3'), [1, length + 3, vocabSize]);
});

test('bench measures a model and a size', async () => {
  for (const [args, hasTokens] of [
    [['bench', 'llm', '--model', model, '--beams', '2'], true],
    [['bench', 'llm', '--synthetic', 'tiny', '--encoding', 'q4_0', '--backend', 'reference'], true],
    [['bench', 'vision', '--synthetic', 'tiny'], false],
  ] as const) {
    const quick = ['--repeat', '1', '--prompt-tokens', '4', '--new-tokens', '2', '--json'];
    const {code, stdout, stderr} = await runEmu([...args, ...quick]);
    assert.is(code, 0, stderr);
    const result = JSON.parse(stdout);
    const numbers = ['threads', 'load', 'stepSeconds', 'peakMemory', 'bytesRead'];
    if (hasTokens) numbers.push('promptTokensPerSecond', 'decodeTokensPerSecond');
    for (const name of numbers) assert.ok(result[name] > 0, name);
    for (const name of ['model', 'backend', 'isa', 'compute']) assert.type(result[name], 'string');
  }
});

test('doctor tells what there is', async () => {
  const {code, stdout, stderr} = await runEmu(['doctor', '--json']);
  assert.is(code, 0, stderr);
  const report = JSON.parse(stdout);
  assert.ok(report.machine.cores >= 1 && report.machine.memory > report.machine.freeMemory);
  const backends = new Map<string, {available: boolean; reason?: string}>(
    report.backends.map((backend: {name: string}) => [backend.name, backend]),
  );
  assert.equal([...backends.keys()], ['native', 'tensorflow', 'reference']);
  for (const {available, reason} of backends.values()) assert.is(available, reason === undefined);
  assert.ok(backends.get('reference')!.available);
  assert.is(report.ffmpeg.available, 'version' in report.ffmpeg);
  assert.match((await runEmu(['doctor'])).stdout, /^reference +yes$/m);
});

test('doctor works where nothing else does', async () => {
  const bad = path.join(folder, 'nothing');
  const {code, stdout, stderr} = await runEmu(['doctor', '--json'], {
    env: {PATH: bad, FFMPEG_PATH: bad, EMU_HOME: bad, EMU_MODEL: 'none', EMU_BACKEND: 'abacus'},
  });
  assert.is(code, 0, stderr);
  const {ffmpeg, mpi} = JSON.parse(stdout);
  assert.not(ffmpeg.available);
  assert.match(ffmpeg.reason, /FFMPEG_PATH/);
  assert.not(mpi.available);
});

test('models lists the packaged model and those of EMU_HOME, and marks the default', async () => {
  const env = {EMU_HOME: folder, EMU_MODEL: 'random'};
  const {stdout, stderr} = await runEmu(['models', '--json'], {env});
  assert.match(stderr, /further models are looked for in/);
  const {models} = JSON.parse(stdout);
  const listed = new Map<string, {path?: string; isDefault: boolean}>(
    models.map((entry: {name: string}) => [entry.name, entry]),
  );
  assert.ok(listed.has('emu-mini'));
  assert.is(listed.get('random')!.path, model);
  assert.ok(listed.get('random')!.isDefault);
  assert.not(listed.get('emu-mini')!.isDefault);
  const text = await runEmu(['models', '--quiet'], {env});
  assert.match(text.stdout, /^\* random/m);
  assert.is(text.stderr, '');
});

test('the version of the manifest is the package’s', () => {
  const read = (name: string) => JSON.parse(readFileSync(path.join(root, name), 'utf8'));
  assert.is(read('oclif.manifest.json').version, read('package.json').version);
});

test.run();
