// The terminal's keyboard: raw mode, pasted text marked as such, and keys from what comes in.
import type {ReadStream} from 'node:tty';
import {onInterrupt} from '../cli/interrupt.js';
import {type Key, KeyReader} from './keys.js';

const PASTE_ON = '\x1b[?2004h';
const PASTE_OFF = '\x1b[?2004l';
/** Kitty's protocol, flag 1: Shift+Enter and Esc are told apart from others. */
const KITTY_ON = '\x1b[>1u';
const KITTY_OFF = '\x1b[<u';
/** Bytes of one sequence come together; a longer wait means that Esc was pressed. */
const ESC_MS = 40;

/** Whether the terminal is known to speak kitty's keyboard protocol; asking would cost an answer on stdin. */
function hasKittyKeyboard(env: NodeJS.ProcessEnv): boolean {
  if (env.TMUX !== undefined) return false;
  const names = `${env.TERM ?? ''} ${env.TERM_PROGRAM ?? ''}`;
  return env.KITTY_WINDOW_ID !== undefined || /kitty|ghostty|WezTerm|^foot/i.test(names);
}

/** Gives keys to `onKey` until the returned function is called, which sets the terminal back. */
export function listenToKeys(
  stdin: ReadStream,
  write: (text: string) => void,
  onKey: (key: Key) => void,
  env: NodeJS.ProcessEnv = process.env,
): () => void {
  const reader = new KeyReader();
  const isKitty = hasKittyKeyboard(env);
  let timer: NodeJS.Timeout | undefined;
  const onData = (chunk: string) => {
    clearTimeout(timer);
    for (const key of reader.push(chunk)) onKey(key);
    if (reader.isWaiting)
      timer = setTimeout(() => {
        for (const key of reader.flush()) onKey(key);
      }, ESC_MS);
  };
  stdin.setEncoding('utf8');
  stdin.setRawMode(true);
  stdin.on('data', onData);
  write(`${PASTE_ON}${isKitty ? KITTY_ON : ''}`);
  const stop = () => {
    clearTimeout(timer);
    stdin.off('data', onData);
    stdin.setRawMode(false);
    stdin.pause();
    write(`${isKitty ? KITTY_OFF : ''}${PASTE_OFF}`);
  };
  // A signal must leave a usable terminal, too.
  const release = onInterrupt(stop);
  return () => {
    release();
    stop();
  };
}
