import {mkdir} from 'node:fs/promises';
import path from 'node:path';
import {withLock} from './lock.js';
import {compile} from './tensorflow/compile.js';
import {cacheLayout} from './tensorflow/files.js';
import {install} from './tensorflow/install.js';
const layout = cacheLayout();
const say = (t: string) => console.error(t);
await mkdir(layout.folder, {recursive: true});
await withLock(path.join(layout.folder, 'lock'), say, async () => {
  await install(layout, say);
  await compile(layout, say);
});
