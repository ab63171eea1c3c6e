// The npm package @tensorflow/tfjs-node-gpu in a build, fetched by npm. package/package-lock.json pins it, and what
// it needs when it runs, by their hashes; it was trimmed by hand: what the package needs to install itself is left out.
import fs from 'node:fs/promises';
import path from 'node:path';
import {type Build, lockFile, ownTfjs, packageName} from '../../kernels/tensorflow/layout.js';
import {type RunOptions, runOrFail} from './run.js';

/** Installs the package without its install script, over emu's own tfjs. Throws InstallError. */
export async function installPackage(build: Build, options: RunOptions): Promise<void> {
  const {folder} = build;
  for (const name of ['package.json', 'package-lock.json'])
    await fs.copyFile(path.join(path.dirname(lockFile), name), path.join(folder, name));
  const flags = ['--ignore-scripts', '--no-audit', '--no-fund', '--fetch-retries=1'];
  const problem = `${packageName} could not be installed`;
  await runOrFail(problem, 'npm', ['ci', ...flags], {...options, cwd: folder});
  const modules = path.join(folder, 'node_modules');
  for (const [name, own] of ownTfjs()) await fs.symlink(own, path.join(modules, name));
  // All that the package asks node-pre-gyp for when it runs is where its binding lies.
  const finder = path.join(modules, '@mapbox', 'node-pre-gyp');
  await fs.mkdir(finder, {recursive: true});
  const binding = path.relative(build.packageFolder, build.binding);
  await fs.writeFile(
    path.join(finder, 'index.js'),
    `exports.find = (manifest) => require('node:path').join(manifest, '..', '${binding}');\n`,
  );
}
