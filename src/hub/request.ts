// One request to the hub, and what its failures mean. Redirects are followed here, so that the token goes
// to the hub alone and not to the storage it points at.
import {proxiedFetch} from '../proxiedFetch.js';
import type {HubSettings} from './settings.js';

const MAX_REDIRECTS = 5;
const MAX_PROBLEM_CHARACTERS = 300;
/** Statuses after which another try may do. */
const temporaryStatuses = new Set([408, 425, 429, 500, 502, 503, 504]);

export interface ProblemFacts {
  readonly status?: number;
  /** The hub's own word for it: RepoNotFound, GatedRepo, RevisionNotFound, EntryNotFound. */
  readonly hubCode?: string | undefined;
  readonly retryAfterMs?: number | undefined;
  readonly isTemporary: boolean;
}

/** Why a request had no use. */
export class RequestProblem extends Error {
  readonly status: number | undefined;
  readonly hubCode: string | undefined;
  readonly retryAfterMs: number | undefined;
  readonly isTemporary: boolean;

  constructor(problem: string, {status, hubCode, retryAfterMs, isTemporary}: ProblemFacts) {
    super(problem);
    this.status = status;
    this.hubCode = hubCode;
    this.retryAfterMs = retryAfterMs;
    this.isTemporary = isTemporary;
  }
}

export interface Answer {
  readonly response: Response;
  /** Where it came from after all redirects. */
  readonly url: string;
}

/**
 * Asks once and follows redirects. Throws RequestProblem for an answer that is no success and for a
 * connection that fails; the signal's reason on abort.
 */
export async function request(
  settings: HubSettings,
  address: string,
  init: RequestInit & {readonly signal: AbortSignal},
): Promise<Answer> {
  let url = new URL(address);
  for (let hop = 0; hop <= MAX_REDIRECTS; hop++) {
    const headers = new Headers(init.headers);
    // Bytes as they are stored: a packed answer could not be counted or continued.
    headers.set('accept-encoding', 'identity');
    const isHub = url.origin === new URL(settings.endpoint).origin;
    if (settings.token && isHub) headers.set('authorization', `Bearer ${settings.token}`);
    let response: Response;
    try {
      const fetch = await proxiedFetch();
      response = await fetch(url, {...init, headers, redirect: 'manual'});
    } catch (error) {
      throw connectionProblem(error, init.signal);
    }
    const location = response.headers.get('location');
    if (response.status >= 300 && response.status < 400 && location) {
      await response.body?.cancel();
      url = redirected(url, location);
      continue;
    }
    if (!response.ok) throw await statusProblem(response);
    return {response, url: url.href};
  }
  throw new RequestProblem(`redirects more than ${MAX_REDIRECTS} times`, {isTemporary: false});
}

function redirected(from: URL, location: string): URL {
  const to = URL.canParse(location, from.href) ? new URL(location, from) : undefined;
  if (to && (to.protocol === 'https:' || to.protocol === from.protocol)) return to;
  const problem = to ? `redirects to ${to.protocol}` : 'redirects to what is no address';
  throw new RequestProblem(problem, {isTemporary: false});
}

/** A failure below HTTP: no route, refused, cut. Abort is no failure of the connection. */
export function connectionProblem(error: unknown, signal: AbortSignal): unknown {
  if (error instanceof RequestProblem) return error;
  if (signal.aborted) return signal.reason;
  const {message, cause} = error as Error;
  const {code, message: detail} = (cause ?? {}) as {code?: string; message?: string};
  return new RequestProblem(code ?? detail ?? message, {isTemporary: true});
}

async function statusProblem(response: Response): Promise<RequestProblem> {
  const {status, headers} = response;
  const said = await bodyText(response);
  return new RequestProblem(said ? `${status}, ${said}` : `${status}`, {
    status,
    hubCode: headers.get('x-error-code') ?? undefined,
    retryAfterMs: retryAfter(headers.get('retry-after')),
    isTemporary: temporaryStatuses.has(status),
  });
}

/** What the hub says about it; other servers' pages are left out. */
async function bodyText(response: Response): Promise<string> {
  if (!response.headers.get('content-type')?.startsWith('application/json')) {
    await response.body?.cancel();
    return response.headers.get('x-error-message')?.slice(0, MAX_PROBLEM_CHARACTERS) ?? '';
  }
  try {
    const {error, message} = (await response.json()) as {error?: unknown; message?: unknown};
    return String(error ?? message ?? '').slice(0, MAX_PROBLEM_CHARACTERS);
  } catch {
    return '';
  }
}

/** Milliseconds; the header is in seconds or a date. */
function retryAfter(value: string | null): number | undefined {
  if (value === null || value.trim() === '') return undefined;
  const seconds = Number(value);
  const ms = Number.isNaN(seconds) ? Date.parse(value) - Date.now() : 1000 * seconds;
  return Number.isNaN(ms) ? undefined : Math.max(0, ms);
}
