// What the environment says about the hub: the variables of Hugging Face's own tools.
import {readFileSync} from 'node:fs';
import path from 'node:path';
import {HUB_URL} from '@huggingface/hub';
import {EmuError} from '../errors.js';
import {hubCacheFolder, hubHome} from '../userFolders.js';
import {printable} from '../weights/printable.js';

export interface HubSettings {
  /** Without a slash at its end: HF_ENDPOINT, else the hub itself. */
  readonly endpoint: string;
  /** HF_TOKEN, else the file that `hf auth login` writes. */
  readonly token: string | undefined;
  /** The folder of the cache. */
  readonly cache: string;
  /** HF_HUB_OFFLINE: nothing is asked of the network. */
  readonly isOffline: boolean;
  /** HF_HUB_DOWNLOAD_TIMEOUT: a server that sends nothing for so long is asked again. */
  readonly timeoutMs: number;
}

const TIMEOUT_S = 30;

/** Reads the environment. Throws EmuError (usage) for a value that cannot be. */
export function hubSettings(env: NodeJS.ProcessEnv = process.env): HubSettings {
  return {
    endpoint: endpoint(env.HF_ENDPOINT || HUB_URL),
    token: env.HF_TOKEN?.trim() || storedToken(env),
    cache: hubCacheFolder(env),
    isOffline: /^(1|on|yes|true)$/i.test(env.HF_HUB_OFFLINE ?? ''),
    timeoutMs: 1000 * seconds(env.HF_HUB_DOWNLOAD_TIMEOUT),
  };
}

function endpoint(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url && /^https?:$/.test(url.protocol)) return text.replace(/\/+$/, '');
  throw usage(`HF_ENDPOINT: expected an address that begins with https://, got ${printable(text)}`);
}

function storedToken(env: NodeJS.ProcessEnv): string | undefined {
  try {
    const file = env.HF_TOKEN_PATH || path.join(hubHome(env), 'token');
    return readFileSync(file, 'utf8').trim() || undefined;
  } catch {
    return undefined; // most people have none
  }
}

function seconds(text: string | undefined): number {
  if (!text) return TIMEOUT_S;
  const value = Number(text);
  if (value > 0 && Number.isFinite(value)) return value;
  throw usage(`HF_HUB_DOWNLOAD_TIMEOUT: expected seconds, got ${printable(text)}`);
}

function usage(message: string): EmuError {
  return new EmuError(message, {code: 'usage', reason: 'usage'});
}
