import path from 'node:path';
import {tensorflowFolder} from '../../kernels/tensorflow/layout.js';
import {takeLock} from '../../processLock.js';
import {InstallError} from './run.js';

/** Has this process alone change what is installed; returns what gives it back. */
export function lockTensorflow(): () => void {
  const refused = ({pid}: {pid: number}) =>
    new InstallError(`another emu (process ${pid}) is installing or removing this; wait for it`);
  const release = takeLock(path.join(tensorflowFolder(), 'lock'), refused);
  process.once('exit', release); // on Ctrl-C
  return () => {
    process.off('exit', release);
    release();
  };
}
