// Compiles simd/check.cc for each ISA and runs it. Where the processor lacks AVX-512, that variant runs
// on an emulation of its intrinsics: the code is checked, if not the processor's part.
import {spawnSync} from 'node:child_process';
import {existsSync, mkdtempSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import path from 'node:path';
import {fileURLToPath} from 'node:url';
import {suite} from 'uvu';
import * as assert from 'uvu/assert';
import {addonProblem, loadAddon} from '../../../src/kernels/native/addon.js';
import {skip} from '../../support/skip.js';

const test = suite('native/simd');
const root = fileURLToPath(new URL('../../../', import.meta.url));
const native = path.join(root, 'src/kernels/native');
const compiler = process.env.CXX ?? 'c++';
const hasCompiler = !spawnSync(compiler, ['--version']).error;
const folder = mkdtempSync(path.join(tmpdir(), 'emu-simd-'));
test.after(() => rmSync(folder, {recursive: true}));

const emulation = path.join(root, 'test/kernels/native/simd/avx512Emulation.h');
const flags: Record<string, string[]> = {
  scalar: ['-O1'],
  avx2: ['-O1', '-mavx2', '-mfma', '-mf16c'],
  avx512: [
    '-O1',
    '-mavx2',
    '-mfma',
    '-mf16c',
    '-mavx512f',
    '-mavx512bw',
    '-mavx512vl',
    '-mavx512dq',
  ],
  // -O0: the emulation's many small loops take the optimizer 15 s
  'avx512, emulated': ['-O0', '-D__AVX512F__', '-include', emulation],
};

function check(variant: string): void {
  const program = path.join(folder, variant.replaceAll(/\W+/g, '-'));
  const sources = [
    path.join(root, 'test/kernels/native/simd/check.cc'),
    path.join(native, 'threadPool.cc'),
    path.join(native, 'cpu.cc'),
  ];
  const isa = variant.split(',')[0];
  const compiled = spawnSync(
    compiler,
    ['-std=c++17', '-ffp-contract=fast', '-pthread', `-DEMU_ISA=${isa}`].concat(
      flags[variant]!,
      sources,
      ['-o', program],
    ),
    {encoding: 'utf8'},
  );
  assert.is(compiled.status, 0, compiled.stderr);
  const run = spawnSync(program, {encoding: 'utf8'});
  assert.is(run.stdout, '0 wrong\n');
}

if (!hasCompiler || !existsSync(native)) {
  skip(test, 'simd.h against plain loops', `no C++ compiler '${compiler}'`);
} else {
  // avx512bf16 has no simd.h of its own.
  const isas = loadAddon()
    ?.isas()
    .filter((isa) => isa !== 'avx512bf16');
  if (!isas) skip(test, 'simd.h as this processor runs it', addonProblem() ?? '');
  const variants: string[] = isas ? [...isas] : ['scalar'];
  if (!variants.includes('avx512')) variants.push('avx512, emulated');
  for (const variant of variants)
    test(`simd.h against plain loops (${variant})`, () => check(variant));
}

test.run();
