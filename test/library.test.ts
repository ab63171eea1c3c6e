// The package as other programs import it: the examples, the types, and the two modes of one model.
import {spawn, spawnSync} from 'node:child_process';
import {mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync} from 'node:fs';
import path from 'node:path';
import {pathToFileURL} from 'node:url';
import {suite} from 'uvu';
import * as assert from 'uvu/assert';
import {Emu, type Item} from '../src/index.js';
import {readImage} from '../src/data/image.js';
import {fixture, root} from './cli/runEmu.js';
import {temporaryFolder} from './support/temporary.js';

const test = suite('library');
const folder = temporaryFolder();

/** What each example prints. */
const printed: Record<string, RegExp> = {
  'ask.mjs': /^a tiger\na tiger\n$/,
  'caption.mjs': /^a tiger\n$/,
  'draw.mjs': /^drawing\.png, 64 x 64, seed 1\n$/,
  'interleave.mjs': /^a cherr(y|ies)\.\n$/,
  'stop.mjs': /^stopped\n$/,
  'stream.mjs': /^a tiger \(3 tokens\)\n$/,
};

test('the examples run, and the process ends by itself', async () => {
  const names = readdirSync(path.join(root, 'examples')).filter((name) => name.endsWith('.mjs'));
  assert.equal(names.sort(), Object.keys(printed));
  const files = names.map((name) => pathToFileURL(path.join(root, 'examples', name)).href);
  const script = files.map((file) => `await import('${file}'); console.log('--');`).join('\n');
  // As with `node FILE`: what follows the script's name is what it was given, here nothing.
  const child = spawn(process.execPath, ['--input-type=module', '--eval', script], {cwd: folder});
  let output = '';
  let problems = '';
  child.stdout.on('data', (text) => {
    output += text;
  });
  child.stderr.on('data', (text) => {
    problems += text;
  });
  const code = await new Promise((resolve) => child.on('close', resolve));
  assert.is(code, 0, problems);
  for (const [i, text] of output.split('--\n').slice(0, -1).entries())
    assert.match(text, printed[names[i]!]!, names[i]);
  const drawing = await readImage(path.join(folder, 'drawing.png'));
  assert.is(drawing.width, 64);
});

test('a program in TypeScript compiles against the types', () => {
  const place = path.join(folder, 'program');
  mkdirSync(path.join(place, 'node_modules'), {recursive: true});
  symlinkSync(root, path.join(place, 'node_modules/emu-multimodal'));
  symlinkSync(path.join(root, 'node_modules/@types'), path.join(place, 'node_modules/@types'));
  writeFileSync(path.join(place, 'package.json'), '{"type": "module"}');
  writeFileSync(
    path.join(place, 'program.ts'),
    `import {type DrawOptions, Emu, EmuError, encodePng, type Item, type Picture} from 'emu-multimodal';
import {readFrames, readImage, type TextOptions} from 'emu-multimodal';
const emu: Emu = await Emu.load('emu-mini', {backend: 'auto', threads: 2});
const picture: Picture = await readImage('a.png');
const frames = await readFrames('v.mp4', {count: 4});
const items: Item[] = [{type: 'image', picture}, {type: 'video', frames}];
const options: TextOptions = {task: 'caption', signal: AbortSignal.timeout(1)};
for await (const event of emu.generateText(items, options))
  console.log(event.type === 'text' ? event.delta : event.result.tokens.length);
const drawing: DrawOptions = {steps: 3};
for await (const event of emu.generateImage(items, drawing))
  if (event.type === 'picture') await encodePng(event.picture);
// @ts-expect-error the task is missing
emu.generateText(items, {});
console.log(emu.config.llama.vocabSize.toFixed(), new EmuError('x', {code: 'y'}).exitCode);
emu.close();
`,
  );
  const flags = ['--noEmit', '--strict', '--module', 'nodenext', '--target', 'es2022'];
  const tsc = path.join(root, 'node_modules/typescript/bin/tsc');
  const args = [tsc, ...flags, '--types', 'node', '--skipLibCheck', 'program.ts'];
  const {status, stdout} = spawnSync(process.execPath, args, {cwd: place, encoding: 'utf8'});
  assert.is(stdout, '');
  assert.is(status, 0);
});

test('what docs/library.md shows is exported', async () => {
  const text = readFileSync(path.join(root, 'docs/library.md'), 'utf8');
  const names = [...text.matchAll(/import \{([^}]*)\} from 'emu-multimodal'/g)].flatMap(
    ([, list]) => list!.split(',').map((name) => name.trim()),
  );
  assert.ok(names.length > 3);
  const library = (await import('../src/index.js')) as Record<string, unknown>;
  for (const name of names) assert.ok(library[name], name);
});

test('modes switch, and the first token of the other comes, in under 50 ms', async () => {
  const emu = await Emu.load('emu-mini');
  const picture = await readImage(fixture('streamline-tiger.png'));
  const items: Item[] = [{type: 'image', picture}];
  const firstToken = async (task: 'caption' | 'incontext') => {
    for await (const _ of emu.generateText(items, {task, numBeams: 1, maxTokens: 1}));
  };
  let quickest = Number.POSITIVE_INFINITY;
  for (let i = 0; i < 5; i++) {
    await firstToken('caption');
    const started = performance.now();
    await firstToken('incontext');
    quickest = Math.min(quickest, performance.now() - started);
  }
  assert.ok(emu.backend.name === 'reference' || quickest < 50, `${quickest.toFixed(0)} ms`);
  emu.close();
});

test.run();
