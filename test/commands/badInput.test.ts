// What is wrong with the input is told in one line, with the right exit code and without a stack.
import {chmodSync, copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import path from 'node:path';
import sharp from 'sharp';
import {suite} from 'uvu';
import * as assert from 'uvu/assert';
import {emu14b} from '../../src/weights/config.js';
import {emuTensors} from '../../src/weights/emuTensors.js';
import {writeRandomModel} from '../cli/randomModel.js';
import {assertFailure, fixture, root, runEmu} from '../cli/runEmu.js';
import {skip} from '../support/skip.js';
import {writeSparseCheckpoint} from '../support/sparseCheckpoint.js';
import {temporaryFolder} from '../support/temporary.js';

const test = suite('commands/badInput');
const folder = temporaryFolder();
const model = writeRandomModel(path.join(folder, 'model'));
const short = ['--model', model, '--max-tokens', '2'];
chmodSync(folder, 0o755);
const picture = fixture('cat.jpg');

function write(name: string, content: string | Uint8Array): string {
  const file = path.join(folder, name);
  writeFileSync(file, content);
  return file;
}

test('pictures: each bad one is told, each odd one is read', async () => {
  const wide = path.join(folder, '20000x10.png');
  await sharp({create: {width: 20000, height: 10, channels: 3, background: 'red'}}).toFile(wide);
  const odd = [
    ...['tiny-1x1.png', 'coffee-16bit.png', 'cat-cmyk.jpg', 'anim-rocket.gif', 'palette.png'],
    ...['moon-gray16.png', 'horse-alpha.png', 'flower-ccby.avif', 'interlaced.png'],
  ].map(fixture);
  const png = readFileSync(fixture('coffee.png'));
  const bad: [string, RegExp][] = [
    [fixture('not-an-image.png'), /is not a picture/],
    [fixture('truncated.jpg'), /cut off|truncated|damaged|premature/i],
    [write('half.png', png.subarray(0, png.length / 2)), /cut off|truncated|damaged/i],
    [write('empty.png', ''), /is empty/],
    [path.join(folder, 'none.png'), /no such file/],
    [folder, /is a directory/],
    [fixture('bunny-ccby.mp4'), /is a video/],
    ['data:image/png;base64,@@', /data: URL/],
    ['http://127.0.0.1/a.png', /https/],
  ];
  const files = [...bad.map(([file]) => file), wide, ...odd];
  const {code, stdout, stderr} = await runEmu(['caption', ...files, '--json', ...short]);
  assert.is(code, 1);
  const lines = stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  assert.is(lines.length, files.length);
  for (const [i, [file, says]] of bad.entries()) {
    assert.match(lines[i].error.message, says, file);
    assert.is(lines[i].error.file.length > 0, true);
  }
  for (const {text, error} of lines.slice(bad.length)) assert.type(text, 'string', error?.message);
  assert.is(stderr.trimEnd().split('\n').length, bad.length);
  assert.not.match(stderr, /\n\s+at /);
});

test('videos', async () => {
  const ask = (file: string) => runEmu(['video-qa', file, 'what?', ...short]);
  const clip = readFileSync(fixture('city-cc0.mp4'));
  assertFailure(await ask(path.join(folder, 'none.mp4')), 1, /no such file/);
  assertFailure(await ask(write('empty.mp4', '')), 1, /is empty/);
  assertFailure(await ask(write('text.mp4', 'no video at all')), 1, /is not a video/);
  assertFailure(await ask(write('cut.mp4', clip.subarray(0, 4000))), 1, /cut off|not a video/);
});

test('questions and flags', async () => {
  const wrong: [string[], RegExp][] = [
    [['caption'], /a picture is missing/],
    [['vqa'], /a picture and a question are missing/],
    [['vqa', picture], /the question is missing/],
    [['vqa', picture, picture], /the question is missing: .*cat\.jpg/],
    [['vqa', 'how many?'], /a picture is missing/],
    [['vqa', picture, ' '], /the question is empty/],
    [['video-qa', fixture('city-cc0.mp4')], /missing: question/],
    [['video-qa', fixture('city-cc0.mp4'), 'a', 'b'], /Unexpected argument: b/],
    [['incontext'], /the items are missing/],
    [['trace', picture], /output/],
    [['caption', picture, '--nope'], /unknown flag --nope/],
    [['caption', picture, '--beams', '0'], /--beams: expected an integer/],
    [['caption', picture, '--threads', 'two'], /--threads: expected an integer/],
    [['caption', picture, '--sample', '--top-p', '1.5'], /--top-p: expected a number/],
    [['caption', picture, '--temperature', '0.5'], /--sample/],
    [['caption', picture, '--greedy', '--beams', '3'], /--greedy/],
    [['caption', picture, '--backend', 'abacus'], /--backend=abacus/],
    [['caption', picture, '--num-captions', '9'], /--num-captions 9/],
    [['bench', 'llm', '--encoding', 'f16'], /--synthetic/],
    [['bench', 'speed'], /llm, vision, image, train, loading/],
  ];
  for (const [args, says] of wrong) assertFailure(await runEmu(args), 2, says);
});

test('models', async () => {
  const caption = (...flags: string[]) => runEmu(['caption', picture, ...flags]);
  const weights = readFileSync(path.join(model, 'model.safetensors'));
  const cut = path.join(folder, 'cut');
  mkdirSync(cut);
  for (const name of ['config.json', 'vocab.json'])
    copyFileSync(path.join(model, name), path.join(cut, name));
  writeFileSync(path.join(cut, 'model.safetensors'), weights.subarray(0, weights.length - 100));
  const wrong: [string[], RegExp][] = [
    [['-m', 'emu-nano'], /emu-nano/],
    [['-m', path.join(folder, 'none.pt')], /none\.pt.*no such file/],
    [['-m', folder], /./],
    [['-m', cut], /model\.safetensors/],
    [['-m', write('noise.pt', 'PK\u0003\u0004 noise')], /noise\.pt/],
    [['-m', write('text.safetensors', 'this is no header')], /text\.safetensors/],
    [['-m', path.join(root, 'test/weights/fixtures/evil.pt')], /evil\.pt/],
    [['-m', path.join(model, 'model.safetensors'), '--config', folder], /./],
  ];
  for (const [flags, says] of wrong) assertFailure(await caption(...flags), 3, says);
});

test('a model that is too large for the reference backend is refused before it is loaded', async () => {
  const file = path.join(folder, 'huge.bin');
  const tensors = emuTensors(emu14b('pretrain')).required;
  writeSparseCheckpoint(
    file,
    tensors.map((tensor) => ({...tensor, encoding: 'bf16' as const})),
  );
  const refused = await runEmu(['caption', picture, '-m', file, '--backend', 'reference']);
  rmSync(file);
  assertFailure(
    refused,
    5,
    /huge\.bin: its 1\d\.\d billion weights are too many for the reference backend \(at most 2\); use --backend native/,
  );
});

test('--json puts the failure on stdout too', async () => {
  for (const [args, code, exitCode] of [
    [['vqa', picture, '--json'], 'usage', 2],
    [['caption', picture, '-m', 'emu-nano', '--json'], 'bad_model', 3],
  ] as const) {
    const {code: ended, stdout, stderr} = await runEmu(args);
    assert.is(ended, exitCode);
    const {error} = JSON.parse(stdout);
    assert.is(error.code, code);
    assert.is(stderr, `emu: ${error.message}\n`);
  }
});

test('DEBUG=* adds the stack', async () => {
  const {stderr} = await runEmu(['vqa'], {env: {DEBUG: '*'}});
  assert.match(stderr, /\n {4}at /);
});

// Root may read everything: the same as a user without rights, where that user can run this clone.
const nobody = 65534;
const isRoot = process.getuid?.() === 0;
const asNobody = {uid: nobody, env: {HOME: folder}};
const canRun = isRoot && (await runEmu(['models', '-q'], asNobody)).code === 0;
if (isRoot && !canRun) skip(test, 'access', 'a user without rights cannot run this clone');
else {
  test('what may not be read or written is told as that', async () => {
    const user = isRoot ? asNobody : {};
    const secret = write('secret.png', readFileSync(fixture('coffee.png')));
    chmodSync(secret, 0);
    assertFailure(
      await runEmu(['caption', secret, ...short], user),
      4,
      /secret\.png: .*permission/,
    );
    const weights = write('secret.safetensors', '');
    chmodSync(weights, 0);
    const refused = await runEmu(['caption', picture, '-m', weights], user);
    assertFailure(refused, 4, /secret\.safetensors/);
    const closed = path.join(folder, 'closed');
    mkdirSync(closed, {mode: 0o500});
    const out = path.join(closed, 'out.safetensors');
    const trace = ['trace', picture, '--model', model, '-o', out];
    assertFailure(await runEmu(trace, user), 4, /out\.safetensors/);
  });
}

test('an output whose folder is missing is told', async () => {
  const args = ['trace', picture, '--model', model, '-o'];
  const gone = path.join(folder, 'no', 'such', 'folder', 'out.safetensors');
  assertFailure(await runEmu([...args, gone]), 1, /out\.safetensors/);
});

test.run();
