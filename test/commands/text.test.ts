// caption, vqa, video-qa and incontext with a model of random weights: what goes in, what comes out.
import {copyFileSync, mkdirSync, readFileSync, writeFileSync} from 'node:fs';
import path from 'node:path';
import {suite} from 'uvu';
import * as assert from 'uvu/assert';
import {writeRandomModel} from '../cli/randomModel.js';
import {assertFailure, fixture, runEmu} from '../cli/runEmu.js';
import {temporaryFolder} from '../support/temporary.js';

const test = suite('commands/text');
const folder = temporaryFolder();
const model = ['--model', writeRandomModel(path.join(folder, 'model'))];
const short = [...model, '--max-tokens', '6'];

test('caption prints a line a picture, vqa and the others one answer', async () => {
  const cat = fixture('cat.jpg');
  const two = await runEmu(['caption', cat, fixture('rocket.jpg'), ...short]);
  assert.is(two.code, 0, two.stderr);
  assert.match(two.stdout, /^[a-z ]+\n[a-z ]+\n$/);
  assert.is(two.stderr, '');
  for (const args of [
    ['vqa', cat, 'is it a dog?'],
    ['video-qa', fixture('bunny-ccby.mp4'), 'what happens?', '--frames', '2'],
    ['incontext', cat, 'a cat on', fixture('rocket.jpg')],
  ]) {
    const {code, stdout, stderr} = await runEmu([...args, ...short]);
    assert.is(code, 0, stderr);
    assert.match(stdout, /^[a-z ]+\n$/, args[0]);
    assert.is(stderr, '');
  }
});

test('--json gives an object a result, a line each', async () => {
  const args = [fixture('cat.jpg'), fixture('rocket.jpg'), '--num-captions', '2', '--json'];
  const {code, stdout, stderr} = await runEmu(['caption', ...args, ...short]);
  assert.is(code, 0, stderr);
  const results = stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  assert.is(results.length, 2);
  for (const [i, result] of results.entries()) {
    assert.is(result.file, args[i]);
    assert.type(result.text, 'string');
    assert.is(result.texts.length, 2);
    assert.is(result.texts[0], result.text);
    assert.ok(result.tokens.length >= 1 && result.tokens.length <= 6);
    assert.ok(result.tokens.every(Number.isInteger));
    assert.is(result.prompt, '[IMG]<image><image>[/IMG]');
    assert.is(result.model, model[1]);
    assert.match(result.backend, /^(native|reference)$/);
    assert.equal(Object.keys(result.timings), ['load', 'vision', 'prompt', 'generate']);
    for (const seconds of Object.values(result.timings)) assert.type(seconds, 'number');
    assert.type(result.tokensPerSecond, 'number');
  }
});

test('a picture that cannot be read does not stop the others; the exit code tells', async () => {
  const missing = path.join(folder, 'missing.png');
  const {code, stdout, stderr} = await runEmu([
    ...['caption', missing, fixture('cat.jpg'), '--json'],
    ...short,
  ]);
  assert.is(code, 1);
  assert.is(stderr, `emu: ${missing}: no such file\n`);
  const [failure, caption] = stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  assert.is(failure.error.file, missing);
  assert.type(failure.error.code, 'string');
  assert.type(caption.text, 'string');
});

test('what is streamed is the text of --json, greedy and with beams', async () => {
  for (const search of [['--greedy'], ['--beams', '3']]) {
    const args = ['caption', fixture('cat.jpg'), ...search, ...model, '--max-tokens', '40'];
    const {stdout} = await runEmu(args);
    assert.is(`${JSON.parse((await runEmu([...args, '--json'])).stdout).text}\n`, stdout);
  }
});

test('names with spaces and of other scripts, stdin and data: URLs', async () => {
  const odd = path.join(folder, 'Bilder von Zoë 猫', "a cat's [1].jpg");
  mkdirSync(path.dirname(odd));
  copyFileSync(fixture('cat.jpg'), odd);
  const bytes = readFileSync(fixture('cat.jpg'));
  const expected = (await runEmu(['caption', fixture('cat.jpg'), ...short])).stdout;
  assert.is((await runEmu(['caption', odd, ...short])).stdout, expected);
  assert.is((await runEmu(['caption', '-', ...short], {stdin: bytes})).stdout, expected);
  const url = `data:image/jpeg;base64,${bytes.toString('base64')}`;
  assert.is((await runEmu(['caption', url, ...short])).stdout, expected);
});

test('the same seed draws the same text, on any number of threads', async () => {
  const draw = (...flags: string[]) =>
    runEmu(['caption', fixture('cat.jpg'), '--sample', ...flags, ...model, '--max-tokens', '30']);
  const [first, again, other, oneThread] = await Promise.all([
    draw('--seed', '1'),
    draw('--seed', '1'),
    draw('--seed', '2'),
    draw('--seed', '1', '--threads', '1'),
  ]);
  assert.is(first.code, 0, first.stderr);
  assert.is(again.stdout, first.stdout);
  assert.is(oneThread.stdout, first.stdout);
  assert.is.not(other.stdout, first.stdout);
});

test('--min-tokens keeps the answer from ending', async () => {
  const args = ['caption', fixture('cat.jpg'), '--greedy', '--json', ...model];
  const limits = ['--min-tokens', '70', '--max-tokens', '70'];
  const {stdout} = await runEmu([...args, ...limits]);
  assert.is(JSON.parse(stdout).tokens.length, 70);
});

test('--raw takes the text as the whole prompt', async () => {
  const {stdout} = await runEmu([
    ...['vqa', fixture('cat.jpg'), 'a red [image] is a', '--raw', '--json'],
    ...short,
  ]);
  assert.is(JSON.parse(stdout).prompt, 'a red [IMG]<image><image>[/IMG] is a');
  const caption = ['caption', fixture('cat.jpg'), '--raw', '--json', ...short];
  const prompted = await runEmu([...caption, '--prompt', 'the [image]']);
  assert.is(JSON.parse(prompted.stdout).prompt, 'the [IMG]<image><image>[/IMG]');
  assertFailure(await runEmu(caption.filter((arg) => arg !== '--json')), 2, /--raw.*--prompt/);
});

test('items of incontext keep their order, and --text and --image force their kind', async () => {
  const prompt = async (...items: string[]) => {
    const {stdout, stderr} = await runEmu(['incontext', ...items, '--json', ...short]);
    assert.is(stderr, '');
    return JSON.parse(stdout).prompt;
  };
  const image = '[IMG]<image><image>[/IMG]';
  const cat = fixture('cat.jpg');
  assert.is(await prompt('a', cat, 'dog', cat), `a${image}dog${image}`);
  assert.is(await prompt('--text', cat, '--image', cat, 'dog'), `${cat}${image}dog`);
  const failed = await runEmu(['incontext', '--image', 'dog', ...short]);
  assertFailure(failed, 1, /dog: no such file/);
});

test('EMU_MODEL and the settings file name the model; --model goes before', async () => {
  const settings = path.join(folder, 'config', 'emu');
  mkdirSync(settings, {recursive: true});
  writeFileSync(path.join(settings, 'config.json'), JSON.stringify({model: model[1]}));
  const env = {XDG_CONFIG_HOME: path.join(folder, 'config')};
  const args = ['caption', fixture('cat.jpg'), '--max-tokens', '6', '--json'];
  assert.is(JSON.parse((await runEmu(args, {env})).stdout).model, model[1]);
  assert.is(JSON.parse((await runEmu(args, {env: {EMU_MODEL: model[1]}})).stdout).model, model[1]);
  const both = await runEmu([...args, '-m', 'nowhere'], {env});
  assert.is(both.code, 3);
  writeFileSync(path.join(settings, 'config.json'), '{');
  const broken = await runEmu(args.slice(0, -1), {env});
  assertFailure(broken, 2, /config\.json: expected JSON/);
});

test.run();
