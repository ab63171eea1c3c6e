// An answer that is printed while it grows.
import type {TokenDecoder, Tokenizer} from './tokenizer.js';
import {stripEnd, stripStart} from './whitespace.js';

/**
 * Deltas of an answer as the official code prints it (special tokens left out, stripped): together
 * they are `strip(tokenizer.decode(ids, {skipSpecial: true}))`. Whitespace waits for what follows it.
 */
export class AnswerStream {
  private readonly decoder: TokenDecoder;
  private started = false;
  private held = '';

  constructor(tokenizer: Tokenizer) {
    this.decoder = tokenizer.decoder();
  }

  /** The text that these ids make certain. */
  push(ids: readonly number[]): string {
    return this.certain(ids.map((id) => this.decoder.push(id)).join(''));
  }

  /** The rest when the answer is complete. */
  end(): string {
    return this.certain(this.decoder.flush());
  }

  private certain(delta: string): string {
    const text = this.held + delta;
    const body = this.started ? text : stripStart(text);
    const solid = stripEnd(body);
    this.held = body.slice(solid.length);
    this.started ||= solid !== '';
    return solid;
  }
}
