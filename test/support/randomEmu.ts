import tf from '#tfjs';
import {EmuModel} from '../../src/model/emu.js';
import {Random} from '../../src/random.js';
import {emuTensors} from '../../src/weights/emuTensors.js';
import {tinyConfig} from './tinyEmu.js';

/** A tiny model of random weights, which live as long as the test; `hostLayers` as EmuModel's. */
export function randomEmu(hostLayers = 0): EmuModel {
  const config = tinyConfig('pretrain');
  const random = new Random(4);
  const values = new Map(
    emuTensors(config).required.map(({name, shape}) => {
      const length = shape.reduce((size, n) => size * n, 1);
      return [name, Float32Array.from({length}, () => 0.5 * random.normal())];
    }),
  );
  const source = (prefix: string): ConstructorParameters<typeof EmuModel>[0] => ({
    tensor: (name, shape) => tf.tensor(values.get(prefix + name)!, [...shape]),
    scope: (name) => source(`${prefix}${name}.`),
  });
  return new EmuModel(source(''), config, hostLayers);
}
