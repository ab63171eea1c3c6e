// Every way in which this machine can compute: backend x instruction set.

import type {uvu} from 'uvu';
import tf from '#tfjs';
import {availableBackends, type BackendName, selectBackend} from '../../src/kernels/backend.js';
import {type IsaName, loadAddon} from '../../src/kernels/native/addon.js';
import {
  TENSORFLOW,
  type TensorflowBackend,
} from '../../src/kernels/tensorflow/tensorflowBackend.js';

export interface Variant {
  readonly name: string;
  readonly backend: BackendName;
  readonly isa?: IsaName;
}

export const referenceVariant: Variant = {name: 'reference', backend: 'reference'};

/**
 * The reference backend, the native one with each instruction set that this processor has, and
 * TensorFlow where it is installed for this state of its sources. EMU_TEST_BACKENDS, names with commas between, leaves out the others.
 */
export function variants(): Variant[] {
  const wanted = process.env.EMU_TEST_BACKENDS?.split(',');
  const available = availableBackends();
  if (wanted?.includes('tensorflow') && !available.includes('tensorflow'))
    throw new Error('EMU_TEST_BACKENDS: run `emu backend install tensorflow` first');
  const backends = available.filter((name) => wanted?.includes(name) ?? true);
  return backends.flatMap((backend): Variant[] => {
    if (backend !== 'native') return [{name: backend, backend}];
    // avx512bf16 is avx512 but under --compute bf16, which test/kernels/bf16.test.ts is about.
    const isas =
      loadAddon()
        ?.isas()
        .filter((isa) => isa !== 'avx512bf16') ?? [];
    return isas.map((isa) => ({name: `native ${isa}`, backend, isa}));
  });
}

/** The backends of `variants`, native with its best instruction set. */
export function testedBackends(): BackendName[] {
  return [...new Set(variants().map(({backend}) => backend))];
}

/** Runs `body` in a tidy with a variant's backend; then the reference backend is chosen again. */
export function withVariant<T>(variant: Variant, body: () => T): T {
  selectBackend({backend: variant.backend, isa: variant.isa});
  tf.engine().startScope();
  try {
    return body();
  } finally {
    tf.engine().endScope();
    selectBackend({backend: 'reference'});
  }
}

/** How many tensors tfjs knows and, on tensorflow, how many TensorFlow holds. */
export function tensorsHeld(): number[] {
  const {numTensors} = tf.memory();
  if (tf.getBackend() !== TENSORFLOW) return [numTensors];
  return [numTensors, (tf.backend() as TensorflowBackend).binding.getNumOfTensors()];
}

/** Registers the test once per variant. */
export function testOnEachBackend(
  test: uvu.Test<Record<string, unknown>>,
  name: string,
  body: () => void,
): void {
  for (const variant of variants()) {
    test(`${name} (${variant.name})`, () => withVariant(variant, body));
  }
}
