import tf from '#tfjs';
import {EmuModel} from '../../src/model/emu.js';
import {Random} from '../../src/random.js';
import {emuTensors} from '../../src/weights/emuTensors.js';
import {tinyConfig} from './tinyEmu.js';

/** A tiny model of random weights, which live as long as the test. */
export function randomEmu(): EmuModel {
  const config = tinyConfig('pretrain');
  const random = new Random(4);
  const values = new Map(
    emuTensors(config).required.map(({name, shape}) => {
      const length = shape.reduce((size, n) => size * n, 1);
      const numbers = Float32Array.from({length}, () => 0.5 * random.normal());
      return [name, tf.tensor(numbers, [...shape])];
    }),
  );
  const source = (prefix: string): ConstructorParameters<typeof EmuModel>[0] => ({
    tensor: (name) => values.get(prefix + name)!,
    scope: (name) => source(`${prefix}${name}.`),
  });
  return new EmuModel(source(''), config);
}
