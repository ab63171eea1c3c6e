// What the build must hold for a processor older than the one that built.
import {spawnSync} from 'node:child_process';
import {existsSync, readdirSync} from 'node:fs';
import path from 'node:path';
import {fileURLToPath} from 'node:url';
import {suite} from 'uvu';
import * as assert from 'uvu/assert';
import {skip} from '../../support/skip.js';

const test = suite('native/build');
const objects = fileURLToPath(
  new URL(`../../../build/${process.platform}-${process.arch}/obj/`, import.meta.url),
);
const name = 'objects of one ISA share no code with others';
const nm = spawnSync('nm', ['--version']);

if (nm.error || !existsSync(objects)) {
  skip(test, name, nm.error ? 'no nm on this machine' : 'the addon was not built here');
} else {
  test(name, () => {
    const files = readdirSync(objects).filter((file) =>
      /\.(scalar|avx2|avx512|avx512bf16)\.o$/.test(file),
    );
    assert.ok(files.length > 0);
    for (const file of files) {
      const isa = file.split('.').at(-2)!;
      const full = path.join(objects, file);
      const listed = spawnSync('nm', ['--demangle', '--defined-only', full], {encoding: 'utf8'});
      for (const line of listed.stdout.split('\n')) {
        // W, V, u: weak symbols, of which the linker keeps any one; T, D, B: seen from other files.
        const symbol = /^\S+ ([WVuTDB]) (.*)$/.exec(line);
        if (!symbol || symbol[2] === 'DW.ref.__gxx_personality_v0') continue;
        assert.match(symbol[2]!, `emu::${isa}::`, `${file} defines ${line}`);
      }
    }
  });
}

test.run();
