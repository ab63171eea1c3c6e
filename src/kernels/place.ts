// Where a layer is computed, in a model that its device does not hold whole.
import tf from '#tfjs';
import {NATIVE} from './native/nativeBackend.js';

/** device: the backend in use; host: `native`, on the processor beside it. */
export type Place = 'device' | 'host';

/**
 * Runs `body`, which is not to be asynchronous, with new tensors and ops at `place`. A tensor of another place
 * goes over when an op there first reads it, and stays. `startHost` (backend.ts) comes before the first 'host'.
 */
export function at<T>(place: Place, body: () => T): T {
  const backend = tf.getBackend();
  if (place === 'device' || backend === NATIVE) return body();
  void tf.setBackend(NATIVE); // has happened when it returns: the backend is there
  try {
    return body();
  } finally {
    void tf.setBackend(backend);
  }
}
