// The downloader against a server that cuts, stalls, refuses, and sends wrong bytes.
import {existsSync, readFileSync, writeFileSync} from 'node:fs';
import path from 'node:path';
import {suite} from 'uvu';
import * as assert from 'uvu/assert';
import {download} from '../../src/hub/download.js';
import {chunkBytesFor, INCOMPLETE, marksFile, Parts} from '../../src/hub/parts.js';
import {RequestProblem} from '../../src/hub/request.js';
import type {HubSettings} from '../../src/hub/settings.js';
import {bytesOf, HubServer, noise} from '../support/hubServer.js';
import {temporaryFolder} from '../support/temporary.js';

const MEGABYTE = 2 ** 20;
const content = noise(9 * MEGABYTE + 123);
const commit = 'c'.repeat(40);
const folder = temporaryFolder();
const policy = {retries: 3, firstWaitMs: 1, longestWaitMs: 4, longestPatienceMs: 2000};
const server = await HubServer.start({'a/b': {commit, files: {'big.bin': content}}});
const url = `${server.url}/a/b/resolve/${commit}/big.bin`;
const settings: HubSettings = {
  endpoint: server.url,
  token: 'hf_secret',
  cache: folder,
  isOffline: false,
  timeoutMs: 20_000,
};
let count = 0;

const test = suite('hub/download');
test.before.each(() => server.reset());
test.after(() => server.close());

const newFile = () => path.join(folder, `${count++}${INCOMPLETE}`);

async function fetchTo(
  file: string,
  signal = new AbortController().signal,
  timeoutMs = settings.timeoutMs,
) {
  const waits: number[] = [];
  const onRetry = (_: string, waitMs: number) => waits.push(waitMs);
  await download({...settings, timeoutMs}, url, content.size, file, {signal, policy, onRetry});
  return waits;
}

function assertWhole(file: string): void {
  assert.ok(readFileSync(file).equals(bytesOf(content)), 'the bytes are the file’s');
}

async function fails(file: string, message: RegExp): Promise<void> {
  try {
    await fetchTo(file);
  } catch (error) {
    assert.instance(error, RequestProblem);
    assert.match((error as Error).message, message);
    return;
  }
  assert.unreachable('expected a failure');
}

test('several ranges at once; the token goes to the hub alone', async () => {
  const file = newFile();
  await fetchTo(file);
  assertWhole(file);
  assert.is(server.bytesSent, content.size);
  const ranges = server.seen.filter(({url}) => url.includes('signed'));
  assert.is(ranges.length, Math.ceil(content.size / chunkBytesFor(content.size, 4)));
  for (const {host, authorization} of server.seen)
    assert.is(authorization, server.url.endsWith(host) ? 'Bearer hf_secret' : undefined);
});

test('a cut connection goes on at its byte', async () => {
  server.fail(/signed/, {kind: 'cut', after: 300_000}, 5);
  const file = newFile();
  await fetchTo(file);
  assertWhole(file);
  // What was on its way when the connection broke may come twice.
  assert.ok(server.bytesSent < content.size + 5 * 300_000, `${server.bytesSent}`);
  const starts = server.seen.map(({range}) => Number(/=(\d+)-/.exec(range!)![1]));
  assert.ok(
    starts.some((start) => start % MEGABYTE !== 0),
    'a range begins inside a chunk',
  );
});

test('cut over and over, it goes on as long as bytes come', async () => {
  server.fail(/signed/, {kind: 'cut', after: 200_000}, 30);
  const file = newFile();
  await fetchTo(file);
  assertWhole(file);
});

test('a second call goes on with what the first has left', async () => {
  const file = newFile();
  const abort = new AbortController();
  server.slowMs = 1;
  const first = fetchTo(file, abort.signal);
  await server.sent(3 * MEGABYTE);
  abort.abort(new Error('enough'));
  await first.then(
    () => assert.unreachable(),
    (error) => assert.is(error.message, 'enough'),
  );
  const there = (await Parts.progress(file))!.done;
  assert.ok(there > MEGABYTE, `${there}`);
  server.reset();
  await fetchTo(file);
  assertWhole(file);
  assert.is(server.bytesSent, content.size - there);
});

test('temporary answers are asked again, later and later', async () => {
  for (const status of [429, 500, 502, 503, 504, 408]) {
    server.reset();
    server.fail(/resolve/, {kind: 'status', status}, 2);
    const file = newFile();
    const waits = await fetchTo(file);
    assertWhole(file);
    assert.is(waits.length, 2);
  }
  server.reset();
  server.fail(/resolve/, {kind: 'status', status: 429, headers: {'retry-after': '1'}});
  const [wait] = await fetchTo(newFile());
  assert.ok(wait! >= 1000 && wait! <= 1300, `${wait}`);
});

test('it is given up in the end, and at once where patience is asked for that nobody has', async () => {
  server.fail(/resolve/, {kind: 'status', status: 500}, 100);
  await fails(newFile(), /^500$/);
  assert.is(server.seen.length, 1 + policy.retries);
  server.reset();
  server.fail(/resolve/, {kind: 'status', status: 429, headers: {'retry-after': '3600'}});
  await fails(newFile(), /^429$/);
  assert.is(server.seen.length, 1);
  for (const status of [401, 403, 404, 416]) {
    server.reset();
    server.fail(/resolve/, {kind: 'status', status});
    await fails(newFile(), new RegExp(`^${status}$`));
    assert.is(server.seen.length, 1);
  }
});

test('what is there stays when it is given up', async () => {
  const file = newFile();
  server.fail(/signed/, {kind: 'cut', after: 100_000}, 4);
  server.fail(/signed/, {kind: 'status', status: 503}, 100);
  await fails(file, /^503$/);
  const {done} = (await Parts.progress(file))!;
  assert.ok(done >= 100_000, `${done}`);
  server.reset();
  await fetchTo(file);
  assertWhole(file);
  assert.is(server.bytesSent, content.size - done);
});

test('a server without ranges sends the file in one go', async () => {
  server.fail(/signed/, {kind: 'ignoresRange'}, 100);
  const file = newFile();
  await fetchTo(file);
  assertWhole(file);
  assert.is(server.bytesSent, content.size);
});

test('and goes on with a server that knew them before', async () => {
  const file = newFile();
  server.fail(/signed/, {kind: 'cut', after: 500_000}, 4);
  server.fail(/signed/, {kind: 'status', status: 404}, 1);
  server.fail(/resolve/, {kind: 'status', status: 404}, 1);
  await fetchTo(file).catch(() => {});
  server.reset();
  server.fail(/signed/, {kind: 'ignoresRange'}, 100);
  await fetchTo(file);
  assertWhole(file);
});

test('a server that forgets a range once is asked again', async () => {
  const file = newFile();
  server.fail(/big.*signed/, {kind: 'cut', after: 10}, 1);
  server.fail(/big.*signed/, {kind: 'ignoresRange'}, 1);
  await fetchTo(file);
  assertWhole(file);
});

test('a server that falls silent is asked again', async () => {
  server.fail(/signed/, {kind: 'stalls', after: 100_000});
  const file = newFile();
  const waits = await fetchTo(file, new AbortController().signal, 1000);
  assertWhole(file);
  assert.ok(waits.length >= 1); // more on a machine that is busy
});

test('an address of the storage that has expired is asked for anew', async () => {
  const expired = newFile();
  server.reset();
  // The first range passes, the next is refused by the storage.
  const done = fetchTo(expired);
  await server.sent(1);
  server.fail(/signed/, {kind: 'status', status: 403}, 1);
  await done;
  assertWhole(expired);
  assert.ok(server.seen.filter(({url}) => url.includes('resolve')).length >= 2);
});

test('marks that do not fit their file count for nothing', async () => {
  const file = newFile();
  for (const marks of [Buffer.alloc(0), Buffer.from('emuparts'), Buffer.alloc(100, 255)]) {
    writeFileSync(file, 'x');
    writeFileSync(marksFile(file), marks);
    await fetchTo(file);
    assertWhole(file);
  }
  // The bytes were cut off, the marks not.
  writeFileSync(file, bytesOf(content, 0, 1000));
  await fetchTo(file);
  assertWhole(file);
  assert.ok(existsSync(marksFile(file)));
});

test('nobody there is a temporary problem with a name', async () => {
  const file = newFile();
  const nobody = {...settings, endpoint: 'http://127.0.0.1:9'};
  const options = {signal: new AbortController().signal, policy: {...policy, retries: 1}};
  try {
    await download(nobody, 'http://127.0.0.1:9/x', 10, file, options);
    assert.unreachable();
  } catch (error) {
    assert.instance(error, RequestProblem);
    assert.match((error as Error).message, /ECONNREFUSED|bad port/);
  }
});

test('chunks: several a connection, of a size that is worth asking for', () => {
  assert.is(chunkBytesFor(1, 4), MEGABYTE);
  assert.is(chunkBytesFor(64 * MEGABYTE, 4), 4 * MEGABYTE);
  assert.is(chunkBytesFor(28e9, 4), 32 * MEGABYTE);
});

test.run();
