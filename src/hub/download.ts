// Bytes of one file from the hub: several ranges at once, each continued at its byte when a connection breaks;
// from a server that knows no ranges, the whole in one go.
import {type Chunk, Parts} from './parts.js';
import {connectionProblem, RequestProblem, request} from './request.js';
import {defaultPolicy, type OnRetry, Retry, type RetryPolicy} from './retry.js';
import type {HubSettings} from './settings.js';

export const DEFAULT_CONNECTIONS = 4;

export interface DownloadOptions {
  readonly connections?: number;
  readonly signal: AbortSignal;
  /** Bytes of the file that are there. */
  readonly onProgress?: (done: number) => void;
  readonly onRetry?: OnRetry;
  readonly policy?: RetryPolicy;
}

/** An answer whose bytes belong at `start`; `isWhole`: the server has ignored the range. */
interface Part {
  readonly body: ReadableStream<Uint8Array>;
  readonly start: number;
  readonly isWhole: boolean;
  readonly connection: Connection;
}

/** A request that is cut when it stays silent, or when `outer` is aborted. */
class Connection {
  private readonly controller = new AbortController();
  private readonly timer: NodeJS.Timeout;
  private readonly forward = () => this.controller.abort(this.outer.reason);

  constructor(
    private readonly outer: AbortSignal,
    timeoutMs: number,
  ) {
    const silence = `sent nothing for ${timeoutMs / 1000} s`;
    const cut = () => this.controller.abort(new RequestProblem(silence, {isTemporary: true}));
    this.timer = setTimeout(cut, timeoutMs);
    // Not AbortSignal.any: of a signal that lives long, each one made from it costs memory.
    outer.addEventListener('abort', this.forward);
    if (outer.aborted) this.forward();
  }

  get signal(): AbortSignal {
    return this.controller.signal;
  }

  isAlive(): void {
    this.timer.refresh();
  }

  /** Nothing more is wanted; `cut` where the server might still send. */
  end(cut: boolean): void {
    clearTimeout(this.timer);
    this.outer.removeEventListener('abort', this.forward);
    if (cut) this.controller.abort();
  }
}

/**
 * Fetches what is missing of a file of `size` bytes into `file` (and its marks, parts.ts), which is kept
 * whatever happens. Throws RequestProblem when the server fails for good or too often in a row, the signal's
 * reason on abort.
 */
export async function download(
  settings: HubSettings,
  url: string,
  size: number,
  file: string,
  options: DownloadOptions,
): Promise<void> {
  const parts = await Parts.open(file, size, options.connections ?? DEFAULT_CONNECTIONS);
  try {
    await new Download(settings, url, parts, options).run();
    await parts.flush();
  } finally {
    await parts.close();
  }
}

class Download {
  /** Ends all connections when one has failed for good. */
  private readonly failed = new AbortController();
  private readonly signal: AbortSignal;
  /** Where the hub has sent us for the bytes: the next request goes there directly. */
  private storage: string | undefined;

  constructor(
    private readonly settings: HubSettings,
    private readonly url: string,
    private readonly parts: Parts,
    private readonly options: DownloadOptions,
  ) {
    this.signal = AbortSignal.any([options.signal, this.failed.signal]);
  }

  async run(): Promise<void> {
    this.options.onProgress?.(this.parts.bytesDone);
    const chunk = this.parts.take();
    if (!chunk) return;
    const retry = this.retry();
    let first: Part;
    for (;;) {
      try {
        first = await this.ask(this.parts.missingFrom(chunk), chunk.end);
        break;
      } catch (error) {
        await retry.after(error, false);
      }
    }
    if (first.isWhole) return this.fetchInOneGo(first);
    const others = (this.options.connections ?? DEFAULT_CONNECTIONS) - 1;
    const all = [
      this.fetchChunk(chunk, first).then(() => this.fetchChunks()),
      ...Array.from({length: others}, () => this.fetchChunks()),
    ];
    const ended = await Promise.allSettled(
      all.map((one) =>
        one.catch((error) => {
          this.failed.abort(error);
          throw error;
        }),
      ),
    );
    if (this.failed.signal.aborted) throw this.failed.signal.reason;
    for (const end of ended) if (end.status === 'rejected') throw end.reason;
  }

  private async fetchChunks(): Promise<void> {
    for (let chunk = this.parts.take(); chunk; chunk = this.parts.take())
      await this.fetchChunk(chunk);
  }

  private async fetchChunk(chunk: Chunk, answered?: Part): Promise<void> {
    const {parts} = this;
    const retry = this.retry();
    let part = answered;
    while (!parts.isWhole(chunk)) {
      const from = parts.missingFrom(chunk);
      try {
        part ??= await this.ask(from, chunk.end);
        await this.keep(part, chunk.end);
      } catch (error) {
        await retry.after(error, parts.missingFrom(chunk) > from);
      }
      part = undefined;
    }
  }

  /** From a server without ranges: after a cut connection it sends the file from its beginning again. */
  private async fetchInOneGo(first: Part): Promise<void> {
    const {parts} = this;
    const retry = this.retry();
    let part: Part | undefined = first;
    for (let from = 0; from < parts.size; from = parts.firstMissing) {
      const before = parts.bytesDone;
      try {
        part ??= await this.ask(from, parts.size);
        await this.keep(part, parts.size);
      } catch (error) {
        await retry.after(error, parts.bytesDone > before);
      }
      part = undefined;
    }
  }

  /** Asks for the bytes [start, end). */
  private async ask(start: number, end: number): Promise<Part> {
    const connection = new Connection(this.signal, this.settings.timeoutMs);
    const headers = {range: `bytes=${start}-${end - 1}`};
    try {
      const {response, url} = await this.askStorage({headers, signal: connection.signal});
      this.storage = url;
      const body = response.body as ReadableStream<Uint8Array>;
      return {...this.checked(response, start), body, connection};
    } catch (error) {
      connection.end(true);
      throw error;
    }
  }

  /** The storage's address is good for a while only: then the hub gives a new one. */
  private async askStorage(init: RequestInit & {signal: AbortSignal}) {
    const {storage} = this;
    if (storage === undefined || storage === this.url)
      return request(this.settings, this.url, init);
    try {
      return await request(this.settings, storage, init);
    } catch (error) {
      if (!(error instanceof RequestProblem) || error.status === undefined) throw error;
      if (error.isTemporary) throw error;
      this.storage = undefined;
      return request(this.settings, this.url, init);
    }
  }

  private checked(response: Response, start: number): Pick<Part, 'start' | 'isWhole'> {
    const {size} = this.parts;
    const wrong = (problem: string) => new RequestProblem(problem, {isTemporary: false});
    if (response.status !== 206) {
      const length = response.headers.get('content-length');
      if (length !== null && Number(length) !== size)
        throw wrong(`sends ${length} bytes of a file that has ${size}`);
      return {start: 0, isWhole: true};
    }
    const range = /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(response.headers.get('content-range') ?? '');
    if (!range || Number(range[1]) !== start)
      throw new RequestProblem('sent another part than the one asked for', {isTemporary: true});
    if (range[2] !== '*' && Number(range[2]) !== size)
      throw wrong(`has ${range[2]} bytes of a file that has ${size}`);
    return {start, isWhole: false};
  }

  /** Writes what comes, up to `end`. Throws RequestProblem when it ends before. */
  private async keep({body, start, isWhole, connection}: Part, end: number): Promise<void> {
    let position = start;
    let isRead = false;
    try {
      if (isWhole && end < this.parts.size)
        throw new RequestProblem('sent the whole file in the place of a part', {isTemporary: true});
      const reader = body.getReader();
      for (;;) {
        const {value: bytes, done} = await reader.read().catch((error) => {
          throw connectionProblem(error, this.signal);
        });
        isRead = done;
        if (!bytes) break;
        connection.isAlive();
        if (position + bytes.length > end)
          throw new RequestProblem('sent more bytes than the file has', {isTemporary: false});
        await this.parts.write(position, bytes);
        position += bytes.length;
        this.options.onProgress?.(this.parts.bytesDone);
      }
    } finally {
      connection.end(!isRead);
    }
    if (position < end) throw new RequestProblem('the connection ended early', {isTemporary: true});
  }

  private retry(): Retry {
    const {policy = defaultPolicy, onRetry = () => {}} = this.options;
    return new Retry(policy, this.signal, onRetry);
  }
}
