// emu-mini draws, offline, right after the clone.
import {readFileSync} from 'node:fs';
import path from 'node:path';
import {suite} from 'uvu';
import * as assert from 'uvu/assert';
import {readImage} from '../../src/data/image.js';
import {fixture, runEmu} from '../cli/runEmu.js';
import {temporaryFolder} from '../support/temporary.js';

const test = suite('emu-mini draws');
const folder = temporaryFolder();
const at = (name: string) => path.join(folder, name);

/** Mean of each channel over the pixels that are not white: the thing's colour. */
async function inkOf(file: string): Promise<number[]> {
  const {data, width, height} = await readImage(file);
  assert.equal([width, height], [64, 64]);
  const sums = [0, 0, 0, 0];
  for (let i = 0; i < data.length; i += 3) {
    if (Math.min(data[i]!, data[i + 1]!, data[i + 2]!) > 200) continue;
    for (let c = 0; c < 3; c++) sums[c]! += data[i + c]!;
    sums[3]!++;
  }
  const share = sums[3]! / (width * height);
  assert.ok(share > 0.05 && share < 0.95, `${file}: ${share} of it is drawn on`);
  return sums.slice(0, 3).map((sum) => sum / sums[3]!);
}

test('a tomato is red, a cucumber green, and both are drawn again to the byte', async () => {
  const draw = (prompt: string, name: string) => runEmu(['t2i', prompt, '-o', at(name)]);
  assert.is((await draw('a tomato', 'tomato.png')).code, 0);
  assert.is((await draw('a cucumber', 'cucumber.png')).code, 0);
  const [red, green, blue] = (await inkOf(at('tomato.png'))) as [number, number, number];
  assert.ok(red > green + 30 && red > blue + 30, `tomato: ${red}, ${green}, ${blue}`);
  const cucumber = (await inkOf(at('cucumber.png'))) as [number, number, number];
  assert.ok(cucumber[1] > cucumber[2] + 20, `cucumber: ${cucumber}`);
  const again = await runEmu(['replay', at('tomato.png')]);
  assert.is(again.code, 0, again.stderr);
  assert.match(again.stdout, /the same bytes/);
});

test('pictures are blended', async () => {
  const pictures = ['streamline-cherries.png', 'streamline-tiger.png'].map(fixture);
  const out = at('blend.png');
  const ended = await runEmu(['incontext', ...pictures, '--generate', 'image', '-o', out]);
  assert.is(ended.code, 0, ended.stderr);
  assert.ok(readFileSync(out).length > 500);
  await inkOf(out);
});

test.run();
