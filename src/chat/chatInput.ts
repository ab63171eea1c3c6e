// The keyboard's side of a chat: what each key does, without React and without a terminal.
import {type Completion, commonBeginning, complete} from './completion.js';
import {type EditorAction, type EditorState, editorReducer, newEditor} from './editor.js';
import type {Key} from './keys.js';

export interface InputState {
  readonly editor: EditorState;
  /** What Tab offers, and which of it stands in the text; -1: what all share. */
  readonly offered: (Completion & {readonly chosen: number}) | undefined;
  /** A word about the keyboard, gone with the next key. */
  readonly hint: string | undefined;
}

export interface InputActions {
  readonly enter: (text: string) => void;
  /** Stops what is going on; false where nothing is. */
  readonly stop: () => boolean;
  readonly leave: () => void;
  readonly pastePicture: () => void;
  /** Columns of a row of the input. */
  readonly columns: () => number;
  readonly models: () => readonly string[];
  /** Milliseconds, for the second Ctrl+C. */
  readonly now?: () => number;
}

const LEAVE_MS = 2000;

const ctrlActions: Record<string, EditorAction['type']> = {
  a: 'lineStart',
  e: 'lineEnd',
  b: 'left',
  f: 'right',
  d: 'delete',
  k: 'killToEnd',
  u: 'killToStart',
  w: 'killWord',
  y: 'yank',
  left: 'wordLeft',
  right: 'wordRight',
  home: 'start',
  end: 'end',
  backspace: 'killWord',
  delete: 'killWordRight',
};
const altActions: Record<string, EditorAction['type']> = {
  b: 'wordLeft',
  f: 'wordRight',
  d: 'killWordRight',
  left: 'wordLeft',
  right: 'wordRight',
  backspace: 'killWord',
  '<': 'start',
  '>': 'end',
};
const plainActions: Record<string, EditorAction['type']> = {
  backspace: 'backspace',
  delete: 'delete',
  left: 'left',
  right: 'right',
  home: 'lineStart',
  end: 'lineEnd',
};

export class ChatInput {
  state: InputState;
  private readonly listeners = new Set<() => void>();
  private interruptedAt = Number.NEGATIVE_INFINITY;

  constructor(
    private readonly actions: InputActions,
    history: readonly string[] = [],
  ) {
    this.state = {editor: newEditor(history), offered: undefined, hint: undefined};
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  /** A question comes back: into the input, or, where something is written there, into its history. */
  giveBack(text: string): void {
    const {editor} = this.state;
    if (editor.text === '') this.update({editor: editorReducer(editor, {type: 'set', text})});
    else {
      const history = [...editor.history, text];
      this.update({editor: {...editor, history, at: history.length}});
    }
  }

  press(key: Key): void {
    if (key.name === 'tab') {
      this.tab(key.shift ? -1 : 1);
      return;
    }
    const {offered} = this.state;
    this.update({offered: undefined, hint: undefined});
    if (key.name === 'escape') {
      if (!offered) this.actions.stop();
      return;
    }
    if (key.ctrl && key.name === 'c') {
      this.interrupt();
      return;
    }
    if (key.name === 'enter') {
      this.enter(key);
      return;
    }
    if (key.ctrl && key.name === 'v') this.actions.pastePicture();
    else if (key.ctrl && key.name === 'd' && this.state.editor.text === '') this.actions.leave();
    else {
      const action = this.editing(key);
      if (action) this.edit(action);
    }
  }

  private editing({name, text, ctrl, alt}: Key): EditorAction | undefined {
    if (name === 'text' || name === 'paste') return {type: 'insert', text};
    if (ctrl && name === 'j') return {type: 'insert', text: '\n'};
    const columns = this.actions.columns();
    if (name === 'up' || (ctrl && name === 'p')) return {type: 'up', columns};
    if (name === 'down' || (ctrl && name === 'n')) return {type: 'down', columns};
    const actions = ctrl ? ctrlActions : alt ? altActions : plainActions;
    const type = actions[name];
    return type && ({type} as EditorAction);
  }

  private enter({shift, alt}: Key): void {
    const {editor} = this.state;
    if (shift || alt) {
      this.edit({type: 'insert', text: '\n'});
      return;
    }
    if (editor.text[editor.caret - 1] === '\\') {
      this.edit({type: 'backspace'});
      this.edit({type: 'insert', text: '\n'});
      return;
    }
    if (editor.text.trim() === '') return;
    this.edit({type: 'enter'});
    this.actions.enter(editor.text);
  }

  /** Ctrl+C stops, or empties the input; a second one soon after leaves. */
  private interrupt(): void {
    const now = (this.actions.now ?? Date.now)();
    if (now - this.interruptedAt < LEAVE_MS) {
      this.actions.leave();
      return;
    }
    this.interruptedAt = now;
    if (!this.actions.stop()) this.edit({type: 'clear'});
    this.update({hint: 'Ctrl+C again leaves'});
  }

  private tab(by: 1 | -1): void {
    const {editor, offered} = this.state;
    if (offered) {
      const {from, candidates} = offered;
      const count = candidates.length;
      const chosen =
        offered.chosen < 0 && by < 0 ? count - 1 : (offered.chosen + by + count) % count;
      this.put(from, candidates[chosen]!);
      this.update({offered: {from, candidates, chosen}});
      return;
    }
    const found = complete(editor.text, editor.caret, this.actions.models);
    const {from, candidates} = found;
    if (candidates.length === 0) {
      this.update({hint: 'nothing to complete'});
      return;
    }
    const [only] = candidates;
    if (candidates.length === 1) {
      this.put(from, only!.endsWith('/') ? only! : `${only} `);
      return;
    }
    this.put(from, commonBeginning(candidates));
    this.update({offered: {...found, chosen: -1}});
  }

  /** `word` in the place of the one before the caret. */
  private put(from: number, word: string): void {
    const {text, caret} = this.state.editor;
    const changed = text.slice(0, from) + word + text.slice(caret);
    this.edit({type: 'set', text: changed, caret: from + word.length});
  }

  private edit(action: EditorAction): void {
    this.update({editor: editorReducer(this.state.editor, action)});
  }

  private update(change: Partial<InputState>): void {
    this.state = {...this.state, ...change};
    for (const listener of this.listeners) listener();
  }
}
