// The hub's answers about a model: its commit, its licence, its files and their hashes. What it is asked goes
// through @huggingface/hub, over requests of our own (request.ts).
import {listFiles, modelInfo} from '@huggingface/hub';
import {z} from 'zod';
import {EmuError, ModelError} from '../errors.js';
import {printable} from '../weights/printable.js';
import {RequestProblem, request} from './request.js';
import {defaultPolicy, type OnRetry, Retry, type RetryPolicy, retrying} from './retry.js';
import type {HubSettings} from './settings.js';

/** A file of a repository at one commit. */
export interface HubFile {
  /** In the repository, with `/` between its parts; checked: it leads nowhere else. */
  readonly path: string;
  /** Bytes. */
  readonly size: number;
  /** SHA-256 of a large file (64 hexadecimal digits), git's own SHA-1 of a small one (40). */
  readonly hash: string;
}

export interface HubModel {
  readonly repo: string;
  /** What was asked for: a branch, a tag or a commit. */
  readonly revision: string;
  readonly commit: string;
  /** As the model's card states it; undefined where it states none. */
  readonly licence: string | undefined;
  readonly licenceUrl: string | undefined;
  readonly files: readonly HubFile[];
}

export interface AskOptions {
  readonly signal: AbortSignal;
  readonly onRetry?: OnRetry;
  readonly policy?: RetryPolicy;
}

const commitSchema = z.object({sha: z.string().regex(/^[0-9a-f]{40}$/)});
const cardSchema = z
  .object({
    license: z.union([z.string(), z.array(z.string())]).optional(),
    license_name: z.string().optional(),
    license_link: z.string().optional(),
  })
  .catch({});
const fileSchema = z
  .object({
    path: z.string().refine(isInside),
    size: z.int().min(0),
    oid: z.string().regex(/^[0-9a-f]{40}$/),
    lfs: z.object({oid: z.string().regex(/^[0-9a-f]{64}$/), size: z.int().min(0)}).optional(),
  })
  .transform(
    ({path, size, oid, lfs}): HubFile => ({path, size: lfs?.size ?? size, hash: lfs?.oid ?? oid}),
  );

/** Whether a name out of a repository stays inside the folder that it is put into, on any system. */
function isInside(name: string): boolean {
  const parts = name.split('/');
  const isPlain = (part: string) => part !== '' && part !== '.' && part !== '..';
  return name.length <= 500 && !/[\\:\p{C}]/u.test(name) && parts.every(isPlain);
}

/** Checks a repository's name and the revision asked for. Throws EmuError (usage). */
export function checkNames(repo: string, revision: string): void {
  const part = '[\\w-](?:[\\w.-]*[\\w-])?';
  if (!new RegExp(`^${part}/${part}$`).test(repo) || /--|\.\./.test(repo) || repo.length > 96)
    throw usage(`expected a model of the hub as OWNER/NAME, got ${printable(repo)}`);
  if (!isInside(revision) || revision.length > 200 || /\s/.test(revision))
    throw usage(`--revision: expected a branch, a tag or a commit, got ${printable(revision)}`);
}

function usage(message: string): EmuError {
  return new EmuError(message, {code: 'usage', reason: 'usage'});
}

/**
 * What the hub says of a model at a revision. Throws ModelError when there is none, EmuError: access refused,
 * or the network's failure after all tries.
 */
export async function readModel(
  settings: HubSettings,
  repo: string,
  revision: string,
  {signal, onRetry = () => {}, policy = defaultPolicy}: AskOptions,
): Promise<HubModel> {
  const {endpoint: hubUrl} = settings;
  const asking = async (input: string | URL | Request, init: RequestInit = {}) => {
    const retry = new Retry(policy, signal, onRetry);
    return retrying(retry, async () => {
      const limit = AbortSignal.any([signal, AbortSignal.timeout(settings.timeoutMs)]);
      try {
        return (await request(settings, String(input), {...init, signal: limit})).response;
      } catch (error) {
        if (!limit.aborted || signal.aborted) throw error;
        throw new RequestProblem(`no answer within ${settings.timeoutMs / 1000} s`, {
          isTemporary: true,
        });
      }
    });
  };
  try {
    const asked = {name: repo, revision, hubUrl, fetch: asking};
    const info = await modelInfo({...asked, additionalFields: ['sha', 'cardData']});
    const {sha: commit} = parsed(commitSchema, info, repo);
    const card = cardSchema.parse(info.cardData ?? {});
    const files: HubFile[] = [];
    const entries = listFiles({repo, recursive: true, revision: commit, hubUrl, fetch: asking});
    for await (const entry of entries)
      if (entry.type === 'file') files.push(parsed(fileSchema, entry, repo));
    return {repo, revision, commit, files, ...licenceOf(card, hubUrl, repo, commit)};
  } catch (error) {
    throw hubError(error, settings, repo, `revision ${revision}`);
  }
}

function parsed<T extends z.ZodType>(schema: T, value: unknown, repo: string): z.infer<T> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const {path} = (value ?? {}) as {path?: unknown};
  const of = typeof path === 'string' ? ` for ${printable(path)}` : '';
  throw new ModelError(repo, `the hub's answer${of} is not what it should be`);
}

/** `other` says nothing: the card then names the licence itself. */
export function licenceOf(
  {license, license_name: name, license_link: link}: z.infer<typeof cardSchema>,
  endpoint: string,
  repo: string,
  commit: string,
): Pick<HubModel, 'licence' | 'licenceUrl'> {
  const stated = Array.isArray(license) ? license.join(', ') : license;
  const licence = stated === 'other' && name ? name : stated;
  const isAddress = link !== undefined && URL.canParse(link);
  const file = link && !isAddress && isInside(link) ? link : undefined;
  const licenceUrl = isAddress ? link : file && `${endpoint}/${repo}/blob/${commit}/${file}`;
  return {
    licence: licence === undefined ? undefined : printable(licence),
    licenceUrl: licenceUrl === undefined ? undefined : printable(licenceUrl, 500),
  };
}

/** Where the bytes of a file are asked for. */
export function fileUrl({endpoint}: HubSettings, {repo, commit}: HubModel, file: HubFile): string {
  const place = file.path.split('/').map(encodeURIComponent).join('/');
  return `${endpoint}/${repo}/resolve/${commit}/${place}`;
}

/** A request's failure as a person can act on it; `what` was asked for of the model. */
export function hubError(
  error: unknown,
  {endpoint, token}: HubSettings,
  repo: string,
  what: string,
): unknown {
  if (!(error instanceof RequestProblem)) return error;
  const {status, hubCode, retryAfterMs} = error;
  const page = `${endpoint}/${repo}`;
  if (status === 401 || status === 403) {
    const wayOut =
      hubCode === 'GatedRepo'
        ? `its authors give it to those who accept its terms: do so at ${page}, then set HF_TOKEN to a token of that account`
        : token
          ? `is the token in HF_TOKEN valid, and may it read ${page}?`
          : `there is no such model, or it is not open to all: check the name, or set HF_TOKEN to a token that may read ${page}`;
    return new EmuError(
      `${repo}: the hub refuses access (${printable(error.message)}); ${wayOut}`,
      {
        code: 'access_refused',
        reason: 'access',
        file: repo,
      },
    );
  }
  if (status === 404) {
    const problem =
      hubCode === 'RevisionNotFound' || hubCode === 'EntryNotFound'
        ? `the hub has no ${what} of it`
        : `the hub has no such model, or no ${what} of it`;
    return new ModelError(repo, problem, `look at ${page}`);
  }
  const patience =
    retryAfterMs === undefined
      ? 'try again later: what is here is kept'
      : `it asks to come back in ${Math.ceil(retryAfterMs / 1000)} s: what is here is kept`;
  const problem =
    status === undefined
      ? `${endpoint} cannot be reached, or does not go on (${printable(error.message)}); check the network and HF_ENDPOINT; what is here is kept`
      : `the hub answers ${printable(error.message)}; ${patience}`;
  return new EmuError(`${repo}: ${what}: ${problem}`, {code: 'network', file: repo});
}
