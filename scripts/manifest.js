// Writes oclif.manifest.json: the flags and help of every command, so that emu starts without
// importing them. Done here with @oclif/core; the `oclif` package's 200 dependencies are not needed.
import {writeFileSync} from 'node:fs';
import path from 'node:path';
import {fileURLToPath} from 'node:url';
import {Plugin} from '@oclif/core';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');
const plugin = new Plugin({
  root,
  isRoot: true,
  ignoreManifest: true,
  errorOnManifestCreate: true,
  respectNoCacheDefault: true,
});
await plugin.load();
writeFileSync(
  path.join(root, 'oclif.manifest.json'),
  `${JSON.stringify(plugin.manifest, undefined, 2)}\n`,
);
