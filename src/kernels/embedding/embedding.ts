import tf from '#tfjs';
import {checkDtype, checkShape, ShapeError} from '../checkShape.js';
import {embeddingReference} from './embedding.reference.js';

export const Embedding = 'EmuEmbedding';

/**
 * Rows of a table: ids int32 [...], table [V, C] of any encoding -> float32 [..., C].
 * Throws ShapeError where an id is not in [0, V). Gradient for the table: dy added up per row.
 */
export function embedding(ids: tf.Tensor, table: tf.Tensor): tf.Tensor {
  checkDtype('embedding', 'ids', ids, 'int32');
  checkShape('embedding', 'table', table.shape, ['V', 'C']);
  const numRows = table.shape[0]!;
  for (const id of ids.dataSync<'int32'>()) {
    if (id < 0 || id >= numRows) {
      throw new ShapeError('embedding', 'ids', `values in [0, ${numRows})`, String(id));
    }
  }
  if (!tf.getKernel(Embedding, tf.getBackend())) return embeddingReference(ids, table);
  return tf.engine().runKernel(Embedding, {ids, table});
}
