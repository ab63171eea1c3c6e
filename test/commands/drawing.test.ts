// t2i, incontext --generate, info and replay from the command line, on the goldens' model that draws.
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from 'node:fs';
import {spawn, spawnSync} from 'node:child_process';
import path from 'node:path';
import {setTimeout} from 'node:timers/promises';
import {suite} from 'uvu';
import * as assert from 'uvu/assert';
import {readImage} from '../../src/data/image.js';
import {readPngTexts} from '../../src/data/png.js';
import {openCheckpoint} from '../../src/weights/checkpoint.js';
import {assertFailure, finished, fixture, root, runEmu, startEmu} from '../cli/runEmu.js';
import {closeTo} from '../support/goldenModel.js';
import {goldenPath, goldens} from '../support/goldens.js';
import {skip} from '../support/skip.js';
import {temporaryFolder} from '../support/temporary.js';

const test = suite('commands/drawing');
const golden = goldens('pipeline');
const model = goldenPath('tiny-pretrain');
const config = goldenPath('tiny-config');
const examples = goldenPath('examples');
const folder = temporaryFolder();
const at = (name: string) => path.join(folder, name);

interface Scene {
  readonly inputs: readonly string[];
  readonly steps: number;
  readonly height: number;
  readonly width: number;
  readonly has_nsfw: boolean;
}

if (!golden || !model || !config || !examples || !existsSync(path.join(model, 'unet'))) {
  skip(test, 'drawing from the command line', 'the goldens are not in this clone');
} else {
  const tiny = ['--model', model, '--config', config];
  const latents = goldenPath('goldens/pipeline.safetensors')!;
  const short = [...tiny, '--steps', '2', '--size', '32x32'];
  const bytes = (name: string) => golden.get(name).data as Uint8Array;
  const scene = (name: string) => golden.json[name] as Scene;
  const flagsOf = ({steps, width, height}: Scene) => [
    ...tiny,
    '--latents',
    latents,
    '--steps',
    `${steps}`,
    '--size',
    `${width}x${height}`,
  ];
  const pixelsOf = async (file: string) => (await readImage(file)).data;
  const words = ({inputs}: Scene) =>
    inputs.map((input) =>
      /\.(png|jpe?g)$/.test(input) ? path.join(examples, path.basename(input)) : input,
    );
  const within2 = (name: string) => ({atol: 2, rtol: 0, name});

  test('t2i draws the official picture', async () => {
    const {inputs, ...facts} = scene('text2image');
    const out = at('dog.png');
    const ended = await runEmu(['t2i', inputs[0]!, ...flagsOf({inputs, ...facts}), '-o', out]);
    assert.is(ended.code, 0, ended.stderr);
    assert.is(ended.stdout, `${out}\n`);
    closeTo(await pixelsOf(out), bytes('text2image.pil_u8'), within2('text2image'));
  });

  test('incontext draws the official picture', async () => {
    const facts = scene('incontext');
    const out = at('incontext.png');
    const args = ['incontext', ...words(facts), '--generate', 'image', ...flagsOf(facts)];
    const ended = await runEmu([...args, '-o', out, '--json']);
    assert.is(ended.code, 0, ended.stderr);
    const {images, timings} = JSON.parse(ended.stdout);
    assert.equal(images, [{path: out, seed: 0, nsfw: false}]);
    assert.ok(timings.steps > 0);
    closeTo(await pixelsOf(out), bytes('incontext.pil_u8'), within2('incontext'));
  });

  test('a flagged blend is withheld, and written with --no-safety', async () => {
    const facts = scene('blend');
    const out = at('blend.png');
    const args = [
      'incontext',
      ...words(facts),
      '--generate',
      'image',
      ...flagsOf(facts),
      '-o',
      out,
    ];
    assertFailure(await runEmu(args), 6, /withheld by the safety checker/);
    assert.not(existsSync(out));
    const told = await runEmu([...args, '--json']);
    assert.is(told.code, 6);
    assert.equal(JSON.parse(told.stdout).images, [{path: null, seed: 0, nsfw: true}]);
    assert.is((await runEmu([...args, '--no-safety'])).code, 0);
    const wanted = Float32Array.from(
      golden.get('blend.image_nhwc').data as Float32Array,
      (x) => 255 * x,
    );
    closeTo(await pixelsOf(out), wanted, within2('blend'));
  });

  test('the file says how it was made, and is drawn again to the byte at another number of threads', async () => {
    const out = at('two words.png');
    const prompt = 'an apple – größer';
    const args = ['t2i', prompt, ...short, '--seed', '5', '--scheduler', 'euler', '--no-safety'];
    const drawn = await runEmu([...args, '-o', out, '--threads', '1']);
    assert.is(drawn.code, 0, drawn.stderr);
    const {parameters} = readPngTexts(readFileSync(out))!;
    assert.match(
      parameters!,
      /^an apple – größer\nSteps: 2, Sampler: Euler, CFG scale: 7.5, Seed: 5, Size: 32x32/,
    );
    const info = await runEmu(['info', out, '--json']);
    const {items, scheduler, width, seed} = JSON.parse(info.stdout);
    assert.equal([items, scheduler, width, seed], [[{text: prompt}], 'euler', 32, 5]);
    assert.match((await runEmu(['info', out])).stdout, /scheduler +euler\n/);
    const again = await runEmu(['replay', out, '--threads', '2']);
    assert.is(again.code, 0, again.stderr);
    assert.match(again.stdout, /the same bytes/);
  });

  test('seeds, several pictures, drawing over one', async () => {
    const out = at('many.png');
    const args = [...short, '--no-safety', '-o', out];
    const many = await runEmu(['t2i', 'x', ...args, '-n', '2', '--seed', '3', '--json']);
    const {images} = JSON.parse(many.stdout);
    assert.equal(
      images.map((image: {seed: number}) => image.seed),
      [3, 4],
    );
    assert.equal(
      images.map((image: {path: string}) => image.path),
      [at('many-1.png'), at('many-2.png')],
    );
    assert.is((await runEmu(['t2i', 'x', ...args, '--seed', '4'])).code, 0);
    assert.equal(
      await pixelsOf(out),
      await pixelsOf(at('many-2.png')),
      'its own seed draws it too',
    );
    const over = at('over.png');
    const init = [...short, '--no-safety', '--init', fixture('cat.jpg'), '-o', over];
    const faint = await runEmu(['t2i', '', ...init, '--strength', '0.5']);
    assert.is(faint.code, 0, faint.stderr);
    assert.is((await runEmu(['replay', over])).code, 0);
  });

  test('trace writes the tensors of a drawing', async () => {
    const facts = scene('text2image');
    const out = at('trace.safetensors');
    const args = ['trace', ...facts.inputs, '--generate', 'image', ...flagsOf(facts), '-o', out];
    const ended = await runEmu(args);
    assert.is(ended.code, 0, ended.stderr);
    const written = openCheckpoint(out);
    const floats = (name: string) =>
      new Float32Array(Uint8Array.from(written.tensors.get(name)!.read()).buffer);
    const regressed = goldens('generate_image')!.get('text2image.target_image_embeds');
    const close = {atol: 2e-4, rtol: 1e-4};
    closeTo(floats('target_image_embeds'), regressed.data as Float32Array, {
      ...close,
      name: 'embeds',
    });
    const final = golden.get('text2image.final_latents').data as Float32Array;
    closeTo(floats('latents'), final, {atol: 2e-3, rtol: 1e-4, name: 'latents'});
    for (const name of ['unet.mid_block', 'unet.conv_out', 'vae.decoder.mid_block'])
      assert.ok(written.tensors.has(name), name);
    written.close();
  });

  test('what cannot be drawn is one line, before the work', async () => {
    const t2i = (...flags: string[]) => {
      const own = ['--steps', '2', '--size', '32x32'].filter(
        (_, i, all) => !flags.includes(all[i - (i % 2)]!),
      );
      return runEmu(['t2i', 'x', ...tiny, ...own, ...flags]);
    };
    mkdirSync(at('a folder.png'));
    const wrong: [string[], number, RegExp][] = [
      [['--size', '30x32'], 2, /multiples of 8/],
      [['--size', '32'], 2, /WIDTHxHEIGHT/],
      [['--size', '0x32'], 2, /multiples of 8/],
      [['--steps', '0'], 2, /--steps/],
      [['--steps', '1000'], 2, /1 to 999/],
      [['--guidance', 'much'], 2, /--guidance/],
      [['--scheduler', 'magic'], 2, /pndm, ddim, euler, dpm\+\+2m/],
      [['-o', at('x.jpg')], 2, /\.png/],
      [['-o', at('none/x.png')], 1, /folder does not exist/],
      [['-o', at('a folder.png')], 1, /is a folder/],
      [['--strength', '0.5'], 2, /--init/],
      [['--init', fixture('not-an-image.png')], 1, /not-an-image/],
      [['--latents', fixture('cat.jpg')], 3, /cat\.jpg/],
      [['--latents', latents, '--size', '64x32'], 2, /starts from/],
    ];
    for (const [flags, code, says] of wrong) assertFailure(await t2i(...flags), code, says);
    assertFailure(await runEmu(['t2i', ...short]), 2, /missing: prompt/);
    const long = 'many words '.repeat(2000);
    assertFailure(
      await runEmu(['t2i', long, ...short, '-o', at('l.png')]),
      2,
      /tokens, and \d+ fit/,
    );
    assert.equal(
      readdirSync(folder).filter((name) => name.endsWith('.tmp')),
      [],
    );
  });

  test('a full disk leaves the pictures that were written, and no half one', async () => {
    const small = at('small');
    mkdirSync(small);
    const emu = `'${process.execPath}' '${path.join(root, 'bin/emu')}'`;
    const words = [
      't2i',
      'x',
      ...short,
      '--no-safety',
      '-n',
      '3',
      '-o',
      path.join(small, 'full.png'),
    ];
    const command = [emu, ...words.map((word) => `'${word}'`)].join(' ');
    // A disk of two pages, one of them taken, where we may mount one; else files of no length at all.
    const mount = `mount -t tmpfs -o size=8k,nr_inodes=8 none '${small}'`;
    const canMount = spawnSync('unshare', ['-rm', 'sh', '-c', mount]).status === 0;
    const ended = canMount
      ? await finished(
          spawn('unshare', [
            '-rm',
            'sh',
            '-c',
            `${mount} && ${command}; code=$?; ls -A '${small}'; exit $code`,
          ]),
        )
      : await finished(spawn('bash', ['-c', `trap '' XFSZ; ulimit -f 0; exec ${command}`]));
    assert.is(ended.code, 1, ended.stderr);
    assert.match(
      ended.stderr,
      canMount
        ? /^emu: writing .*full-3\.png: the disk is full\n$/
        : /^emu: writing .*full-1\.png: .*too large.*\n$/,
    );
    assert.is(ended.stdout, canMount ? 'full-1.png\nfull-2.png\n' : '');
    assert.equal(readdirSync(small), []);
  });

  test('Ctrl-C in the middle leaves nothing', async () => {
    const out = at('never.png');
    const child = startEmu(['t2i', 'x', ...tiny, '--steps', '999', '-o', out]);
    child.stdin.end();
    const ended = finished(child);
    await setTimeout(3000);
    child.kill('SIGINT');
    const {code, stdout, stderr} = await ended;
    assert.equal([code, stdout, stderr], [130, '', '']);
    assert.equal(
      readdirSync(folder).filter((name) => /never|tmp/.test(name)),
      [],
    );
  });

  test('info and replay of other files', async () => {
    copyFileSync(fixture('coffee.png'), at('plain.png'));
    writeFileSync(at('text.png'), 'no picture');
    assertFailure(await runEmu(['info', at('plain.png')]), 1, /does not say how it was made/);
    assertFailure(await runEmu(['info', at('text.png')]), 1, /is not a PNG file/);
    assertFailure(await runEmu(['replay', at('none.png')]), 1, /none\.png/);
  });
}

test.run();
