import type {ModelHost} from '../cli/modelHost.js';
import type {
  AnswerOptions,
  ChatAnswer,
  ChatDrawEvent,
  ChatDrawn,
  ChatDrawOptions,
  ChatModel,
  ChatModelInfo,
  ChatPart,
  ChatStatus,
  PastTurn,
} from './chatModel.js';

/** The chat of a model in a thread of its own (emuChat.ts), so that the terminal stays live. */
export class HostedChatModel implements ChatModel {
  private constructor(
    private readonly host: ModelHost,
    readonly info: ChatModelInfo,
  ) {}

  /** Opens a chat with the model that `host` has loaded; the host stays the caller's. */
  static async open(host: ModelHost): Promise<HostedChatModel> {
    return new HostedChatModel(host, await host.call('chatOpen', {}));
  }

  begin(system?: string): Promise<ChatStatus> {
    return this.host.call('chatBegin', {system});
  }

  ask(
    parts: readonly ChatPart[],
    options: AnswerOptions,
    onText: (delta: string) => void,
    signal?: AbortSignal,
  ): Promise<ChatAnswer> {
    return this.host.call('chatAsk', {parts, options}, onText, signal);
  }

  draw(
    parts: readonly ChatPart[],
    options: ChatDrawOptions,
    onEvent: (event: ChatDrawEvent) => void,
    signal?: AbortSignal,
  ): Promise<ChatDrawn> {
    return this.host.call('chatDraw', {parts, options}, onEvent, signal);
  }

  rewind(turns: number): Promise<ChatStatus> {
    return this.host.call('chatRewind', {turns});
  }

  save(file: string, {cache = true}: {readonly cache?: boolean} = {}): Promise<void> {
    return this.host.call('chatSave', {file, cache});
  }

  restore(file: string): Promise<ChatStatus> {
    return this.host.call('chatRestore', {file});
  }

  recall(turns: readonly PastTurn[], signal?: AbortSignal): Promise<ChatStatus> {
    return this.host.call('chatRecall', {turns}, undefined, signal);
  }

  close(): Promise<void> {
    return this.host.call('chatClose', {});
  }
}
