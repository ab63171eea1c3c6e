// A model that answers by rule, so that what a chat does with a model can be tested without one: it
// says how many turns it knows and what it was shown, a word at a time.
import {existsSync, readFileSync, writeFileSync} from 'node:fs';
import type {
  AnswerOptions,
  ChatAnswer,
  ChatDrawn,
  ChatDrawOptions,
  ChatModel,
  ChatModelInfo,
  ChatPart,
  ChatStatus,
  PastTurn,
} from '../../src/chat/chatModel.js';
import type {Picture} from '../../src/data/picture.js';
import type {DrawEvent} from '../../src/draw.js';
import {EmuError, InputError} from '../../src/errors.js';

export interface FakeOptions {
  readonly name?: string;
  readonly contextLength?: number;
  readonly cacheBytes?: number;
  readonly canDraw?: boolean;
  /** Milliseconds between two words, and between two steps of a drawing. */
  readonly pace?: number;
  /** What it says, instead of what it was shown. */
  readonly says?: (question: string) => string;
}

const TOKENS_PER_PICTURE = 34;
const words = (text: string) => text.split(/(?<=\s)/).filter((word) => word !== '');

export function colouredPicture(red: number, green = 0, blue = 0, size = 16): Picture {
  const data = new Uint8Array(size * size * 3);
  for (let i = 0; i < data.length; i += 3) data.set([red, green, blue], i);
  return {width: size, height: size, data};
}

function describe(parts: readonly ChatPart[]): string {
  return parts
    .map((part) => {
      if (part.type === 'text') return part.text;
      if (part.type === 'video') return `<video ${part.frames.length}>`;
      return `<${part.picture.width}x${part.picture.height}>`;
    })
    .join(' ');
}

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

export class FakeChatModel implements ChatModel {
  readonly info: ChatModelInfo;
  /** What was called, in order. */
  readonly calls: string[] = [];
  readonly asked: AnswerOptions[] = [];
  /** Questions that it knows, with their number of tokens. */
  private turns: {text: string; tokens: number}[] = [];
  private dropped = 0;
  private isBusy = false;
  system: string | undefined;

  constructor(private readonly options: FakeOptions = {}) {
    this.info = {
      name: options.name ?? 'fake',
      backend: 'rules',
      canDraw: options.canDraw ?? true,
      imageSize: 16,
      tokensPerPicture: TOKENS_PER_PICTURE,
      contextLength: options.contextLength ?? 1000,
    };
  }

  begin(system?: string): Promise<ChatStatus> {
    return this.call(`begin(${system ?? ''})`, async () => {
      this.system = system;
      this.turns = [];
      this.dropped = 0;
      return this.status();
    });
  }

  ask(
    parts: readonly ChatPart[],
    options: AnswerOptions,
    onText: (delta: string) => void,
    signal?: AbortSignal,
  ): Promise<ChatAnswer> {
    return this.call(`ask(${describe(parts)})`, async () => {
      this.asked.push(options);
      const question = describe(parts);
      if (question.includes('too long'))
        throw new EmuError('the question does not fit', {code: 'context_full', reason: 'usage'});
      const {says = (text) => `turn ${this.total + 1}: ${text}`} = this.options;
      let text = '';
      let isStopped = false;
      for (const word of words(says(question))) {
        await sleep(this.options.pace ?? 0);
        isStopped = signal?.aborted ?? false;
        if (isStopped) break;
        text += word;
        onText(word);
      }
      const tokens = words(text).map((_, i) => i + 1);
      const newPromptTokens = this.cost(parts);
      this.remember(question, newPromptTokens + tokens.length);
      const status = this.status();
      return {
        text,
        tokens,
        newPromptTokens,
        tokensPerSecond: 12.5,
        firstTokenSeconds: 0.1,
        isStopped,
        status,
      };
    });
  }

  draw(
    parts: readonly ChatPart[],
    {seed = 0, steps = 3}: ChatDrawOptions,
    onEvent: (event: Exclude<DrawEvent, {type: 'done'}>) => void,
    signal?: AbortSignal,
  ): Promise<ChatDrawn> {
    return this.call(`draw(${describe(parts)}, ${seed})`, async () => {
      for (let step = 1; step <= steps; step++) {
        await sleep(this.options.pace ?? 0);
        if (signal?.aborted) return {isStopped: true, status: this.status()};
        onEvent({type: 'step', index: 0, step, steps, preview: colouredPicture(20 * step)});
      }
      this.remember(describe(parts), this.cost(parts) + TOKENS_PER_PICTURE);
      const drawing = {picture: colouredPicture(200, seed), isFlagged: false, seed};
      return {drawing, isStopped: false, status: this.status()};
    });
  }

  rewind(turns: number): Promise<ChatStatus> {
    return this.call(`rewind(${turns})`, async () => {
      if (turns > this.turns.length) throw new Error(`rewind(${turns}) of ${this.turns.length}`);
      this.turns.length = turns;
      return this.status();
    });
  }

  recall(past: readonly PastTurn[]): Promise<ChatStatus> {
    return this.call(`recall(${past.map(({parts}) => describe(parts)).join(' | ')})`, async () => {
      for (const {parts} of past) this.remember(describe(parts), this.cost(parts) + 5);
      return this.status();
    });
  }

  save(file: string, {cache = true} = {}): Promise<void> {
    return this.call(cache ? 'save' : 'save without cache', async () => {
      const {turns, dropped} = this;
      writeFileSync(file, JSON.stringify({name: this.info.name, turns, dropped}));
    });
  }

  restore(file: string): Promise<ChatStatus> {
    return this.call('restore', async () => {
      if (!existsSync(file)) throw new InputError(file, 'no such file');
      const saved = JSON.parse(readFileSync(file, 'utf8'));
      if (saved.name !== this.info.name) throw new InputError(file, 'is of another model');
      this.turns = saved.turns;
      this.dropped = saved.dropped;
      return this.status();
    });
  }

  async close(): Promise<void> {
    this.calls.push('close');
  }

  private get total(): number {
    return this.turns.length + this.dropped;
  }

  private cost(parts: readonly ChatPart[]): number {
    return parts.reduce((sum, part) => {
      if (part.type === 'text') return sum + words(part.text).length;
      return sum + TOKENS_PER_PICTURE * (part.type === 'video' ? part.frames.length : 1);
    }, 0);
  }

  private remember(text: string, tokens: number): void {
    this.turns.push({text, tokens});
    while (this.contextTokens > this.info.contextLength && this.turns.length > 1) {
      this.turns.shift();
      this.dropped++;
    }
  }

  private get contextTokens(): number {
    return this.turns.reduce((sum, {tokens}) => sum + tokens, 0);
  }

  private status(): ChatStatus {
    return {
      turns: this.turns.length,
      droppedTurns: this.dropped,
      contextTokens: this.contextTokens,
      contextLength: this.info.contextLength,
      cacheBytes: this.options.cacheBytes ?? 1000 * this.contextTokens,
    };
  }

  /** One call at a time is the interface's rule: a second one is a fault of the caller. */
  private async call<T>(name: string, body: () => Promise<T>): Promise<T> {
    if (this.isBusy) throw new Error(`${name} while another call runs`);
    this.isBusy = true;
    this.calls.push(name);
    try {
      return await body();
    } finally {
      this.isBusy = false;
    }
  }
}
