import path from 'node:path';
import {suite} from 'uvu';
import * as assert from 'uvu/assert';
import {runEmu} from '../cli/runEmu.js';
import {folder, png, write} from '../data/datasets/support.js';

const test = suite('bench loading');

test('measures the loader alone and with a consumer', async () => {
  for (let i = 0; i < 5; i++) {
    write(`pairs/${i}.png`, await png(i));
    write(`pairs/${i}.txt`, 'a text');
  }
  const data = write('data.yaml', 'data:\n  sources: {mine: {kind: pairs, folder: pairs}}\n');
  const sizes = ['--batch', '4', '--image-size', '8', '--steps', '5', '--step-ms', '20'];
  const {code, stdout, stderr} = await runEmu([
    'bench',
    'loading',
    '--data',
    data,
    ...sizes,
    '--json',
  ]);
  assert.is(code, 0, stderr);
  const result = JSON.parse(stdout);
  assert.equal(result.sources, [{name: path.join(folder, 'pairs'), size: 5}]);
  for (const name of ['open', 'firstBatch', 'samplesPerSecond', 'picturesPerSecond'])
    assert.ok(result[name] > 0, name);
  assert.is(result.batch, 4);
  assert.is(result.numBad, 0);
  assert.ok(result.waitShare >= 0 && result.waitShare < 1);
  const read = await runEmu(['bench', 'loading', '--data', data, ...sizes]);
  assert.match(
    read.stdout,
    /^sources .*\(5 samples\)\nopen .*\nloading .*samples\/s.*\nwaiting .* %/,
  );
});

test('mistakes are one line', async () => {
  const typo = write(
    'typo.yaml',
    'data: {sources: {mine: {kind: pairs, folder: pairs, wieght: 2}}}',
  );
  const noYaml = write('broken.yaml', 'data: [');
  const gone = write('gone.yaml', 'sources: {mine: {kind: pairs, folder: no-such}}');
  const cases: [string[], number, RegExp][] = [
    [[], 2, /missing --data/],
    [['--data', path.join(folder, 'none.yaml')], 1, /none\.yaml: no such file/],
    [
      ['--data', typo],
      1,
      /typo\.yaml: data\.sources\.mine has an unknown key wieght; did you mean weight\?/,
    ],
    [['--data', noYaml], 1, /broken\.yaml: cannot be read as YAML/],
    [['--data', gone], 1, /no-such: no such file/],
  ];
  for (const [args, exitCode, message] of cases) {
    const {code, stdout, stderr} = await runEmu(['bench', 'loading', ...args]);
    assert.is(code, exitCode, stderr);
    assert.is(stdout, '');
    assert.match(stderr, message);
    assert.is(stderr.trimEnd().split('\n').length, 1, stderr);
  }
});

test.run();
