// The models that a chat talks to, one at a time, each in its own thread.
import {ModelHost} from '../cli/modelHost.js';
import type {LoadOptions} from '../emu.js';
import {resumeKernels} from '../kernels/cancelled.js';
import type {ChatModel} from './chatModel.js';
import {HostedChatModel} from './hostedChatModel.js';

export class ChatModels {
  private host: ModelHost | undefined;
  private isClosed = false;

  /** @param note is told what a person should know of how it runs */
  constructor(
    private readonly options: LoadOptions,
    private readonly note: (text: string) => void,
  ) {}

  /** Loads a model in the place of the last one: two large ones would not fit at once. */
  async open(model: string): Promise<ChatModel> {
    await this.release();
    // The last thread was stopped by a flag that all kernels see.
    resumeKernels();
    const host = await ModelHost.start();
    this.host = host;
    // The chat was left while the thread began.
    if (this.isClosed) await this.release();
    const {notes} = await host.call('load', {model, options: this.options});
    for (const note of notes) this.note(note);
    return HostedChatModel.open(host);
  }

  /** Ends the thread, also while it loads or computes. */
  async close(): Promise<void> {
    this.isClosed = true;
    await this.release();
  }

  private async release(): Promise<void> {
    const {host} = this;
    this.host = undefined;
    await host?.close();
  }
}
