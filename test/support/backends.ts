// Every way in which this machine can compute: backend x instruction set.
import * as tf from '@tensorflow/tfjs';
import type {uvu} from 'uvu';
import {availableBackends, selectBackend} from '../../src/kernels/backend.js';
import {type IsaName, loadAddon} from '../../src/kernels/native/addon.js';

export interface Variant {
  readonly name: string;
  readonly backend: 'native' | 'reference';
  readonly isa?: IsaName;
}

/** The reference backend, and the native one with each instruction set that this processor has. */
export function variants(): Variant[] {
  const isas = availableBackends().includes('native') ? (loadAddon()?.isas() ?? []) : [];
  return [
    {name: 'reference', backend: 'reference'},
    ...isas.map((isa): Variant => ({name: `native ${isa}`, backend: 'native', isa})),
  ];
}

/** Runs `body` with a variant's backend; afterwards the reference backend is chosen again. */
export function withVariant<T>(variant: Variant, body: () => T): T {
  selectBackend({backend: variant.backend, isa: variant.isa});
  try {
    return tf.tidy(() => body() as tf.TensorContainer) as T;
  } finally {
    selectBackend({backend: 'reference'});
  }
}

/** Registers the test once per variant. */
export function testOnEachBackend(test: uvu.Test, name: string, body: () => void): void {
  for (const variant of variants()) {
    test(`${name} (${variant.name})`, () => withVariant(variant, body));
  }
}
