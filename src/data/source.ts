// Where bytes come from: a file, standard input, https or a data: URL.
import {createReadStream} from 'node:fs';
import {stat} from 'node:fs/promises';
import {EmuError, InputError} from '../errors.js';
import {proxiedFetch} from '../proxiedFetch.js';

export interface SourceOptions {
  /** Largest download in bytes (https only). Default 20 MB. */
  readonly maxDownloadBytes?: number;
  /** Longest download in milliseconds (https only). Default 30 s. */
  readonly downloadTimeoutMs?: number;
  /** Most bytes of a file or pipe. Default 1000 MB. */
  readonly maxFileBytes?: number;
  readonly signal?: AbortSignal;
  /** What speaks https, for tests. Default: proxiedFetch's. */
  readonly fetch?: typeof fetch;
  /** What `-` reads. Default: standard input. */
  readonly stdin?: AsyncIterable<Uint8Array>;
}

export interface SourceBytes {
  readonly bytes: Uint8Array;
  /** How errors name it: the path, `standard input`, the URL. */
  readonly label: string;
}

const MEGABYTE = 1e6;
const DEFAULT_DOWNLOAD_BYTES = 20 * MEGABYTE;
const DEFAULT_DOWNLOAD_MS = 30_000;
const MAX_REDIRECTS = 5;
// More than any picture of 100 megapixels needs (16-bit RGBA: 800 MB); stops endless pipes.
const DEFAULT_FILE_BYTES = 1000 * MEGABYTE;
const LABEL_LENGTH = 80;

// "data: cats, dogs" is a text, not a URL.
const isDataUrl = (source: string) => /^data:[^,;\s]*(;\s*[^,;\s]*)*,/i.test(source);

/** True for what is fetched or unpacked instead of looked up as a path; `http:` too, to refuse it. */
export function isUrl(source: string): boolean {
  return /^https?:\/\//i.test(source) || isDataUrl(source);
}

function shorten(text: string): string {
  return text.length > LABEL_LENGTH ? `${text.slice(0, LABEL_LENGTH)}…` : text;
}

/** How errors name a source. */
export function sourceLabel(source: string | Uint8Array): string {
  if (typeof source !== 'string') return `data of ${source.length} bytes`;
  if (source === '-') return 'standard input';
  if (source === '') return '(empty name)';
  // One line, whatever the name.
  if (!isUrl(source)) return /\p{Cc}/u.test(source) ? JSON.stringify(source) : source;
  return isDataUrl(source) && source.length > 32 ? `${source.slice(0, 32)}…` : shorten(source);
}

const tooLarge = (label: string, maxBytes: number) =>
  new InputError(label, `has more than ${maxBytes / MEGABYTE} MB`, 'make it smaller');

async function collect(
  chunks: AsyncIterable<Uint8Array>,
  maxBytes: number,
  label: string,
): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of chunks) {
    length += chunk.length;
    if (length > maxBytes) throw tooLarge(label, maxBytes);
    parts.push(chunk);
  }
  return Buffer.concat(parts);
}

/** The way out for what the operating system says about a path. */
export function fileProblem(path: string, error: unknown): EmuError {
  const file = sourceLabel(path);
  const {code, message} = error as NodeJS.ErrnoException;
  switch (code) {
    case 'ENOENT':
    case 'ENOTDIR':
      return new InputError(file, 'no such file');
    case 'EACCES':
    case 'EPERM':
      return new EmuError(`${file}: cannot be read: permission denied; check who may read it`, {
        code: 'access_refused',
        reason: 'access',
        file,
      });
    case 'EISDIR':
      return new InputError(file, 'is a directory', 'name a file in it');
    case 'ENAMETOOLONG':
      return new InputError(shorten(file), 'no such file: the name is too long');
    default:
      return new InputError(file, `cannot be read: ${message.split('\n')[0]}`);
  }
}

async function readPath(file: string, options: SourceOptions): Promise<Uint8Array> {
  const {signal, maxFileBytes = DEFAULT_FILE_BYTES} = options;
  const label = sourceLabel(file);
  try {
    const {size} = await checkFile(file);
    if (size > maxFileBytes) throw tooLarge(label, maxFileBytes);
    // A stream, so that pipes and devices that never end stop at the limit too.
    const stream = createReadStream(file, signal ? {signal} : {});
    return await collect(stream as AsyncIterable<Buffer>, maxFileBytes, label);
  } catch (error) {
    signal?.throwIfAborted();
    throw error instanceof EmuError ? error : fileProblem(file, error);
  }
}

/** The file's size in bytes (0 for pipes); InputError when there is no such file or it is a directory. */
export async function checkFile(file: string): Promise<{size: number; isRegular: boolean}> {
  const label = sourceLabel(file);
  if (file === '' || file.includes('\0')) throw new InputError(label, 'no such file');
  const stats = await stat(file).catch((error) => {
    throw fileProblem(file, error);
  });
  if (stats.isDirectory()) throw new InputError(label, 'is a directory', 'name a file in it');
  return {size: stats.size, isRegular: stats.isFile()};
}

async function readStdin(options: SourceOptions): Promise<Uint8Array> {
  const {stdin = process.stdin, maxFileBytes = DEFAULT_FILE_BYTES} = options;
  const label = sourceLabel('-');
  if ((stdin as NodeJS.ReadStream).isTTY) {
    throw new InputError(label, 'is a terminal', 'pipe a picture into the command');
  }
  return collect(stdin as AsyncIterable<Uint8Array>, maxFileBytes, label);
}

/** RFC 2397; base64 or percent-encoded. */
function readDataUrl(url: string): Uint8Array {
  const label = sourceLabel(url);
  const comma = url.indexOf(',');
  const isBase64 = /;\s*base64\s*$/i.test(url.slice(0, comma));
  const body = unescapePercent(Buffer.from(url.slice(comma + 1), 'utf8'));
  if (!isBase64) return body;
  const text = body.toString('latin1').replace(/\s/g, '');
  if (!/^[A-Za-z0-9+/_-]*={0,2}$/.test(text)) {
    throw new InputError(label, 'is not a data: URL: its content is not base64');
  }
  return Buffer.from(text, 'base64');
}

/** `%41` -> `A`, byte by byte: the content need not be UTF-8. */
function unescapePercent(text: Buffer): Buffer {
  if (!text.includes('%')) return text;
  const plain = Buffer.alloc(text.length);
  let length = 0;
  for (let i = 0; i < text.length; i++) {
    const digits = text.toString('latin1', i + 1, i + 3);
    const isEscape = text[i] === 0x25 && /^[0-9a-f]{2}$/i.test(digits);
    plain[length++] = isEscape ? Number.parseInt(digits, 16) : text[i]!;
    if (isEscape) i += 2;
  }
  return plain.subarray(0, length);
}

function httpsUrl(text: string, base: string | undefined, label: string): URL {
  let url: URL;
  try {
    url = new URL(text, base);
  } catch {
    throw new InputError(label, 'is not a URL');
  }
  if (url.protocol !== 'https:') {
    const what = base === undefined ? 'is not fetched' : `redirects to ${url.protocol}//`;
    throw new InputError(label, `${what}: only https is`, 'download it first, or use https');
  }
  return url;
}

async function download(source: string, options: SourceOptions): Promise<Uint8Array> {
  const label = sourceLabel(source);
  const maxBytes = options.maxDownloadBytes ?? DEFAULT_DOWNLOAD_BYTES;
  const timeoutMs = options.downloadTimeoutMs ?? DEFAULT_DOWNLOAD_MS;
  const timeout = AbortSignal.timeout(timeoutMs);
  const signal = options.signal ? AbortSignal.any([timeout, options.signal]) : timeout;
  const request = options.fetch ?? (await proxiedFetch());
  let url = httpsUrl(source, undefined, label);
  try {
    for (let hop = 0; hop <= MAX_REDIRECTS; hop++) {
      const response = await request(url, {signal, redirect: 'manual'});
      const location = response.headers.get('location');
      if (response.status >= 300 && response.status < 400 && location) {
        await response.body?.cancel();
        url = httpsUrl(location, url.href, label);
        continue;
      }
      if (!response.ok) {
        await response.body?.cancel();
        throw new InputError(label, `the server answered ${response.status}`);
      }
      if (Number(response.headers.get('content-length') ?? 0) > maxBytes) {
        await response.body?.cancel();
        throw tooLarge(label, maxBytes);
      }
      if (!response.body) return new Uint8Array();
      return await collect(response.body as AsyncIterable<Uint8Array>, maxBytes, label);
    }
    throw new InputError(label, `redirects more than ${MAX_REDIRECTS} times`);
  } catch (error) {
    if (error instanceof InputError) throw error;
    options.signal?.throwIfAborted();
    if (timeout.aborted) {
      throw new InputError(label, `took longer than ${timeoutMs / 1000} s`, 'download it first');
    }
    const {message, cause} = error as Error;
    const detail = cause instanceof Error && cause.message ? cause.message : message;
    throw new InputError(label, `cannot be fetched: ${detail.split('\n')[0]}`);
  }
}

/**
 * The bytes behind a path, `-` (standard input), `https://` or `data:` URL.
 * @throws InputError when there is nothing to read or a limit is passed; the signal's reason on abort
 */
export async function readSource(
  source: string | Uint8Array,
  options: SourceOptions = {},
): Promise<SourceBytes> {
  const label = sourceLabel(source);
  options.signal?.throwIfAborted();
  let bytes: Uint8Array;
  if (typeof source !== 'string') bytes = source;
  else if (source === '-') bytes = await readStdin(options);
  else if (isDataUrl(source)) bytes = readDataUrl(source);
  else if (isUrl(source)) bytes = await download(source, options);
  else bytes = await readPath(source, options);
  if (bytes.length === 0) throw new InputError(label, 'is empty (0 bytes)');
  return {bytes, label};
}
