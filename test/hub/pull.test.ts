// `emu pull` as a person runs it, against a hub on this machine.
import {existsSync, readdirSync, readFileSync, writeFileSync} from 'node:fs';
import {createServer} from 'node:http';
import {type AddressInfo, connect, type Socket} from 'node:net';
import path from 'node:path';
import {suite} from 'uvu';
import * as assert from 'uvu/assert';
import {preparePull} from '../../src/cli/pull.js';
import {EmuError} from '../../src/errors.js';
import {checkNames} from '../../src/hub/client.js';
import {chunkBytesFor} from '../../src/hub/parts.js';
import {checkSpace, pullModel} from '../../src/hub/pull.js';
import {hubSettings} from '../../src/hub/settings.js';
import {assertFailure, finished, type RunOptions, runEmu, startEmu} from '../cli/runEmu.js';
import {bytesOf, HubServer, noise, text} from '../support/hubServer.js';
import {SeededRandom} from '../support/random.js';
import {throwsEmuError} from '../support/errors.js';
import {temporaryFolder} from '../support/temporary.js';

const commit = 'a1'.repeat(20);
const encoder = noise(24_000_000);
const unet = noise(40_000, 2);
const instruct = noise(70_000, 3);
const release = {
  'README.md': text('---\nlicense: other\nlicense_name: terms-of-emu\n---\n'),
  'pretrain/multimodal_encoder/pytorch_model.bin': encoder,
  'pretrain/unet/config.json': text('{}'),
  'pretrain/unet/diffusion_pytorch_model.bin': unet,
  'pretrain/scheduler/scheduler_config.json': text('{"a": 1}'),
  'pretrain/multimodal_encoder/setup.py': text('print(1)'),
  'Emu-instruct.pt': instruct,
};
const card = {license: 'other', license_name: 'terms-of-emu', license_link: 'LICENSE.md'};
const small = {'Emu-instruct.pt': instruct};
const server = await HubServer.start({
  'BAAI/Emu': {commit, files: release, card},
  'closed/Emu': {commit, files: small, token: 'hf_right'},
  'gated/Emu': {commit, files: small, token: 'hf_right', isGated: true},
  'other/thing': {commit, files: {'train.py': text('x'), 'weights.gguf': text('GGUF')}},
  'evil/paths': {commit, files: {'../../escaped.json': text('{}'), ...small}},
});
const root = temporaryFolder();
let count = 0;

const test = suite('hub/pull');
test.before.each(() => server.reset());
test.after(() => server.close());

const newHome = () => path.join(root, `home ${count++}`);
const environment = (home: string, more: NodeJS.ProcessEnv = {}): RunOptions => ({
  env: {HF_HOME: home, HF_ENDPOINT: server.url, EMU_HOME: path.join(home, 'emu'), ...more},
});
const snapshotOf = (home: string, name = 'BAAI--Emu') =>
  path.join(home, 'hub', `models--${name}`, 'snapshots', commit);

test('goes through the proxy that HTTP_PROXY names, and past it as NO_PROXY says', async () => {
  const reached: string[] = [];
  const proxy = createServer().on('connect', (request, client: Socket) => {
    reached.push(request.url!);
    const [host, port] = request.url!.split(':');
    const upstream = connect(Number(port), host, () => {
      client.write('HTTP/1.1 200 connected\r\n\r\n');
      client.pipe(upstream).pipe(client);
    });
    for (const end of [client, upstream]) end.on('error', () => end.destroy());
  });
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  const address = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
  const pull = (more: NodeJS.ProcessEnv) =>
    runEmu(['pull', 'BAAI/Emu', '--instruct'], environment(newHome(), more));
  assert.is((await pull({HTTP_PROXY: address})).code, 0);
  assert.ok(reached.includes(new URL(server.url).host), `${reached}`);
  reached.length = 0;
  assert.is((await pull({HTTP_PROXY: address, NO_PROXY: '127.0.0.1,localhost'})).code, 0);
  assert.equal(reached, []);
  proxy.close();
});

test('says licence and size first, takes what is needed, nothing that can be run', async () => {
  const home = newHome();
  const {code, stdout, stderr} = await runEmu(['pull', 'BAAI/Emu'], environment(home));
  assert.is(code, 0, stderr);
  assert.is(stdout, `${path.join(snapshotOf(home), 'pretrain')}\n`);
  assert.match(stderr, /licence: terms-of-emu, http.*\/BAAI\/Emu\/blob\/a1a1.*\/LICENSE\.md\n/);
  assert.match(stderr, /5 files, 24\.0 MB\n$/);
  const wanted = Object.keys(release).filter((name) => !/setup\.py|instruct/.test(name));
  for (const name of wanted) {
    const content = release[name as keyof typeof release];
    assert.ok(readFileSync(path.join(snapshotOf(home), name)).equals(bytesOf(content)), name);
  }
  const there = readdirSync(snapshotOf(home), {recursive: true, encoding: 'utf8'}).sort();
  assert.equal(
    there.filter((name) => /\.\w+$/.test(name)),
    wanted.sort(),
  );
  assert.is(readFileSync(path.join(home, 'hub/models--BAAI--Emu/refs/main'), 'utf8'), commit);
  assert.equal(
    readdirSync(path.join(home, 'hub/models--BAAI--Emu/blobs')).sort(),
    wanted.map((name) => server.hash(release[name as keyof typeof release])).sort(),
  );

  // Again: nothing is fetched. Without the network: what is there.
  server.reset();
  const again = await runEmu(['pull', 'BAAI/Emu', '--json'], environment(home));
  assert.is(JSON.parse(again.stdout).fetched, 0);
  assert.is(server.bytesSent, 0);
  server.reset();
  const offline = environment(home, {HF_HUB_OFFLINE: '1'});
  assert.is((await runEmu(['pull', 'BAAI/Emu', '-q'], offline)).stdout, stdout);
  assertFailure(
    await runEmu(['pull', 'BAAI/Emu', '--instruct', '-q'], offline),
    3,
    /HF_HUB_OFFLINE is set, and its instruct model is not in .*; unset it/,
  );
  assert.is(server.seen.length, 0);
});

test('--dry-run lists and fetches nothing', async () => {
  const home = newHome();
  const args = ['pull', 'BAAI/Emu', '--instruct', '--dry-run'];
  const {code, stdout, stderr} = await runEmu(args, environment(home));
  assert.is(code, 0, stderr);
  assert.match(stdout, /Emu-instruct\.pt +70\.0 kB\n2 files/);
  const json = (await runEmu([...args, '--json'], environment(home))).stdout;
  const {bytes, missing, licence, files} = JSON.parse(json);
  assert.is(missing, bytes);
  assert.is(licence, 'terms-of-emu');
  assert.equal(
    files.map(({path, hash}: {path: string; hash: string}) => [path, hash]),
    ['README.md', 'Emu-instruct.pt'].map((name) => [
      name,
      server.hash(release[name as keyof typeof release]),
    ]),
  );
  assert.not(existsSync(home));
});

/** What the command does, in this process. */
async function pull(home: string, repo: string, more: NodeJS.ProcessEnv = {}, revision = 'main') {
  checkNames(repo, revision);
  const settings = hubSettings(environment(home, more).env);
  const ask = {signal: new AbortController().signal};
  const request = {repo, revision, isInstruct: more.PRETRAIN === undefined};
  const {model, plan} = await preparePull(settings, request, ask);
  const notes: string[] = [];
  const onNote = (note: string) => notes.push(note);
  return {notes, ...(await pullModel(settings, model, plan, {...ask, onNote}))};
}

async function refuses(
  exitCode: number,
  says: RegExp,
  ...args: Parameters<typeof pull>
): Promise<void> {
  const error = await pull(...args).then(
    () => assert.unreachable(`expected ${says}`),
    (error: EmuError) => error,
  );
  assert.instance(error, EmuError);
  assert.match(error!.message, says);
  assert.is(error!.exitCode, exitCode);
}

test('the token: from HF_TOKEN or the file, and what its lack means', async () => {
  const home = newHome();
  const args = ['pull', 'closed/Emu', '--instruct', '-q'];
  const closed = /refuses access \(401\).*check the name, or set HF_TOKEN/;
  assertFailure(await runEmu(args, environment(home)), 4, closed);
  const wrong = {HF_TOKEN: 'hf_wrong'};
  await refuses(4, /is the token in HF_TOKEN valid/, home, 'closed/Emu', wrong);
  await refuses(4, /accept.* its terms: do so at http.*\/gated\/Emu, then set/, home, 'gated/Emu');
  await pull(home, 'gated/Emu', {HF_TOKEN: 'hf_right'});
  writeFileSync(path.join(home, 'token'), 'hf_right\n');
  await pull(home, 'closed/Emu');
  for (const {authorization, url} of server.seen)
    if (url.includes('signed')) assert.is(authorization, undefined);
});

test('what there is not, and what is no model, ends with 3', async () => {
  const home = newHome();
  const whole = {PRETRAIN: '1'};
  await refuses(3, /^BAAI\/Emu9: the hub has no such model/, home, 'BAAI/Emu9');
  await refuses(3, /the hub has no revision v9 of it/, home, 'BAAI/Emu', {}, 'v9');
  await refuses(3, /GGUF/, home, 'other/thing', whole);
  await refuses(3, /holds neither Emu-instruct\.pt nor/, home, 'other/thing');
  await refuses(3, /answer for \.\.\/\.\.\/escaped\.json/, home, 'evil/paths');
  for (const name of ['emu-mini', 'a/../b', '../b', 'a/b/c', 'a--b/c', '-/x/'])
    await refuses(2, /OWNER\/NAME/, home, name);
  await refuses(2, /--revision/, home, 'BAAI/Emu', {}, '../../x');
  assert.not(existsSync(home));
});

test('a failing network ends with 1 and a way out', async () => {
  const home = newHome();
  const late = {'retry-after': '4000'};
  server.fail(/resolve/, {kind: 'status', status: 429, headers: late});
  await refuses(1, /answers 429; it asks to come back in 4000 s/, home, 'BAAI/Emu');
  await refuses(2, /HF_ENDPOINT: expected/, home, 'BAAI/Emu', {HF_ENDPOINT: 'ftp://example.org'});
});

test('no room on the disk is said before anything is fetched', () => {
  const settings = hubSettings({HF_HOME: root, HF_ENDPOINT: server.url});
  checkSpace(settings, 'BAAI/Emu', 1000, 1000);
  const error = throwsEmuError(
    () => checkSpace(settings, 'BAAI/Emu', 34e9, 12e9),
    /^BAAI\/Emu: 34\.0 GB are still to be fetched, .* has room for 12\.0 GB; make room, or name/,
  );
  assert.is(error.exitCode, 1);
  throwsEmuError(() => checkSpace(settings, 'BAAI/Emu', 1e18), /make room/);
});

test('wrong bytes: said, fetched once more, and never shown', async () => {
  const home = newHome();
  server.fail(/signed/, {kind: 'wrong'});
  const {notes, path: shown} = await pull(home, 'BAAI/Emu');
  assert.match(
    notes.join(),
    /^Emu-instruct\.pt: its bytes are not those that the hub.*fetched again/,
  );
  assert.ok(readFileSync(shown).equals(bytesOf(instruct)));

  const other = newHome();
  server.fail(/signed/, {kind: 'wrong'}, 2);
  await refuses(3, /Emu-instruct\.pt: fetched twice, and its bytes/, other, 'BAAI/Emu');
  const readme = server.hash(release['README.md']);
  assert.equal(readdirSync(path.join(other, 'hub/models--BAAI--Emu/blobs')), [readme]);
  assert.not(existsSync(path.join(snapshotOf(other), 'Emu-instruct.pt')));
});

test('Ctrl-C keeps what is there; two at once do not meet', async () => {
  const home = newHome();
  server.slowMs = 60;
  const first = startEmu(['pull', 'BAAI/Emu'], environment(home));
  const ended = finished(first);
  await server.sent(1_000_000);
  assertFailure(
    await runEmu(['pull', 'BAAI/Emu', '-q'], environment(home)),
    1,
    new RegExp(`process ${first.pid} pulls or deletes it`),
  );
  first.kill('SIGINT');
  const {code, stderr} = await ended;
  assert.is(code, 130);
  assert.match(stderr, /stopped; the same command goes on from here/);
  const left = (await runEmu(['pull', 'BAAI/Emu', '--dry-run', '--json'], environment(home)))
    .stdout;
  const {bytes, missing} = JSON.parse(left);
  assert.ok(missing < bytes - 500_000, `${missing} of ${bytes}`);
  const locks = path.join(home, 'hub', '.locks', 'models--BAAI--Emu');
  assert.equal(readdirSync(locks), []);
});

test('killed 20 times it ends whole, and fetches nothing twice but what was on its way', async () => {
  const home = newHome();
  const random = new SeededRandom(20);
  server.slowMs = 2;
  let total = 0;
  for (let kill = 0; kill < 20; kill++) {
    server.bytesSent = 0;
    const child = startEmu(['pull', 'BAAI/Emu', '-q'], environment(home));
    const ended = finished(child);
    await Promise.race([server.sent(1 + random.below(1_500_000)), ended]);
    child.kill('SIGKILL');
    await ended;
    total += server.bytesSent;
  }
  assert.not(existsSync(path.join(snapshotOf(home), 'pretrain', 'multimodal_encoder')));
  server.bytesSent = 0;
  server.slowMs = 0;
  const {code, stderr} = await runEmu(['pull', 'BAAI/Emu', '-q'], environment(home));
  assert.is(code, 0, stderr);
  total += server.bytesSent;
  assert.ok(server.bytesSent < encoder.size, 'the killed ones have left something');
  const file = path.join(snapshotOf(home), 'pretrain/multimodal_encoder/pytorch_model.bin');
  assert.ok(readFileSync(file).equals(bytesOf(encoder)));
  const size = Object.values(release).reduce((sum, content) => sum + content.size, 0);
  const limit = size + 20 * 4 * chunkBytesFor(encoder.size, 4);
  assert.ok(total <= limit, `${total} bytes sent, ${limit} allowed`);
});

test.run();
