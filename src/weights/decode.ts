// Stored numbers -> float32.
import {decode} from '../kernels/encoding.js';
import type {StoredEncoding} from './storedTensor.js';

/** Row-major little-endian bytes of any encoding -> float32: a copy, rounded to nearest. */
export function decodeFloat32(bytes: Uint8Array, encoding: StoredEncoding): Float32Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const each = (itemBytes: number, item: (offset: number) => number): Float32Array =>
    Float32Array.from({length: bytes.length / itemBytes}, (_, index) => item(index * itemBytes));
  switch (encoding) {
    case 'f32':
    case 'f16':
    case 'bf16':
      return decode(bytes, encoding);
    case 'f64':
      return each(8, (at) => view.getFloat64(at, true));
    case 'i64':
      return each(8, (at) => Number(view.getBigInt64(at, true)));
    case 'u64':
      return each(8, (at) => Number(view.getBigUint64(at, true)));
    case 'i32':
      return each(4, (at) => view.getInt32(at, true));
    case 'u32':
      return each(4, (at) => view.getUint32(at, true));
    case 'i16':
      return each(2, (at) => view.getInt16(at, true));
    case 'u16':
      return each(2, (at) => view.getUint16(at, true));
    case 'i8':
      return each(1, (at) => view.getInt8(at));
    case 'u8':
    case 'bool':
      return each(1, (at) => view.getUint8(at));
  }
}
