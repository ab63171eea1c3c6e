// What `npm run package` packs; scripts/try-package.sh installs it where there is nothing but Node.
import {spawnSync} from 'node:child_process';
import {existsSync, readdirSync, readFileSync} from 'node:fs';
import path from 'node:path';
import {suite} from 'uvu';
import * as assert from 'uvu/assert';
import {root} from './cli/runEmu.js';
import {skip} from './support/skip.js';

const test = suite('package');

test('the package has what emu reads when it runs, and nothing of its making', () => {
  const args = ['pack', '--dry-run', '--json'];
  const {status, stdout, stderr} = spawnSync('npm', args, {cwd: root, encoding: 'utf8'});
  assert.is(status, 0, stderr);
  const [packed] = JSON.parse(stdout) as [{size: number; files: {path: string}[]}];
  const files = new Set(packed.files.map((file) => file.path));
  for (const name of [
    ...['bin/emu', 'dist/index.js', 'dist/index.d.ts', 'dist/cli/modelWorker.js', 'src/tfjs.cjs'],
    ...['src/tfjs.d.cts', 'oclif.manifest.json', 'models/emu-mini/model.safetensors'],
    ...['models/emu-mini/unet/config.json', 'scripts/build-native.js', 'LICENSE', 'NOTICE'],
    ...['examples/caption.mjs', 'fixtures/streamline-tiger.png', 'docs/library.md'],
  ])
    assert.ok(files.has(name), name);
  // Where no package of the addon fits, its sources are compiled.
  const sources = readdirSync(path.join(root, 'src'), {recursive: true}).map(String);
  for (const name of sources.filter((file) => /\.(cc|h)$/.test(file)))
    assert.ok(files.has(`src/${name}`), name);
  const others = [...files].filter((name) =>
    /^(test|bench|build|\.ci|src\/.*\.tsx?$)|tsconfig|\.tsbuildinfo|setup\.js|\.built/.test(name),
  );
  assert.equal(others, []);
  assert.ok(packed.size < 25e6, `${packed.size} bytes`);
});

// Version names stand in the file as they are. Node 20 itself asks for glibc 2.28 and for GCC 8's library.
const addon = path.join(root, `build/linux-${process.arch}/emu.node`);
const floor = 'the addon asks for no newer system than Node itself';
if (!existsSync(addon)) skip(test, floor, 'no addon for Linux was built');
else
  test(floor, () => {
    const text = readFileSync(addon, 'latin1');
    const newest = (pattern: RegExp) =>
      Math.max(...[...text.matchAll(pattern)].map(([, number]) => Number(number)));
    assert.ok(newest(/\0GLIBC_2\.(\d+)/g) <= 28);
    assert.ok(newest(/\0GLIBCXX_3\.4\.(\d+)/g) <= 25);
    assert.ok(newest(/\0CXXABI_1\.3\.(\d+)/g) <= 11);
  });

test.run();
