// Quantized weights as numbers, by TensorFlow's ops: blocks.ts has the layouts.
import {BLOCK_ELEMENTS, blockBytes, type QuantizedEncoding} from '../blocks.js';
import type {RawOps} from './rawOps.js';
import type {Handle} from './tensorflowBackend.js';

/** bytes uint8 [..., blocks, bytes of a block] -> float32 [..., blocks · 32] */
export function decodeBlocks(ops: RawOps, bytes: Handle, encoding: QuantizedEncoding): Handle {
  const outer = bytes.shape.slice(0, -1);
  const float = ops.type('T', 'float32');
  /** Bytes `from` on of each block. */
  const part = (from: number, size: number) =>
    ops.run(
      'Slice',
      [ops.type('T', 'uint8'), ops.type('Index', 'int32')],
      [bytes, ops.ints([...outer.map(() => 0), from]), ops.ints([...outer, size])],
    );
  const halves = (from: number) =>
    ops.reshape(ops.cast(ops.bitcast(part(from, 2), 'half'), 'float32'), [...outer, 1]);
  const scaled = (whole: Handle) => ops.run('Mul', [float], [whole, halves(0)]);
  const inRows = (numbers: Handle) =>
    ops.reshape(numbers, [...outer.slice(0, -1), outer.at(-1)! * BLOCK_ELEMENTS]);
  if (encoding === 'q8_0')
    return inRows(scaled(ops.cast(ops.bitcast(part(2, BLOCK_ELEMENTS), 'int8'), 'float32')));

  const size = BLOCK_ELEMENTS / 2;
  const pairs = part(blockBytes[encoding] - size, size);
  const onBytes = [ops.type('T', 'uint8')];
  const halvesOfBytes = [
    ops.run('BitwiseAnd', onBytes, [pairs, ops.byte(15)]),
    ops.run('RightShift', onBytes, [pairs, ops.byte(4)]),
  ];
  const concat = [ops.size('N', 2), ops.type('T', 'uint8'), ops.type('Tidx', 'int32')];
  const whole = ops.cast(ops.run('ConcatV2', concat, [...halvesOfBytes, ops.int(-1)]), 'float32');
  return encoding === 'q4_0'
    ? inRows(scaled(ops.run('Sub', [float], [whole, ops.float(8)])))
    : inRows(ops.run('AddV2', [float], [scaled(whole), halves(2)]));
}
