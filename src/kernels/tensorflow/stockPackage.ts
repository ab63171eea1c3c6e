import {existsSync, readdirSync} from 'node:fs';
import {createRequire} from 'node:module';
import path from 'node:path';
import {packageName, packageVersion, type TensorflowFiles} from './layout.js';

/**
 * The package @tensorflow/tfjs-node-gpu as a person has installed it where `module` (default: emu) finds it, with a
 * binding and a libtensorflow of its own: used as it is, without our ops. undefined: there is none, or without a binding.
 */
export function findStockPackage(module: string = import.meta.url): TensorflowFiles | undefined {
  const require = createRequire(module);
  let manifest: string;
  try {
    manifest = require.resolve(`${packageName}/package.json`);
  } catch {
    return undefined;
  }
  if ((require(manifest) as {version: string}).version !== packageVersion) return undefined;
  const packageFolder = path.dirname(manifest);
  const folder = path.join(packageFolder, 'lib');
  const bindings = existsSync(folder)
    ? readdirSync(folder).map((name) => path.join(folder, name, 'tfjs_binding.node'))
    : [];
  return bindings.some((file) => existsSync(file))
    ? {packageFolder, libraries: [], logLevel: 'errors'}
    : undefined;
}
