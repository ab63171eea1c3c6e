// The chat on a terminal: keyboard, session and Ink put together.
import type {ReadStream, WriteStream} from 'node:tty';
import {render} from 'ink';
import {pictureProtocol} from '../cli/terminalPicture.js';
import {App} from './App.js';
import {ChatInput} from './chatInput.js';
import {
  CLIPBOARD_REQUEST,
  ClipboardReply,
  clipboardPicture,
  hasTerminalClipboard,
} from './clipboard.js';
import {type CommandContext, enterLine} from './commands.js';
import {listenToKeys} from './keyboard.js';
import type {Key} from './keys.js';
import {inputColumns} from './screenPlan.js';
import {questionText} from './transcript.js';

export interface ScreenOptions {
  readonly context: Omit<CommandContext, 'leave'>;
  readonly stdin?: ReadStream;
  readonly stdout?: WriteStream;
}

const NO_CLIPBOARD =
  'no picture came from the clipboard (wl-paste, xclip or pngpaste gives it, or kitty itself); drop the file here or write its path';
/** A terminal that is asked and does not know the question says nothing. */
const CLIPBOARD_MS = 3000;

/** Shows the chat until the person leaves. */
export async function runScreen({
  context,
  stdin = process.stdin,
  stdout = process.stdout,
}: ScreenOptions): Promise<void> {
  const {session, models} = context;
  let leave = () => {};
  const left = new Promise<void>((resolve) => {
    leave = resolve;
  });
  let asked: {reply: ClipboardReply; done: (picture: Buffer | undefined) => void} | undefined;

  const terminalPicture = () =>
    new Promise<Buffer | undefined>((resolve) => {
      const timer = setTimeout(() => done(undefined), CLIPBOARD_MS);
      const done = (picture: Buffer | undefined) => {
        clearTimeout(timer);
        asked = undefined;
        resolve(picture);
      };
      asked = {reply: new ClipboardReply(), done};
      stdout.write(CLIPBOARD_REQUEST);
    });
  const pastePicture = async () => {
    const picture =
      (await clipboardPicture()) ?? (hasTerminalClipboard() ? await terminalPicture() : undefined);
    if (picture) await session.attach(picture, undefined, 'clipboard');
    else session.note(NO_CLIPBOARD);
  };
  const run = (task: Promise<void>) => {
    task.catch((error) => session.fail(error));
  };

  const history = session.conversation.turns.map(({wants, parts}) => {
    const words = questionText(parts, false);
    return wants === 'drawing' ? `/draw ${words}` : words;
  });
  const input = new ChatInput(
    {
      enter: (text) => run(enterLine({...context, leave}, text)),
      stop: () => session.stop(),
      leave,
      pastePicture: () => run(pastePicture()),
      columns: () => inputColumns({columns: stdout.columns || 80, rows: stdout.rows || 24}),
      models: () => models().map(({name}) => name),
    },
    history,
  );
  const onKey = (key: Key) => {
    if (key.name !== 'reply') input.press(key);
    else if (asked?.reply.add(key.text)) asked.done(asked.reply.picture);
  };

  const app = render(<App session={session} input={input} protocol={pictureProtocol()} />, {
    stdin,
    stdout,
    exitOnCtrlC: false,
    patchConsole: false,
    // A key is not to wait for the frame of an answer's token.
    maxFps: 60,
    // Not incrementalRendering: in Ink 6.8.0 it draws a frame that ends with a line end one row too
    // low. Frames are small, and written at once between the marks of synchronized output.
  });
  const stopListening = listenToKeys(stdin, (text) => stdout.write(text), onKey);
  session.ready.catch((error) => session.fail(error));
  try {
    await left;
    await session.leave();
  } finally {
    // The last entries, and a live part that is empty, are drawn before Ink lets go.
    await new Promise((resolve) => setTimeout(resolve, 80));
    app.unmount();
    stopListening();
  }
}
