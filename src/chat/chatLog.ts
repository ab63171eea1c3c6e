// The state of a chat as others see it, and who is told when it changes.
import {toEmuError} from '../cli/errors.js';
import type {ChatStatus} from './chatModel.js';
import {type ChatState, contextShare, type Entry, NEARLY_FULL} from './state.js';

type NewEntry = Entry extends infer E ? (E extends Entry ? Omit<E, 'id'> : never) : never;

export class ChatLog {
  state: ChatState;
  private readonly listeners = new Set<() => void>();
  private hasWarned = false;
  private numEntries = 0;

  constructor(id: string, model: string) {
    this.state = {
      id,
      model: {name: model, phase: 'loading', info: undefined},
      entries: [],
      live: undefined,
      queued: [],
      pending: [],
      status: undefined,
      tokensPerSecond: undefined,
      draft: undefined,
      isLeaving: false,
    };
  }

  subscribe(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  note(text: string): void {
    this.add({type: 'note', text});
  }

  /** Shows a failure, once where it comes several ways. */
  fail(thrown: unknown): void {
    const error = toEmuError(thrown);
    const last = this.state.entries.at(-1);
    if (last?.type === 'error' && last.error === error) return;
    this.add({type: 'error', error});
  }

  /** How full the context is; said when it is nearly full, and when turns were dropped. */
  know(status: ChatStatus): void {
    const before = this.state.status?.droppedTurns ?? 0;
    this.update({status});
    const {droppedTurns, contextTokens, contextLength} = status;
    if (droppedTurns > before)
      this.note(
        `the context is full: the oldest ${droppedTurns === 1 ? 'turn is' : `${droppedTurns} turns are`} no longer known to the model`,
      );
    const isNearlyFull = contextShare(status) >= NEARLY_FULL;
    if (isNearlyFull && !this.hasWarned && droppedTurns === 0)
      this.note(
        `the context fills up: ${contextLength - contextTokens} of ${contextLength} tokens are left; then the oldest turns are dropped`,
      );
    this.hasWarned = isNearlyFull;
  }

  /** What the input is to hold now. */
  setDraft(text: string): void {
    this.update({draft: {text, serial: (this.state.draft?.serial ?? 0) + 1}});
  }

  add(entry: NewEntry): void {
    const added = {...entry, id: this.numEntries++} as Entry;
    this.update({entries: [...this.state.entries, added]});
  }

  update(change: Partial<ChatState>): void {
    this.state = {...this.state, ...change};
    for (const listener of this.listeners) listener();
  }
}
