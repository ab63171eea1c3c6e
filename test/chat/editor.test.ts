// The input line: editing, keys, rows and completion, without React and without a terminal.
import {mkdirSync, writeFileSync} from 'node:fs';
import path from 'node:path';
import {suite} from 'uvu';
import * as assert from 'uvu/assert';
import {ChatInput, type InputActions} from '../../src/chat/chatInput.js';
import {complete} from '../../src/chat/completion.js';
import {type EditorAction, editorReducer, newEditor} from '../../src/chat/editor.js';
import {layoutInput, wrapWords} from '../../src/chat/inputLayout.js';
import {type Key, KeyReader} from '../../src/chat/keys.js';
import {graphemes, textWidth} from '../../src/chat/textWidth.js';
import {temporaryFolder} from '../support/temporary.js';

const test = suite('chat/editor');
const family = '👩‍👩‍👧';

/** `|` is the caret. */
function edited(start: string, ...actions: EditorAction[]): string {
  const caret = start.indexOf('|');
  const from = {...newEditor(), text: start.replace('|', ''), caret};
  const {text, caret: at} = actions.reduce(editorReducer, from);
  return `${text.slice(0, at)}|${text.slice(at)}`;
}

test('moves and deletes by what a person sees as a character', () => {
  assert.is(edited(`a${family}|b`, {type: 'left'}), `a|${family}b`);
  assert.is(edited(`a${family}|b`, {type: 'backspace'}), 'a|b');
  assert.is(edited('e\u0301|x', {type: 'backspace'}), '|x');
  assert.is(edited('|日本', {type: 'right'}, {type: 'delete'}), '日|');
  assert.is(edited('|', {type: 'backspace'}), '|');
});

test('words, lines and what was cut', () => {
  assert.is(edited('one two, three|', {type: 'wordLeft'}), 'one two, |three');
  assert.is(edited('one two, three|', {type: 'killWord'}, {type: 'killWord'}), 'one |');
  assert.is(edited('one| two', {type: 'wordRight'}), 'one two|');
  assert.is(edited('a\nbc|d\ne', {type: 'lineStart'}), 'a\n|bcd\ne');
  assert.is(edited('a\nbc|d\ne', {type: 'killToEnd'}), 'a\nbc|\ne');
  assert.is(edited('a\nbc|\ne', {type: 'killToEnd'}), 'a\nbc|e');
  assert.is(edited('a\nbc|d', {type: 'killToStart'}, {type: 'end'}, {type: 'yank'}), 'a\ndbc|');
});

test('up and down keep the column, then go through the history', () => {
  const columns = 10;
  assert.is(edited('abc\nde|f', {type: 'up', columns}), 'ab|c\ndef');
  // 12 characters are two rows of ten columns.
  assert.is(edited('abcdefghijkl|', {type: 'up', columns}), 'ab|cdefghijkl');
  let state = newEditor(['first', 'second']);
  state = editorReducer(state, {type: 'insert', text: 'draft'});
  state = editorReducer(state, {type: 'up', columns});
  assert.is(state.text, 'second');
  state = editorReducer(state, {type: 'up', columns});
  state = editorReducer(state, {type: 'up', columns});
  assert.is(state.text, 'first');
  state = editorReducer(state, {type: 'down', columns});
  state = editorReducer(state, {type: 'down', columns});
  assert.is(state.text, 'draft');
  state = editorReducer(state, {type: 'enter'});
  assert.equal([state.text, ...state.history], ['', 'first', 'second', 'draft']);
});

test('rows have the width that a terminal gives', () => {
  assert.is(textWidth('日本'), 4);
  assert.is(textWidth(family), 2);
  assert.equal(graphemes(`x${family}`), ['x', family]);
  const {rows, caretRow, caretColumn} = layoutInput('日本語x', 3, 5);
  assert.equal(
    rows.map(({text}) => text),
    ['日本', '語x'],
  );
  assert.equal([caretRow, caretColumn], [1, 2]);
  // A full row: the caret after it stands on the next one.
  assert.equal(layoutInput('abcde', 5, 5).caretRow, 1);
  assert.equal(wrapWords('one two three', 8), ['one two', 'three']);
  assert.equal(wrapWords('abcdefghij', 4), ['abcd', 'efgh', 'ij']);
});

function keysOf(...chunks: string[]): string[] {
  const reader = new KeyReader();
  const keys = chunks.flatMap((chunk) => reader.push(chunk)).concat(reader.flush());
  return keys.map(({name, text, ctrl, alt, shift}) =>
    [ctrl && 'ctrl', alt && 'alt', shift && 'shift', text ? `${name}:${text}` : name]
      .filter(Boolean)
      .join('+'),
  );
}

test('keys, however their bytes are cut', () => {
  assert.equal(keysOf('日本\r'), ['text:日本', 'enter']);
  assert.equal(keysOf('\x1b[A\x1bOB\x1b[1;5C\x1b[3~'), ['up', 'down', 'ctrl+right', 'delete']);
  assert.equal(keysOf('\x1b', '[', 'D'), ['left']);
  assert.equal(keysOf('\x1b'), ['escape']);
  assert.equal(keysOf('\x1b\r\x1bb\x1b\x7f'), ['alt+enter', 'alt+b', 'alt+backspace']);
  assert.equal(keysOf('\x01\x16\x03\n'), ['ctrl+a', 'ctrl+v', 'ctrl+c', 'ctrl+j']);
  assert.equal(keysOf('\x1b[Z\t'), ['shift+tab', 'tab']);
});

test('keys of the kitty protocol and of modifyOtherKeys', () => {
  assert.equal(keysOf('\x1b[13;2u\x1b[27u\x1b[99;5u'), ['shift+enter', 'escape', 'ctrl+c']);
  assert.equal(keysOf('\x1b[27;2;13~'), ['shift+enter']);
  assert.equal(keysOf('\x1b[57441u'), []);
});

test('pasted text is one key, without control characters', () => {
  assert.equal(keysOf('\x1b[200~a\r\nb\x1b[31m\tc\x1b[2', '01~d'), [
    'paste:a\nb[31m    c',
    'text:d',
  ]);
  assert.equal(keysOf('\x1b]5522;type=read:status=OK\x1b\\x'), [
    'reply:5522;type=read:status=OK',
    'text:x',
  ]);
});

interface Typed {
  readonly input: ChatInput;
  readonly entered: string[];
  readonly calls: string[];
  press(...names: (string | Partial<Key>)[]): void;
}

function typing(change: Partial<InputActions> = {}): Typed {
  const entered: string[] = [];
  const calls: string[] = [];
  const input = new ChatInput({
    enter: (text) => entered.push(text),
    stop: () => false,
    leave: () => calls.push('leave'),
    pastePicture: () => calls.push('paste'),
    columns: () => 40,
    models: () => ['emu-mini', 'emu-14b'],
    ...change,
  });
  const press = (...keys: (string | Partial<Key>)[]) => {
    for (const key of keys) {
      const plain = {text: '', ctrl: false, alt: false, shift: false};
      if (typeof key !== 'string') input.press({name: '', ...plain, ...key});
      else input.press({name: 'text', ...plain, text: key});
    }
  };
  return {input, entered, calls, press};
}

test('enter sends; with a modifier or after a backslash it begins a line', () => {
  const {entered, press} = typing();
  press('a', {name: 'enter', alt: true}, 'b\\', {name: 'enter'}, 'c', {name: 'enter'});
  press('   ', {name: 'enter'});
  assert.equal(entered, ['a\nb\nc']);
});

test('Ctrl+C stops, empties, and the second one leaves', () => {
  let time = 0;
  const {input, calls, press} = typing({now: () => time});
  const ctrlC = {name: 'c', ctrl: true};
  press('text', ctrlC);
  assert.is(input.state.editor.text, '');
  assert.is(input.state.hint, 'Ctrl+C again leaves');
  time = 5000;
  press(ctrlC);
  assert.equal(calls, []);
  time = 6000;
  press(ctrlC);
  assert.equal(calls, ['leave']);
  press({name: 'v', ctrl: true});
  assert.equal(calls, ['leave', 'paste']);
});

test('Tab completes commands, models and paths', () => {
  const folder = temporaryFolder();
  mkdirSync(path.join(folder, 'pictures'));
  for (const name of ['my cat.jpg', 'my dog.jpg']) writeFileSync(path.join(folder, name), '');
  const tab = {name: 'tab'};
  const {input, press} = typing();
  press('/dr', tab);
  assert.is(input.state.editor.text, '/draw ');
  press({name: 'u', ctrl: true}, '/model emu-1', tab);
  assert.is(input.state.editor.text, '/model emu-14b ');
  press({name: 'u', ctrl: true}, `look at ${folder}/m`, tab);
  assert.is(input.state.editor.text, `look at ${folder}/my\\ `);
  press(tab, tab);
  assert.is(input.state.editor.text, `look at ${folder}/my\\ dog.jpg`);
  press({name: 'u', ctrl: true}, `/image ${folder}/p`, tab);
  assert.is(input.state.editor.text, `/image ${folder}/pictures/`);
  press({name: 'u', ctrl: true}, 'what', tab);
  assert.is(input.state.hint, 'nothing to complete');
  assert.equal(complete('/x', 2, () => []).candidates, []);
});

test('a question that comes back does not overwrite what is being written', () => {
  const {input, press} = typing();
  input.giveBack('one');
  assert.is(input.state.editor.text, 'one');
  input.giveBack('two');
  assert.is(input.state.editor.text, 'one');
  press({name: 'up'});
  assert.is(input.state.editor.text, 'two');
});

test.run();
