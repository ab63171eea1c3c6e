// Python's pickle format, protocols 2 to 5, restricted: it builds values and calls nothing but the
// functions it is given. No name in the file is ever looked up anywhere but in that list; dicts
// become Maps; the number of steps, the nesting and the sizes are bounded by the file. Opcodes:
// Lib/pickletools.py of CPython.
import {ModelError} from '../errors.js';
import {printable} from './printable.js';

/** What a pickle may name ("torch.FloatStorage") and, if it may be called, what a call gives. */
export class PickleGlobal {
  constructor(
    readonly name: string,
    /** Gets the call's arguments, unchecked. Throws a PickleProblem for wrong ones. */
    readonly call?: (args: readonly unknown[]) => unknown,
  ) {}
}

export interface UnpickleOptions {
  /** Named in errors. */
  readonly file: string;
  /** The allow-list, by "module.name". */
  readonly globals: ReadonlyMap<string, PickleGlobal>;
  /**
   * Gives the value of a persistent id (torch.save: a storage). Throws a PickleProblem for a wrong
   * one.
   */
  persistentLoad(id: unknown): unknown;
}

/** What is wrong, in words; `unpickle` turns it into a ModelError that names the file. */
export class PickleProblem extends Error {}

/** A model of 40,000 tensors takes a million steps; memory stays below some 100 bytes a step. */
const MAX_STEPS = 1_000_000;
const MAX_BYTES = 64 * 1024 * 1024;
const MAX_NESTING = 256;
const MAX_NAME_BYTES = 512;
const MAX_INT_BYTES = 32;

/**
 * The value that `bytes` describes: None is null, int number (bigint beyond 2^53), str string,
 * bytes Uint8Array, list and tuple Array, dict Map, set Set. Throws ModelError for anything else.
 */
export function unpickle(bytes: Uint8Array, options: UnpickleOptions): unknown {
  if (bytes.length > MAX_BYTES) {
    throw new ModelError(
      options.file,
      `its pickle takes ${bytes.length} bytes, the limit is ${MAX_BYTES}`,
    );
  }
  try {
    return new Unpickler(bytes, options).load();
  } catch (error) {
    if (!(error instanceof PickleProblem)) throw error;
    throw new ModelError(options.file, `cannot unpickle: ${error.message}`);
  }
}

class Unpickler {
  private readonly view: DataView;
  private position = 0;
  /** Values since the last mark; those before it wait in `outer`. */
  private stack: unknown[] = [];
  private readonly outer: unknown[][] = [];
  private readonly memo = new Map<number, unknown>();
  private readonly utf8 = new TextDecoder('utf-8', {fatal: true, ignoreBOM: true});
  private readonly latin1 = new TextDecoder('latin1');

  constructor(
    private readonly bytes: Uint8Array,
    private readonly options: UnpickleOptions,
  ) {
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  load(): unknown {
    for (let step = 0; step < MAX_STEPS; step++) {
      const opcode = this.uint8();
      if (opcode === 0x2e) return this.pop(); // STOP
      const value = this.evaluate(opcode);
      if (value !== undefined) this.stack.push(value);
    }
    throw new PickleProblem(`it has more than ${MAX_STEPS} steps`);
  }

  /** What the opcode puts on the stack; undefined for those that put nothing there. */
  private evaluate(opcode: number): unknown {
    switch (opcode) {
      case 0x32: // DUP
        return this.top();
      case 0x4e: // NONE
        return null;
      case 0x88: // NEWTRUE
        return true;
      case 0x89: // NEWFALSE
        return false;
      case 0x4a: // BININT
        return this.view.getInt32(this.take(4), true);
      case 0x4b: // BININT1
        return this.uint8();
      case 0x4d: // BININT2
        return this.view.getUint16(this.take(2), true);
      case 0x8a: // LONG1
        return this.integer(this.uint8());
      case 0x8b: // LONG4
        return this.integer(this.uint32());
      case 0x47: // BINFLOAT
        return this.view.getFloat64(this.take(8), false);

      case 0x8c: // SHORT_BINUNICODE
        return this.text(this.uint8());
      case 0x58: // BINUNICODE
        return this.text(this.uint32());
      case 0x8d: // BINUNICODE8
        return this.text(this.uint64());
      case 0x55: // SHORT_BINSTRING, Python 2's str
        return this.latin1.decode(this.slice(this.uint8()));
      case 0x54: // BINSTRING
        return this.latin1.decode(this.slice(this.uint32()));
      case 0x43: // SHORT_BINBYTES
        return this.slice(this.uint8());
      case 0x42: // BINBYTES
        return this.slice(this.uint32());
      case 0x8e: // BINBYTES8
      case 0x96: // BYTEARRAY8
        return this.slice(this.uint64());

      case 0x29: // EMPTY_TUPLE
      case 0x5d: // EMPTY_LIST
        return [];
      case 0x85: // TUPLE1
      case 0x86: // TUPLE2
      case 0x87: // TUPLE3
        return this.popSome(opcode - 0x84);
      case 0x74: // TUPLE
        return this.popMark();
      case 0x7d: // EMPTY_DICT
        return new Map();
      case 0x8f: // EMPTY_SET
        return new Set();
      case 0x91: // FROZENSET
        return new Set(this.popMark());

      case 0x68: // BINGET
        return this.recall(this.uint8());
      case 0x6a: // LONG_BINGET
        return this.recall(this.uint32());
      case 0x63: // GLOBAL
        return this.global(this.line(), this.line());
      case 0x93: // STACK_GLOBAL
        return this.global(...(this.popSome(2) as [unknown, unknown]));
      case 0x52: // REDUCE
      case 0x81: // NEWOBJ
        return this.call(...(this.popSome(2) as [unknown, unknown]));
      case 0x51: // BINPERSID
        return this.options.persistentLoad(this.pop());
      default:
        this.apply(opcode);
        return undefined;
    }
  }

  /** The opcodes that change what is there. */
  private apply(opcode: number): void {
    switch (opcode) {
      case 0x80: // PROTO
        this.protocol(this.uint8());
        return;
      case 0x95: // FRAME
        this.take(8);
        return;
      case 0x28: // MARK
        this.mark();
        return;
      case 0x30: // POP
        if (this.stack.length === 0) this.popMark();
        else this.stack.pop();
        return;
      case 0x31: // POP_MARK
        this.popMark();
        return;
      case 0x61: // APPEND
        this.append(this.popSome(1));
        return;
      case 0x65: // APPENDS
        this.append(this.popMark());
        return;
      case 0x73: // SETITEM
        this.setItems(this.popSome(2));
        return;
      case 0x75: // SETITEMS
        this.setItems(this.popMark());
        return;
      case 0x90: // ADDITEMS
        this.addItems(this.popMark());
        return;
      case 0x71: // BINPUT
        this.memo.set(this.uint8(), this.top());
        return;
      case 0x72: // LONG_BINPUT
        this.memo.set(this.uint32(), this.top());
        return;
      case 0x94: // MEMOIZE
        this.memo.set(this.memo.size, this.top());
        return;
      case 0x62: // BUILD
        this.build(this.pop());
        return;
      default:
        throw new PickleProblem(
          `opcode 0x${opcode.toString(16).padStart(2, '0')} at byte ${this.position - 1} is not one that torch.save writes`,
        );
    }
  }

  private protocol(version: number): void {
    if (version > 5) throw new PickleProblem(`protocol ${version} is not known`);
  }

  // Reading

  /** Moves past `count` bytes and returns where they start. */
  private take(count: number): number {
    const start = this.position;
    if (count > this.bytes.length - start) throw new PickleProblem('it ends early');
    this.position = start + count;
    return start;
  }

  private uint8(): number {
    return this.view.getUint8(this.take(1));
  }

  private uint32(): number {
    return this.view.getUint32(this.take(4), true);
  }

  private uint64(): number {
    const low = this.uint32();
    return low + this.uint32() * 2 ** 32; // inexact only for sizes that `take` refuses
  }

  private slice(count: number): Uint8Array {
    const start = this.take(count);
    return this.bytes.subarray(start, start + count);
  }

  private text(count: number): string {
    const bytes = this.slice(count);
    try {
      return this.utf8.decode(bytes);
    } catch {
      throw new PickleProblem('a text in it is not UTF-8');
    }
  }

  private line(): string {
    const start = this.position;
    const end = this.bytes.indexOf(0x0a, start);
    if (end < 0 || end - start > MAX_NAME_BYTES) {
      throw new PickleProblem(`a global's name has no end within ${MAX_NAME_BYTES} bytes`);
    }
    const text = this.text(end - start);
    this.position++; // the line feed
    return text;
  }

  /** A little-endian two's complement integer of `count` bytes. */
  private integer(count: number): number | bigint {
    if (count > MAX_INT_BYTES) throw new PickleProblem(`an integer in it takes ${count} bytes`);
    let value = 0n;
    const bytes = this.slice(count);
    for (let i = count - 1; i >= 0; i--) value = (value << 8n) | BigInt(bytes[i]!);
    if (count > 0) value = BigInt.asIntN(8 * count, value);
    const number = Number(value);
    return Number.isSafeInteger(number) ? number : value;
  }

  // The stack

  private mark(): void {
    if (this.outer.length >= MAX_NESTING) {
      throw new PickleProblem(`it nests deeper than ${MAX_NESTING}`);
    }
    this.outer.push(this.stack);
    this.stack = [];
  }

  private top(): unknown {
    if (this.stack.length === 0) throw new PickleProblem('it uses a value that is not there');
    return this.stack[this.stack.length - 1];
  }

  private pop(): unknown {
    this.top();
    return this.stack.pop();
  }

  private popSome(count: number): unknown[] {
    if (this.stack.length < count) throw new PickleProblem('it uses a value that is not there');
    return this.stack.splice(this.stack.length - count);
  }

  /** Everything since the last mark. */
  private popMark(): unknown[] {
    const values = this.stack;
    const outer = this.outer.pop();
    if (!outer) throw new PickleProblem('it ends a group that it never began');
    this.stack = outer;
    return values;
  }

  private recall(index: number): unknown {
    if (!this.memo.has(index)) throw new PickleProblem(`it recalls value ${index}, never stored`);
    return this.memo.get(index);
  }

  // Building

  private append(values: readonly unknown[]): void {
    const list = this.top();
    if (!Array.isArray(list)) throw new PickleProblem('it appends to something that is no list');
    for (const value of values) list.push(value);
  }

  private setItems(items: readonly unknown[]): void {
    const dict = this.top();
    if (!(dict instanceof Map) || items.length % 2 !== 0) {
      throw new PickleProblem('it sets items of something that is no dict');
    }
    for (let i = 0; i < items.length; i += 2) dict.set(items[i], items[i + 1]);
  }

  private addItems(items: readonly unknown[]): void {
    const set = this.top();
    if (!(set instanceof Set)) throw new PickleProblem('it adds to something that is no set');
    for (const item of items) set.add(item);
  }

  /**
   * `object.__dict__.update(state)`: only an OrderedDict's (a state dict's `_metadata`), not
   * needed.
   */
  private build(state: unknown): void {
    if (!(this.top() instanceof Map) || !(state instanceof Map)) {
      throw new PickleProblem('it sets the state of an object that is no OrderedDict');
    }
  }

  private global(module: unknown, name: unknown): PickleGlobal {
    if (typeof module !== 'string' || typeof name !== 'string') {
      throw new PickleProblem('a global is named by something that is no text');
    }
    const full = `${module}.${name}`;
    const known = this.options.globals.get(full);
    if (known) return known;
    throw new PickleProblem(
      `it names ${printable(full)}, which is not among the names that a checkpoint of plain tensors needs; no code of it was run`,
    );
  }

  private call(callee: unknown, args: unknown): unknown {
    // Only values from the allow-list carry a `call`: all others are data built above.
    if (!(callee instanceof PickleGlobal) || !Array.isArray(args)) {
      throw new PickleProblem('it calls something that is no function');
    }
    if (!callee.call) throw new PickleProblem(`it calls ${callee.name}, which is no function`);
    return callee.call(args);
  }
}
