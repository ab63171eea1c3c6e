// Conversations on disk. A session is a folder of `chats/` in the user's data folder:
//   chat.jsonl           the transcript, a line for each question and answer, on the disk before the next
//   pictures/HASH.ext    what was shown and drawn, each content once
//   cache.safetensors    what the model has computed, so that going on need not compute it again
//   lock                 the process that has it open
import {createHash, randomBytes} from 'node:crypto';
import {
  closeSync,
  existsSync,
  fsyncSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import {EmuError} from '../errors.js';
import {dataFolder} from '../userFolders.js';
import {writeAll, writeWhole} from '../weights/writeWhole.js';
import {
  type Conversation,
  parseTranscript,
  questionText,
  type TranscriptRecord,
} from './transcript.js';

const TRANSCRIPT = 'chat.jsonl';
const LOCK = 'lock';
const TITLE_LENGTH = 60;

export function chatsFolder(env: NodeJS.ProcessEnv = process.env): string {
  return path.join(dataFolder(env), 'chats');
}

/** What `emu chat --list` tells of a conversation. */
export interface ListedChat {
  readonly id: string;
  /** When it was last written to, ISO 8601. */
  readonly changed: string;
  readonly turns: number;
  readonly model: string;
  /** Its title, else its first question. */
  readonly title: string;
}

function ids(root: string): string[] {
  if (!existsSync(root)) return [];
  return readdirSync(root).filter((id) => existsSync(path.join(root, id, TRANSCRIPT)));
}

const changedAt = (root: string, id: string) => statSync(path.join(root, id, TRANSCRIPT)).mtime;

/** Last changed first. */
function latestFirst(root: string): string[] {
  return ids(root)
    .map((id) => ({id, at: changedAt(root, id).getTime()}))
    .sort((a, b) => b.at - a.at || (a.id < b.id ? 1 : -1))
    .map(({id}) => id);
}

function readConversation(root: string, id: string): Conversation {
  const file = path.join(root, id, TRANSCRIPT);
  return parseTranscript(readFileSync(file, 'utf8'), file);
}

/** All conversations, last changed first; `onDamaged` is told of those that cannot be read. */
export function listChats(root: string, onDamaged: (error: unknown) => void): ListedChat[] {
  return latestFirst(root).flatMap((id): ListedChat[] => {
    try {
      const {turns, unanswered, model, title} = readConversation(root, id);
      const first = turns[0] ?? unanswered;
      const words = title ?? (first ? questionText(first.parts) : '');
      const line = words.replace(/\s+/g, ' ');
      const changed = changedAt(root, id).toISOString();
      const short = line.length > TITLE_LENGTH ? `${line.slice(0, TITLE_LENGTH - 1)}…` : line;
      return [{id, changed, turns: turns.length, model, title: short}];
    } catch (error) {
      onDamaged(error);
      return [];
    }
  });
}

/** The id that `wanted` means: an id or its unique beginning, or, undefined, the last changed one. */
export function findChat(root: string, wanted: string | undefined): string {
  const all = latestFirst(root);
  const noChat = (problem: string) =>
    new EmuError(problem, {code: 'no_such_chat', reason: 'usage'});
  if (wanted === undefined) {
    const [latest] = all;
    if (!latest) throw noChat('there is no chat to go on with; `emu chat` starts one');
    return latest;
  }
  if (all.includes(wanted)) return wanted;
  const similar = wanted === '' ? [] : all.filter((id) => id.startsWith(wanted));
  if (similar.length === 1) return similar[0]!;
  throw noChat(
    similar.length > 1
      ? `--resume ${wanted}: ${similar.length} chats begin so; \`emu chat --list\` shows them`
      : `--resume ${wanted}: no such chat; \`emu chat --list\` shows those there are`,
  );
}

function newId(now = new Date()): string {
  const digits = now.toISOString().replace(/[-:]/g, '').replace('T', '-').slice(0, 15);
  return `${digits}-${randomBytes(2).toString('hex')}`;
}

/** True while that process lives. */
function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** One conversation's folder, made with its first line. */
export class ChatStore {
  private fd: number | undefined;

  private constructor(
    readonly root: string,
    readonly id: string,
  ) {}

  static create(root: string): ChatStore {
    return new ChatStore(root, newId());
  }

  /** Opens a conversation to go on with it. EmuError where another emu has it open. */
  static open(root: string, id: string): {store: ChatStore; past: Conversation} {
    const store = new ChatStore(root, id);
    const past = readConversation(root, id);
    store.lock();
    return {store, past};
  }

  get folder(): string {
    return path.join(this.root, this.id);
  }

  get cacheFile(): string {
    return path.join(this.folder, 'cache.safetensors');
  }

  get hasCache(): boolean {
    return existsSync(this.cacheFile);
  }

  /** Adds lines to the transcript; they are on the disk when it returns. */
  append(...records: readonly TranscriptRecord[]): void {
    this.fd ??= this.openTranscript();
    const text = records.map((record) => `${JSON.stringify(record)}\n`).join('');
    writeAll(this.fd, Buffer.from(text));
    fsyncSync(this.fd);
  }

  /** Keeps a picture's file; returns its name in pictures/. */
  keep(bytes: Uint8Array, extension: string): string {
    const name = `${createHash('sha256').update(bytes).digest('hex')}.${extension}`;
    const file = this.pictureFile(name);
    if (existsSync(file)) return name;
    mkdirSync(path.dirname(file), {recursive: true});
    writeWhole(file, (fd) => writeAll(fd, bytes));
    return name;
  }

  pictureFile(name: string): string {
    return path.join(this.folder, 'pictures', name);
  }

  /** The computed past is another one now. */
  dropCache(): void {
    rmSync(this.cacheFile, {force: true});
  }

  /** Gives the session up; a conversation without a turn is not kept. */
  close(isKept: boolean): void {
    if (this.fd !== undefined) closeSync(this.fd);
    this.fd = undefined;
    if (this.holder() === process.pid) rmSync(path.join(this.folder, LOCK), {force: true});
    if (!isKept) rmSync(this.folder, {recursive: true, force: true});
  }

  private openTranscript(): number {
    mkdirSync(this.folder, {recursive: true});
    this.lock();
    const file = path.join(this.folder, TRANSCRIPT);
    const fd = openSync(file, 'a+');
    // A line that a kill has cut off goes, so that the next one begins a line.
    const text = readFileSync(file);
    const end = text.lastIndexOf('\n') + 1;
    if (end < text.length) ftruncateSync(fd, end);
    return fd;
  }

  private holder(): number | undefined {
    try {
      return Number.parseInt(readFileSync(path.join(this.folder, LOCK), 'utf8'), 10);
    } catch {
      return undefined;
    }
  }

  private lock(): void {
    const holder = this.holder();
    if (holder !== undefined && holder !== process.pid && isRunning(holder))
      throw new EmuError(
        `chat ${this.id} is open in another emu (process ${holder}); leave it there first, or start a new chat`,
        {code: 'chat_open', file: this.folder},
      );
    writeFileSync(path.join(this.folder, LOCK), `${process.pid}\n`);
  }
}
