// Models in the hub's cache: found by name, listed, checked, deleted; and what `emu inspect` says of models.
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import {suite} from 'uvu';
import * as assert from 'uvu/assert';
import {INCOMPLETE, marksFile, Parts} from '../../src/hub/parts.js';
import {planRemoval} from '../../src/hub/remove.js';
import {hashFile} from '../../src/hub/verify.js';
import {emu14b} from '../../src/weights/config.js';
import {emuTensors} from '../../src/weights/emuTensors.js';
import {findInHubCache} from '../../src/weights/hubCache.js';
import {type BackendMemory, inspectModel, modulesOf} from '../../src/weights/inspectModel.js';
import {findModel, knownModels} from '../../src/weights/locate.js';
import {checkCacheFits} from '../../src/weights/memory.js';
import {writeRandomModel} from '../cli/randomModel.js';
import {assertFailure, runEmu} from '../cli/runEmu.js';
import {throwsEmuError} from '../support/errors.js';
import {writeSparseCheckpoint} from '../support/sparseCheckpoint.js';
import {temporaryFolder} from '../support/temporary.js';
import {tinyConfig, writeOfficialConfig, writeRelease} from '../support/tinyEmu.js';

const root = temporaryFolder();
let count = 0;

/** An empty cache and data folder. */
function newHome() {
  const home = path.join(root, `${count++}`);
  const env = {HF_HOME: path.join(home, 'hf'), EMU_HOME: path.join(home, 'emu')};
  return {home, env, repo: path.join(env.HF_HOME, 'hub', 'models--BAAI--Emu')};
}

/** Puts a folder's files into the cache as a snapshot, as a pull would. */
async function cache(repo: string, folder: string, commit: string, ref?: string): Promise<string> {
  const snapshot = path.join(repo, 'snapshots', commit);
  mkdirSync(path.join(repo, 'blobs'), {recursive: true});
  for (const entry of readdirSync(folder, {withFileTypes: true, recursive: true})) {
    if (!entry.isFile()) continue;
    const file = path.join(entry.parentPath ?? entry.path, entry.name);
    const blob = path.join(repo, 'blobs', await hashFile(file, 'sha256'));
    const name = path.join(snapshot, path.relative(folder, file));
    writeFileSync(blob, readFileSync(file));
    mkdirSync(path.dirname(name), {recursive: true});
    symlinkSync(path.relative(path.dirname(name), blob), name);
  }
  if (ref === undefined) return snapshot;
  const file = path.join(repo, 'refs', ref);
  mkdirSync(path.dirname(file), {recursive: true});
  writeFileSync(file, commit);
  return snapshot;
}

/** The release's two models, tiny, with their card. */
function tinyRelease(home: string): string {
  const folder = path.join(home, 'release');
  writeRelease(folder, 'pretrain');
  writeRelease(folder, 'instruct');
  writeOfficialConfig(path.join(folder, 'pretrain'));
  writeFileSync(
    path.join(folder, 'README.md'),
    '---\nlicense: other\nlicense_name: its-own\n---\n',
  );
  return folder;
}

const [first, second] = ['1'.repeat(40), '2'.repeat(40)] as const;
const test = suite('hub/models');

test('the release in the cache has its names, each of its models one', async () => {
  const {home, env, repo} = newHome();
  const snapshot = await cache(repo, tinyRelease(home), first, 'main');
  const names = ['BAAI/Emu/pretrain', 'BAAI/Emu/Emu-instruct.pt'];
  for (const name of names) {
    assert.is(knownModels(env).get(name), path.join(snapshot, name.slice(9)));
    assert.ok(findModel(name, {env}).checkpoint.startsWith(snapshot));
  }
  assert.is(findModel('BAAI/Emu/pretrain', {env}).configFolder, path.join(snapshot, 'pretrain'));
  throwsEmuError(
    () => findModel('BAAI/Emu', {env}),
    /holds two models; name BAAI\/Emu\/pretrain or BAAI\/Emu\/Emu-instruct\.pt$/,
  );
  assert.is(
    findModel('BAAI/Emu', {env, mode: 'instruct'}).checkpoint,
    path.join(snapshot, 'Emu-instruct.pt'),
  );
  rmSync(path.join(snapshot, 'Emu-instruct.pt'));
  assert.is(knownModels(env).get('BAAI/Emu'), path.join(snapshot, 'pretrain'));
  assert.ok(findModel('BAAI/Emu', {env}).checkpoint.startsWith(snapshot));
  const {message, exitCode} = throwsEmuError(() => findModel('BAAI/Emu2', {env}), /emu pull/);
  assert.match(message, /no model of this name was pulled; `emu pull BAAI\/Emu2` fetches one/);
  assert.is(exitCode, 3);
});

test('other revisions have their names; models of other kinds are not listed', async () => {
  const {home, env, repo} = newHome();
  const own = writeRandomModel(path.join(home, 'own'));
  const snapshots = [
    await cache(repo, own, first, 'main'),
    await cache(repo, own, second, 'refs/pr/7'),
    await cache(repo, own, '3'.repeat(40)),
  ];
  const bert = path.join(home, 'bert');
  mkdirSync(bert);
  writeFileSync(path.join(bert, 'config.json'), '{"model_type": "bert"}');
  writeFileSync(path.join(bert, 'model.safetensors'), 'x');
  await cache(repo.replace('BAAI--Emu', 'some--bert'), bert, first, 'main');
  const ofHub = [...knownModels(env)].filter(([name]) => name.includes('/'));
  assert.equal(ofHub, [
    ['BAAI/Emu', snapshots[0]],
    ['BAAI/Emu@333333333333', snapshots[2]],
    ['BAAI/Emu@refs/pr/7', snapshots[1]],
  ]);
  for (const [name, folder] of ofHub) assert.is(findModel(name, {env}).folder, folder);
  const places: [string, string | undefined][] = [
    ['BAAI/Emu@refs/pr/7/config.json', path.join(snapshots[1]!, 'config.json')],
    ['BAAI/Emu@3333333/config.json', path.join(snapshots[2]!, 'config.json')],
    ['BAAI/Emu/../../refs/main', undefined],
    ['BAAI/Emu@main', snapshots[0]],
    ['BAAI/Emu@refs/pr/8', undefined],
  ];
  for (const [name, expected] of places) assert.is(findInHubCache(name, env)?.path, expected, name);
});

test('rm: the bytes that no other revision shows, and never the packaged model', async () => {
  const {home, env, repo} = newHome();
  const own = writeRandomModel(path.join(home, 'own'));
  await cache(repo, own, first, 'main');
  writeFileSync(path.join(own, 'vocab.json'), 'another');
  const kept = await cache(repo, own, second, 'v2');
  const blobs = () => readdirSync(path.join(repo, 'blobs')).length;
  assert.is(blobs(), 4);
  const removal = planRemoval('BAAI/Emu', env);
  assert.ok(removal.bytes > 0 && removal.bytes < 10_000, `${removal.bytes}: the first vocabulary`);
  removal.run();
  assert.is(blobs(), 3);
  assert.equal(readdirSync(path.join(repo, 'snapshots')), [second]);
  assert.equal(readdirSync(path.join(repo, 'refs')), ['v2']);
  assert.is(readFileSync(path.join(kept, 'vocab.json'), 'utf8'), 'another');
  const rest = planRemoval('BAAI/Emu@v2', env);
  assert.ok(rest.bytes > 50_000, `${rest.bytes}`);
  rest.run();
  assert.not(existsSync(repo));

  const mine = writeRandomModel(path.join(env.EMU_HOME, 'models', 'mine'));
  planRemoval('mine', env).run();
  assert.not(existsSync(mine));
  const packaged = throwsEmuError(() => planRemoval('emu-mini', env), /comes with emu/);
  assert.is(packaged.exitCode, 2);
  assert.is(throwsEmuError(() => planRemoval('none', env), /no model of this name/).exitCode, 3);
});

test('rm of one of the two models leaves the other; of a stopped pull, its bytes', async () => {
  const {home, env, repo} = newHome();
  const snapshot = await cache(repo, tinyRelease(home), first, 'main');
  planRemoval('BAAI/Emu/Emu-instruct.pt', env).run();
  assert.equal(readdirSync(snapshot).sort(), ['README.md', 'pretrain']);
  const begun = path.join(repo, 'blobs', `abc${INCOMPLETE}`);
  const parts = await Parts.open(begun, 1_000_000, 4);
  await parts.write(0, Buffer.alloc(1000, 1));
  await parts.close();
  planRemoval('BAAI/Emu/pretrain', env).run(); // the last one: all goes
  assert.not(existsSync(repo));
  mkdirSync(path.dirname(begun), {recursive: true});
  await (await Parts.open(begun, 10, 4)).close();
  planRemoval('BAAI/Emu', env).run();
  assert.not(existsSync(begun) || existsSync(marksFile(begun)));
});

test('the commands: list, verify, rm', async () => {
  const {home, env, repo} = newHome();
  const snapshot = await cache(repo, tinyRelease(home), first, 'main');
  const emu = (...args: string[]) => runEmu(args, {env});
  const listed = JSON.parse((await emu('models', '--json')).stdout).models;
  const pretrain = listed.find(({name}: {name: string}) => name === 'BAAI/Emu/pretrain');
  assert.is(pretrain.licence, 'its-own');
  assert.is(pretrain.encoding, 'f32');
  assert.equal(pretrain.abilities, ['text']);
  const text = (await emu('models', '-q')).stdout;
  assert.match(text, /^\* emu-mini .* f16 +Apache-2\.0 +text, chat, draw +\//m);

  const good = await emu('models', 'verify', 'BAAI/Emu/pretrain');
  assert.is(good.code, 0, good.stderr);
  assert.match(good.stdout, /^BAAI\/Emu\/pretrain: good \(5 files have their hashes/);
  const file = path.join(snapshot, 'pretrain', 'multimodal_encoder', 'pytorch_model.bin');
  appendFileSync(file, 'x'); // through the link
  const bad = await emu('models', 'verify');
  assert.is(bad.code, 3);
  assert.match(bad.stdout, /^emu-mini: good/m);
  assert.match(
    bad.stdout,
    /^BAAI\/Emu\/pretrain: BAD .*pytorch_model\.bin: its bytes have changed: .*; delete \/.*, then `emu pull BAAI\/Emu`$/m,
  );

  assertFailure(await emu('models', 'rm', 'BAAI/Emu'), 2, /Delete BAAI\/Emu \(.* add --yes/);
  const {code, stdout} = await emu('models', 'rm', 'BAAI/Emu', '--yes');
  assert.is(code, 0);
  assert.match(stdout, /are free again\n$/);
  assert.not(existsSync(repo));
  assertFailure(
    await emu('models', 'list'),
    2,
    /unknown command models list; there are `emu models`/,
  );
});

const fits = (backends: readonly BackendMemory[]) =>
  Object.fromEntries(backends.map(({backend, fit}) => [backend, fit]));

test('inspect: Emu-14B from its headers, and where it fits', () => {
  const file = path.join(root, 'emu14b.bin');
  const config = emu14b('pretrain');
  const tensors = emuTensors(config).required;
  writeSparseCheckpoint(
    file,
    tensors.map((tensor) => ({...tensor, encoding: 'bf16' as const})),
  );
  const inspected = inspectModel(file, {}, 24e9);
  rmSync(file);
  assert.is(inspected.files[0]!.tensors.length, tensors.length);
  assert.ok(inspected.parameters > 14.1e9 && inspected.parameters < 14.3e9);
  assert.equal(inspected.modes, ['pretrain']);
  assert.equal(inspected.abilities, ['text']);
  const [native, , reference] = inspected.memory.backends;
  assert.is(native!.held, 0);
  assert.is(native!.mapped, 2 * inspected.parameters);
  assert.is(reference!.held, 4 * inspected.parameters);
  assert.equal(fits(inspected.memory.backends), {
    native: 'slow',
    tensorflow: 'no',
    reference: 'too slow',
  });
  assert.is(inspected.memory.work!.cachePerToken, 2 * 40 * 5120 * 4);
  const modules = modulesOf(inspected.files[0]!);
  assert.ok(modules.some(({module, parameters}) => module === 'visual.blocks' && parameters > 9e8));
});

test('inspect: any checkpoint; what is not read in place counts', () => {
  const file = path.join(root, 'other.bin');
  writeSparseCheckpoint(file, [
    {name: 'a.0.weight', shape: [100, 10], encoding: 'f64'},
    {name: 'b', shape: [10], encoding: 'bf16'},
  ]);
  const {memory, modes, files} = inspectModel(file, {}, 1e9);
  assert.is(modes, undefined);
  assert.equal(
    modulesOf(files[0]!).map(({module}) => module),
    ['a', 'b'],
  );
  assert.is(memory.backends[0]!.held, 4000);
  assert.is(memory.backends[0]!.mapped, 20);
  assert.equal(fits(inspectModel(file, {}, 3000).memory.backends), {
    native: 'no',
    tensorflow: 'no',
    reference: 'no',
  });
});

test('inspect as a person runs it', async () => {
  const {code, stdout, stderr} = await runEmu(['inspect', 'emu-mini']);
  assert.is(code, 0, stderr);
  assert.match(
    stdout,
    /^emu-mini: 9\.\d+ million numbers in .*, licence Apache-2\.0\nmodes pretrain and instruct; it can: text, chat, draw\n/,
  );
  assert.match(stdout, /^ {2}native +\S+ MB read in the file +fits$/m);
  const json = JSON.parse((await runEmu(['inspect', 'emu-mini', '--json'])).stdout);
  const sum = json.files[0].tensors.reduce((n: number, t: {bytes: number}) => n + t.bytes, 0);
  assert.ok(sum > 0 && sum < json.files[0].size);
  assertFailure(await runEmu(['inspect', path.join(root, 'none.pt')]), 3, /none\.pt: no such file/);
});

test('the cache of keys and values is refused before anything is computed', () => {
  const {llama} = emu14b('instruct');
  checkCacheFits('m', tinyConfig('pretrain').llama, 5, 64, 1e6);
  const error = throwsEmuError(
    () => checkCacheFits('m', llama, 5, 600, 4e9),
    /^m: needs 4\.9 GB of memory, 4\.0 GB are free; .*5 answers of up to 600 tokens; use fewer --beams/,
  );
  assert.is(error.exitCode, 5);
});

test.run();
