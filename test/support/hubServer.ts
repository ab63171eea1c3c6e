// A hub of our own on this machine, which fails as it is told: for each request that matches, once or as often
// as asked. Large files come from a storage at another address, as the hub's do.
import {createHash} from 'node:crypto';
import {createServer, type IncomingMessage, type Server, type ServerResponse} from 'node:http';
import type {AddressInfo} from 'node:net';

/** Bytes that need no memory: a block over and over. */
export interface Content {
  readonly size: number;
  readonly block: Buffer;
}

export const text = (value: string): Content => {
  const block = Buffer.from(value);
  return {size: block.length, block};
};

/** `size` bytes that look random, the same for the same seed. */
export function noise(size: number, seed = 1): Content {
  const block = Buffer.alloc(Math.min(size, 2 ** 20 - 3)); // no power of two: no two chunks are equal
  let state = seed;
  for (let i = 0; i < block.length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    block[i] = state >>> 24;
  }
  return {size, block};
}

export function bytesOf({size, block}: Content, start = 0, end = size): Buffer {
  const out = Buffer.alloc(end - start);
  for (let at = start; at < end; ) {
    const from = at % block.length;
    at += block.copy(out, at - start, from, Math.min(block.length, from + end - at));
  }
  return out;
}

export interface Repo {
  readonly commit: string;
  readonly files: Readonly<Record<string, Content>>;
  readonly card?: Record<string, unknown>;
  /** Asks for a token, and for terms that were accepted. */
  readonly token?: string;
  readonly isGated?: boolean;
}

/** What goes wrong with a request. */
export type Fault =
  | {readonly kind: 'status'; readonly status: number; readonly headers?: Record<string, string>}
  | {readonly kind: 'cut'; readonly after: number}
  | {readonly kind: 'wrong'}
  | {readonly kind: 'ignoresRange'}
  | {readonly kind: 'stalls'; readonly after: number};

interface Planned {
  readonly url: RegExp;
  readonly fault: Fault;
  times: number;
}

export interface Seen {
  readonly method: string;
  readonly url: string;
  readonly host: string;
  readonly range: string | undefined;
  readonly authorization: string | undefined;
}

/** Files above it have a SHA-256 and lie in the storage. */
const LARGE_BYTES = 4096;
const WRITE_BYTES = 64 * 1024;

export class HubServer {
  readonly seen: Seen[] = [];
  /** Of files, headers not counted. */
  bytesSent = 0;
  /** Milliseconds that the storage waits after each write. */
  slowMs = 0;
  private readonly faults: Planned[] = [];
  private readonly watchers = new Set<() => void>();
  private readonly hashes = new Map<Content, {oid: string; sha256: string}>();

  private constructor(
    private readonly repos: Readonly<Record<string, Repo>>,
    private readonly hub: Server,
    private readonly storage: Server,
  ) {}

  static async start(repos: Readonly<Record<string, Repo>>): Promise<HubServer> {
    const hub = createServer();
    const storage = createServer();
    const server = new HubServer(repos, hub, storage);
    hub.on('request', (request, response) => {
      void answering(response, () => server.answerHub(request, response));
    });
    storage.on('request', (request, response) => {
      void answering(response, () => server.answerStorage(request, response));
    });
    for (const each of [hub, storage])
      await new Promise<void>((resolve) => each.listen(0, '127.0.0.1', resolve));
    return server;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.hub.address() as AddressInfo).port}`;
  }

  /** Has the next `times` requests whose address matches fail. */
  fail(url: RegExp, fault: Fault, times = 1): void {
    this.faults.push({url, fault, times});
  }

  /** Forgets what was seen and what was to fail. */
  reset(): void {
    this.seen.length = 0;
    this.faults.length = 0;
    this.bytesSent = 0;
    this.slowMs = 0;
  }

  /** Resolves when `bytes` of files have been sent since the last reset. */
  sent(bytes: number): Promise<void> {
    return new Promise((resolve) => {
      const look = () => {
        if (this.bytesSent < bytes) return;
        this.watchers.delete(look);
        resolve();
      };
      this.watchers.add(look);
      look();
    });
  }

  async close(): Promise<void> {
    for (const each of [this.hub, this.storage]) {
      each.closeAllConnections();
      await new Promise((resolve) => each.close(resolve));
    }
  }

  hash(content: Content): string {
    const {oid, sha256} = this.hashesOf(content);
    return content.size > LARGE_BYTES ? sha256 : oid;
  }

  private hashesOf(content: Content): {oid: string; sha256: string} {
    let known = this.hashes.get(content);
    if (known) return known;
    const sha256 = createHash('sha256');
    const git = createHash('sha1').update(`blob ${content.size}\0`);
    for (let at = 0; at < content.size; at += 2 ** 24) {
      const bytes = bytesOf(content, at, Math.min(content.size, at + 2 ** 24));
      sha256.update(bytes);
      git.update(bytes);
    }
    known = {oid: git.digest('hex'), sha256: sha256.digest('hex')};
    this.hashes.set(content, known);
    return known;
  }

  private note({method = '', url = '', headers}: IncomingMessage): Fault | undefined {
    const {host = '', range, authorization} = headers;
    this.seen.push({method, url, host, range, authorization});
    const planned = this.faults.find((one) => one.times > 0 && one.url.test(url));
    if (planned) planned.times--;
    const fault = planned?.fault;
    if (fault?.kind === 'status') throw new Refusal(fault.status, fault.headers);
    return fault;
  }

  private async answerHub(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const fault = this.note(request);
    const url = new URL(request.url ?? '', this.url);
    const [, isApi, name = '', rest = ''] =
      /^\/(api\/models\/)?([^/]+\/[^/]+)\/(.*)$/.exec(url.pathname) ?? [];
    const repo = this.repos[name];
    if (!repo) throw new Refusal(404, {'x-error-code': 'RepoNotFound'});
    const isAllowed = !repo.token || request.headers.authorization === `Bearer ${repo.token}`;
    // Of a gated repository all may know what is in it.
    if (!isAllowed && !(repo.isGated && isApi))
      throw new Refusal(401, {'x-error-code': repo.isGated ? 'GatedRepo' : 'RepoNotFound'});
    if (isApi) {
      const answer = this.answerApi(repo, name, rest);
      response.writeHead(200, {'content-type': 'application/json'});
      response.end(JSON.stringify(answer));
      return;
    }
    const [, commit, path = ''] = /^resolve\/([^/]+)\/(.*)$/.exec(rest) ?? [];
    const content = repo.files[decodeURIComponent(path)];
    if (commit !== repo.commit || !content)
      throw new Refusal(404, {'x-error-code': 'EntryNotFound'});
    if (content.size > LARGE_BYTES) {
      const {port} = this.storage.address() as AddressInfo;
      response.writeHead(302, {location: `http://127.0.0.1:${port}/${name}/${path}?signed=1`});
      response.end();
    } else await this.send(content, request, response, fault);
  }

  private answerApi(repo: Repo, name: string, rest: string): unknown {
    const [, what, revision] = /^(revision|tree)\/([^/?]+)/.exec(rest) ?? [];
    if (revision !== repo.commit && revision !== 'main')
      throw new Refusal(404, {'x-error-code': 'RevisionNotFound'});
    if (what === 'revision')
      return {
        ...{_id: '1', id: name, private: false, gated: repo.isGated ? 'manual' : false},
        ...{likes: 0, downloads: 0, lastModified: '2023-07-11T00:00:00Z'},
        ...{sha: repo.commit, cardData: repo.card ?? {}},
      };
    return Object.entries(repo.files).map(([path, content]) => {
      const {oid, sha256} = this.hashesOf(content);
      const {size} = content;
      const lfs = size > LARGE_BYTES ? {lfs: {oid: sha256, size, pointerSize: 134}} : {};
      return {type: 'file', path, size, oid, ...lfs};
    });
  }

  private async answerStorage(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const fault = this.note(request);
    const url = new URL(request.url ?? '', this.url);
    const [, name = '', path = ''] = /^\/([^/]+\/[^/]+)\/(.*)$/.exec(url.pathname) ?? [];
    await this.send(this.repos[name]!.files[decodeURIComponent(path)]!, request, response, fault);
  }

  private async send(
    content: Content,
    request: IncomingMessage,
    response: ServerResponse,
    fault: Fault | undefined,
  ): Promise<void> {
    const range = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '');
    const isWhole = !range || fault?.kind === 'ignoresRange';
    const start = isWhole ? 0 : Number(range[1]);
    const end = isWhole ? content.size : Math.min(content.size, Number(range[2]) + 1);
    response.writeHead(isWhole ? 200 : 206, {
      'content-length': end - start,
      ...(isWhole ? {} : {'content-range': `bytes ${start}-${end - 1}/${content.size}`}),
    });
    const limit = fault && 'after' in fault ? Math.min(end, start + fault.after) : end;
    for (let at = start; at < limit && !response.destroyed; ) {
      const bytes = bytesOf(content, at, Math.min(limit, at + WRITE_BYTES));
      if (fault?.kind === 'wrong' && at === start) bytes[0]! ^= 1;
      if (!response.write(bytes)) await drained(response);
      at += bytes.length;
      this.bytesSent += bytes.length;
      for (const look of this.watchers) look();
      if (this.slowMs > 0) await new Promise((resolve) => setTimeout(resolve, this.slowMs));
    }
    if (fault?.kind === 'stalls') return;
    if (limit < end) response.destroy();
    else response.end();
  }
}

/** An answer that is no success. */
class Refusal extends Error {
  constructor(
    readonly status: number,
    readonly headers: Record<string, string> = {},
  ) {
    super(`${status}`);
  }
}

/** Answers by `run`; what it refuses is told. */
async function answering(response: ServerResponse, run: () => Promise<void>): Promise<void> {
  try {
    await run();
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    response.writeHead(error.status, {'content-type': 'text/html', ...error.headers});
    response.end('<html>no</html>');
  }
}

function drained(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      response.off('drain', done).off('close', done);
      resolve();
    };
    response.on('drain', done).on('close', done);
  });
}
