// Pictures from the clipboard: by a program of the desktop, or by the terminal itself (kitty's OSC 5522).
import {spawn} from 'node:child_process';

/** The programs that give a PNG from the clipboard, as far as the desktop is one of theirs. */
export function clipboardPrograms(
  env: NodeJS.ProcessEnv = process.env,
  platform: NodeJS.Platform = process.platform,
): readonly (readonly [string, ...string[]])[] {
  if (platform === 'darwin') return [['pngpaste', '-']];
  return [
    ...(env.WAYLAND_DISPLAY ? [['wl-paste', '--type', 'image/png'] as const] : []),
    ...(env.DISPLAY
      ? [['xclip', '-selection', 'clipboard', '-target', 'image/png', '-out'] as const]
      : []),
  ];
}

const TIMEOUT_MS = 3000;
const MAX_BYTES = 100e6;

/** What a program prints; undefined where it is absent, fails or has nothing. */
function output([program, ...args]: readonly [string, ...string[]]): Promise<Buffer | undefined> {
  return new Promise((resolve) => {
    const child = spawn(program, args, {
      stdio: ['ignore', 'pipe', 'ignore'],
      timeout: TIMEOUT_MS,
    });
    const chunks: Buffer[] = [];
    let length = 0;
    child.stdout.on('data', (chunk: Buffer) => {
      length += chunk.length;
      if (length > MAX_BYTES) child.kill();
      else chunks.push(chunk);
    });
    child.on('error', () => resolve(undefined));
    child.on('close', (code) =>
      resolve(code === 0 && length > 0 ? Buffer.concat(chunks) : undefined),
    );
  });
}

/** Whether the terminal gives its clipboard's pictures when asked. */
export function hasTerminalClipboard(env: NodeJS.ProcessEnv = process.env): boolean {
  return env.KITTY_WINDOW_ID !== undefined && env.TMUX === undefined;
}

const base64 = (text: string) => Buffer.from(text).toString('base64');

/** Asks kitty for a PNG; its answers are OSC strings, which KeyReader gives as `reply` keys. */
export const CLIPBOARD_REQUEST = `\x1b]5522;type=read;${base64('image/png')}\x1b\\`;

/** Puts the terminal's answers together. */
export class ClipboardReply {
  private readonly chunks: Buffer[] = [];

  /** True when `reply` is one of them and the last; the picture is then what `picture` gives. */
  add(reply: string): boolean {
    const match = /^5522;([^;]*)(?:;([\s\S]*))?$/.exec(reply);
    if (!match) return false;
    const facts = new Map(
      match[1]!.split(':').map((fact) => fact.split('=', 2) as [string, string]),
    );
    const status = facts.get('status');
    if (status === 'DATA') this.chunks.push(Buffer.from(match[2] ?? '', 'base64'));
    return status !== 'OK' && status !== 'DATA';
  }

  get picture(): Buffer | undefined {
    return this.chunks.length > 0 ? Buffer.concat(this.chunks) : undefined;
  }
}

/** A picture from the desktop's clipboard; undefined where there is none to be had. */
export async function clipboardPicture(
  env: NodeJS.ProcessEnv = process.env,
): Promise<Buffer | undefined> {
  for (const program of clipboardPrograms(env)) {
    const picture = await output(program);
    if (picture) return picture;
  }
  return undefined;
}
