import {existsSync} from 'node:fs';
import {suite} from 'uvu';
import * as assert from 'uvu/assert';
import {PickleGlobal, PickleProblem, unpickle} from '../../src/weights/pickle.js';
import {throwsEmuError} from '../support/errors.js';

/** Opcodes as a latin-1 string, as pickle.py's own tests write them. */
const bytes = (program: string) => Buffer.from(program, 'latin1');

const globals = new Map(
  [
    new PickleGlobal('test.plain'),
    new PickleGlobal('test.pair', (args) => {
      if (args.length !== 2) throw new PickleProblem('test.pair takes two arguments');
      return {pair: args};
    }),
  ].map((global) => [global.name, global]),
);

const load = (program: string) =>
  unpickle(bytes(program), {
    file: 'x.pt',
    globals,
    persistentLoad: (id) => ({id}),
  });

const refuses = (program: string, message: RegExp) => {
  const error = throwsEmuError(() => load(program), message);
  assert.is(error.exitCode, 3);
  assert.is(error.file, 'x.pt');
};

const test = suite('pickle');

test('reads plain values', () => {
  assert.is(load('\x80\x02N.'), null);
  assert.equal(load('\x80\x02\x88\x89\x86.'), [true, false]);
  assert.is(load('J\xfe\xff\xff\xff.'), -2);
  assert.is(load('M\x01\x02.'), 0x201);
  assert.is(load('\x8a\x00.'), 0);
  assert.is(load('\x8a\x02\x00\xff.'), -256);
  assert.is(load('\x8a\x09\x00\x00\x00\x00\x00\x00\x00\x00\x01.'), 2n ** 64n);
  assert.is(load('G\x3f\xf8\x00\x00\x00\x00\x00\x00.'), 1.5);
  assert.is(load('X\x02\x00\x00\x00\xc3\xa4.'), 'ä');
  assert.is(load('\x8c\x03\xef\xbb\xbf.'), '\ufeff');
  assert.is(load('U\x01\xe4.'), 'ä');
  assert.equal(Buffer.from(load('C\x02ab.') as Uint8Array).toString(), 'ab');
});

test('reads containers, the memo and frames', () => {
  assert.equal(load('\x80\x04\x95\x05\x00\x00\x00\x00\x00\x00\x00](K\x01K\x02e.'), [1, 2]);
  assert.equal(
    load('}(K\x01K\x02K\x03K\x04u.'),
    new Map([
      [1, 2],
      [3, 4],
    ]),
  );
  assert.equal(load('}\x8c\x01aK\x02s.'), new Map([['a', 2]]));
  assert.equal(load('\x8f(K\x01K\x01\x90.'), new Set([1]));
  assert.equal(load('(K\x01\x91.'), new Set([1]));
  assert.equal(load(']q\x07K\x01ah\x07\x86.'), [[1], [1]]);
  assert.equal(load(']\x94h\x00h\x00\x87.'), [[], [], []]);
  assert.equal(load('(K\x01K\x02t1K\x05.'.replace('t1', 't0')), 5);
  assert.equal(load('K\x09(K\x01K\x021.'), 9);
});

test('keeps a key of the name __proto__ a plain key', () => {
  const dict = load('}\x8c\x09__proto__}\x8c\x08polluted\x88ss.') as Map<string, unknown>;
  assert.equal([...dict.keys()], ['__proto__']);
  assert.is(({} as {polluted?: boolean}).polluted, undefined);
});

test('calls what is in the list and nothing else', () => {
  assert.equal(load('ctest\npair\nK\x01K\x02\x86R.'), {pair: [1, 2]});
  assert.equal(load('\x8c\x04test\x8c\x04pair\x93K\x01K\x02\x86\x81.'), {pair: [1, 2]});
  assert.equal(load('K\x07Q.'), {id: 7});
  refuses('ctest\npair\nK\x01\x85R.', /takes two arguments/);
  refuses('ctest\nplain\n)R.', /test\.plain, which is no function/);
  refuses('K\x01)R.', /calls something that is no function/);
  refuses('ctest\npair\nK\x01R.', /calls something that is no function/);
});

test('names a global that is not in the list; runs nothing', () => {
  for (const [module, name] of [
    ['os', 'system'],
    ['posix', 'system'],
    ['builtins', 'eval'],
    ['__builtin__', 'getattr'],
    ['subprocess', 'Popen'],
    ['torch', '_utils._rebuild_tensor_v2'],
    ['constructor', 'constructor'],
    ['__proto__', 'call'],
  ]) {
    const command = 'X\x10\x00\x00\x00touch emu-danger\x85R.';
    refuses(`c${module}\n${name}\n${command}`, new RegExp(`names ${module}\\.${name}`));
    const short = (text: string) => `\x8c${String.fromCharCode(text.length)}${text}`;
    refuses(`${short(module!)}${short(name!)}\x93${command}`, new RegExp(`${module}\\.${name}`));
  }
  assert.not(existsSync('emu-danger'));
});

test('a message stays one line of printable text', () => {
  refuses('c\x1b[2Jos\r\nsystem\n)R.', /names \?\[2Jos\?\.system/);
  refuses(`c${'m'.repeat(400)}\nname\n.`, /m…/);
});

test('refuses every kind of nonsense', () => {
  refuses('', /ends early/);
  refuses('\x80', /ends early/);
  refuses('\x80\x06N.', /protocol 6/);
  refuses('.', /not there/);
  refuses('(.', /not there/);
  refuses('N', /ends early/);
  refuses('t.', /never began/);
  refuses('1.', /never began/);
  refuses('0.', /never began/);
  refuses('K\x01\x87.', /not there/);
  refuses('h\x05.', /recalls value 5/);
  refuses('q\x05.', /not there/);
  refuses('X\xff\xff\xff\xffab.', /ends early/);
  refuses('\x8d\xff\xff\xff\xff\xff\xff\xff\xffab.', /ends early/);
  refuses('X\x01\x00\x00\x00\xff.', /not UTF-8/);
  refuses('\x8b\xff\xff\xff\x7f.', /integer/);
  refuses('\x8a\xff.', /integer/);
  refuses('K\x01K\x02a.', /appends/);
  refuses('K\x01K\x02K\x03s.', /sets items/);
  refuses('}(K\x01u.', /sets items/);
  refuses('K\x01(K\x02\x90.', /no set/);
  refuses('K\x01}b.', /OrderedDict/);
  refuses('}K\x01b.', /OrderedDict/);
  refuses('K\x01K\x02\x93.', /no text/);
  refuses(`c${'a'.repeat(600)}\nb\n.`, /no end/);
  // EXT1, PERSID, INST, OBJ, NEWOBJ_EX, NEXT_BUFFER, GET and an opcode that does not exist
  for (const opcode of ['\x82', 'P', 'i', 'o', '\x92', '\x97', 'g', '\xff']) {
    refuses(`${opcode}a\nb\n.`, /opcode 0x/);
  }
});

test('bounds nesting and steps', () => {
  refuses(`${'('.repeat(257)}.`, /deeper than 256/);
  refuses(`${'N'.repeat(1_000_001)}.`, /steps/);
  const lists = 100_000; // lists in lists need no marks
  assert.ok(Array.isArray(load(`${']'.repeat(lists)}${'a'.repeat(lists - 1)}.`)));
});

test('a list may hold itself', () => {
  const list = load(']\x94h\x00a.') as unknown[];
  assert.is(list[0], list);
});

test.run();
