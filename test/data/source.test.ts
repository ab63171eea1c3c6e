import {spawn} from 'node:child_process';
import {chmodSync, mkdtempSync, rmSync, writeFileSync} from 'node:fs';
import {createServer, type RequestListener, type Server} from 'node:http';
import type {AddressInfo} from 'node:net';
import {tmpdir} from 'node:os';
import path from 'node:path';
import {fileURLToPath} from 'node:url';
import {suite} from 'uvu';
import * as assert from 'uvu/assert';
import {readImage} from '../../src/data/image.js';
import {isUrl, readSource} from '../../src/data/source.js';
import {skip} from '../support/skip.js';
import {expectInputError, fixture, fixtureBytes} from './fixtures.js';

const folder = mkdtempSync(path.join(tmpdir(), 'emu-test-source-'));
const temporary = (name: string) => path.join(folder, name);

/** A server for `use`, and a fetch that sends every https request of host `pictures.test` to it. */
async function withServer(
  handler: RequestListener,
  use: (fetchFromServer: typeof fetch) => Promise<void>,
): Promise<void> {
  const server: Server = createServer(handler);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const {port} = server.address() as AddressInfo;
  const viaServer = ((url: URL, init: RequestInit) => {
    assert.is(url.protocol, 'https:', 'only https is requested');
    return fetch(`http://127.0.0.1:${port}${url.pathname}`, init);
  }) as unknown as typeof fetch;
  try {
    await use(viaServer);
  } finally {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
}

async function* pieces(...parts: Uint8Array[]) {
  yield* parts;
}

const url = (name: string) => `https://pictures.test/${name}`;

const test = suite('picture sources');
test.after(() => rmSync(folder, {recursive: true}));

test('a path with spaces and letters of any script', async () => {
  const file = temporary('ein schöner 猫 & co.png');
  writeFileSync(file, fixtureBytes('coffee.png'));
  assert.equal((await readImage(file)).data, (await readImage(fixture('coffee.png'))).data);
});

test('bytes', async () => {
  const picture = await readImage(fixtureBytes('tiny-1x1.png'));
  assert.equal([picture.width, picture.height, picture.data.length], [1, 1, 3]);
});

test('standard input, in pieces', async () => {
  const bytes = fixtureBytes('cat.jpg');
  const stdin = pieces(bytes.subarray(0, 10), bytes.subarray(10, 5000), bytes.subarray(5000));
  assert.is((await readImage('-', {stdin})).width, 451);
  await expectInputError(readImage('-', {stdin: pieces()}), 'standard input', /empty/);
  const terminal = Object.assign(pieces(), {isTTY: true});
  await expectInputError(readImage('-', {stdin: terminal}), 'standard input', /terminal/);
});

test('data: URLs, base64 and percent-encoded', async () => {
  const base64 = Buffer.from(fixtureBytes('coffee.png')).toString('base64');
  const expected = await readImage(fixture('coffee.png'));
  for (const start of ['data:image/png;base64,', 'DATA:;base64,', 'data:image/png; base64,']) {
    assert.equal(await readImage(start + base64), expected);
  }
  const escaped = base64.replaceAll('+', '%2B').replaceAll('=', '%3D');
  assert.equal(await readImage(`data:image/png;base64,${escaped}`), expected);
  const svg = '<svg xmlns="http://www.w3.org/2000/svg" width="600" height="30"/>';
  const picture = await readImage(`data:image/svg+xml,${encodeURIComponent(svg)}`);
  assert.equal([picture.width, picture.height], [600, 30]);
  const {bytes} = await readSource('data:,%ff%00é100%');
  assert.equal([...bytes], [0xff, 0, ...Buffer.from('é100%')]);
});

test('data: URLs that are none', async () => {
  const label = 'data:image/png;base64,$$$';
  await expectInputError(readImage(label), label, /not base64/);
  await expectInputError(readImage('data:,'), 'data:,', /empty/);
  const long = `data:image/png;base64,${'A'.repeat(5000)}`;
  await expectInputError(readImage(long), `${long.slice(0, 32)}…`, /not a picture/);
});

test('what is a URL and what is text', () => {
  for (const text of ['data: cats, dogs', 'data', 'https is safe', 'a,b', 'http:', '-']) {
    assert.is(isUrl(text), false, text);
  }
  for (const text of ['data:,x', 'data:;base64,AAAA', 'HTTPS://x/y', 'http://x']) {
    assert.is(isUrl(text), true, text);
  }
});

test('https, through redirects to https', async () => {
  const answer: RequestListener = (request, response) => {
    if (request.url === '/cat.jpg') response.end(fixtureBytes('cat.jpg'));
    else response.writeHead(302, {location: '/cat.jpg'}).end();
  };
  await withServer(answer, async (fetchFromServer) => {
    for (const name of ['cat.jpg', 'moved']) {
      assert.is((await readImage(url(name), {fetch: fetchFromServer})).width, 451);
    }
  });
});

test('http is refused, also as the target of a redirect', async () => {
  await expectInputError(
    readImage('http://pictures.test/a.png'),
    'http://pictures.test/a.png',
    /https/,
  );
  const toHttp: RequestListener = (_, response) =>
    response.writeHead(301, {location: 'http://pictures.test/cat.jpg'}).end();
  await withServer(toHttp, (fetchFromServer) =>
    expectInputError(
      readImage(url('a'), {fetch: fetchFromServer}),
      url('a'),
      /redirects to http:\/\/: only https/,
    ),
  );
});

test('redirects end somewhere', async () => {
  const around: RequestListener = (_, response) => response.writeHead(307, {location: '/x'}).end();
  await withServer(around, (fetchFromServer) =>
    expectInputError(readImage(url('x'), {fetch: fetchFromServer}), url('x'), /more than 5 times/),
  );
});

test('the size limit, announced and not announced', async () => {
  const options = {maxDownloadBytes: 10_000};
  const answer: RequestListener = (request, response) => {
    if (request.url === '/announced') response.setHeader('content-length', 27_237);
    response.end(fixtureBytes('cat.jpg'));
  };
  await withServer(answer, async (fetchFromServer) => {
    for (const name of ['announced', 'chunked']) {
      const reading = readImage(url(name), {...options, fetch: fetchFromServer});
      await expectInputError(reading, url(name), /more than 0.01 MB/);
    }
  });
});

test('the time limit, before and inside the answer', async () => {
  const answer: RequestListener = (request, response) => {
    if (request.url === '/stops') response.write(fixtureBytes('cat.jpg').subarray(0, 100));
  };
  await withServer(answer, async (fetchFromServer) => {
    for (const name of ['silent', 'stops']) {
      const options = {downloadTimeoutMs: 100, fetch: fetchFromServer};
      await expectInputError(readImage(url(name), options), url(name), /longer than 0.1 s/);
    }
  });
});

test('servers that say no, break off or are not there', async () => {
  const answer: RequestListener = (request, response) => {
    if (request.url === '/broken') {
      response.setHeader('content-length', 100);
      response.write('x', () => response.destroy());
    } else response.writeHead(404).end('no');
  };
  await withServer(answer, async (fetchFromServer) => {
    const options = {fetch: fetchFromServer};
    await expectInputError(readImage(url('none'), options), url('none'), /answered 404/);
    await expectInputError(readImage(url('broken'), options), url('broken'), /cannot be fetched/);
  });
  const nowhere = 'https://127.0.0.1:1/x.png';
  await expectInputError(readImage(nowhere), nowhere, /cannot be fetched/);
});

test('an aborted signal ends the reading with its reason', async () => {
  const reason = new Error('stopped by the test');
  const never: RequestListener = () => {};
  await withServer(never, async (fetchFromServer) => {
    const controller = new AbortController();
    setTimeout(() => controller.abort(reason), 50);
    const options = {fetch: fetchFromServer, signal: controller.signal};
    const error = await readImage(url('x'), options).catch((caught) => caught);
    assert.is(error, reason);
  });
  const error = await readImage(fixture('cat.jpg'), {signal: AbortSignal.abort(reason)}).catch(
    (caught) => caught,
  );
  assert.is(error, reason);
});

test('no such file, a directory, nothing in it', async () => {
  const missing = temporary('missing.png');
  await expectInputError(readImage(missing), missing, /no such file/);
  await expectInputError(
    readImage(`${fixture('cat.jpg')}/x`),
    `${fixture('cat.jpg')}/x`,
    /no such file/,
  );
  await expectInputError(readImage(folder), folder, /is a directory/);
  await expectInputError(readImage(''), '(empty name)', /no such file/);
  await expectInputError(readImage('a\0b'), '"a\\u0000b"', /no such file/);
  await expectInputError(readImage('x'.repeat(5000)), `${'x'.repeat(80)}…`, /too long/);
  await expectInputError(readImage('two\nlines.png'), '"two\\nlines.png"', /no such file/);
  const empty = temporary('empty.png');
  writeFileSync(empty, '');
  await expectInputError(readImage(empty), empty, /empty \(0 bytes\)/);
});

/** Reads `file` as the user nobody (root may read everything); resolves to what it printed. */
function readAsNobody(file: string): Promise<string> {
  const module = new URL('../../src/data/source.ts', import.meta.url);
  const program = `import(${JSON.stringify(module.href)}).then(({readSource}) =>
    readSource(${JSON.stringify(file)})).then(() => console.log('read'), (error) => console.log(error.message))`;
  const NOBODY = 65534;
  return new Promise((resolve) => {
    const child = spawn(
      process.execPath,
      ['--import', 'tsx', '--input-type=module', '-e', program],
      {
        cwd: fileURLToPath(new URL('../..', import.meta.url)),
        env: {...process.env, HOME: '/nonexistent'},
        ...(process.getuid?.() === 0 && {uid: NOBODY, gid: NOBODY}),
      },
    );
    let output = '';
    child.stdout.on('data', (chunk) => {
      output += chunk;
    });
    child.on('error', () => resolve(''));
    child.on('close', () => resolve(output.trim()));
  });
}

chmodSync(folder, 0o755);
const readable = temporary('readable.png');
writeFileSync(readable, fixtureBytes('tiny-1x1.png'));
if (process.platform === 'win32' || (await readAsNobody(readable)) !== 'read') {
  skip(test, 'a file that may not be read', 'this clone cannot be run by a user without rights');
} else {
  test('a file that may not be read', async () => {
    const file = temporary('secret.png');
    writeFileSync(file, fixtureBytes('tiny-1x1.png'));
    chmodSync(file, 0);
    assert.is(
      await readAsNobody(file),
      `${file}: cannot be read: permission denied; check who may read it`,
    );
  });
}

if (process.platform === 'win32') skip(test, 'an endless device', 'needs /dev/zero');
else {
  test('an endless device stops at the limit', async () => {
    await expectInputError(
      readSource('/dev/zero', {maxFileBytes: 1e6}),
      '/dev/zero',
      /more than 1 MB/,
    );
  });
}

test.run();
