// `mpirun -n 2 emu train --backend tensorflow`: one process a GPU. On the CPU they share its cores.
import {writeFileSync} from 'node:fs';
import path from 'node:path';
import {suite} from 'uvu';
import * as assert from 'uvu/assert';
import {findTensorflow} from '../../../src/kernels/tensorflow/layout.js';
import {skip} from '../../support/skip.js';
import {temporaryFolder} from '../../support/temporary.js';
import {writePictures} from '../captionedPictures.js';
import {metricsOf} from '../runResults.js';
import {ranksRecipe, startEmuRanks, whyNoRanks} from './mpirun.js';

const test = suite('emu train under mpirun on tensorflow');
const folder = temporaryFolder();
const recipe = path.join(folder, 'recipe.yaml');

const train = (ranks: number, out: string, backend: string) =>
  startEmuRanks(ranks, ['train', 'pretrain', recipe, '--out', out, '--backend', backend], folder)
    .ended;

const name = '2 ranks log the losses of one, and of native';
const found = findTensorflow();
const whyNot = ('problem' in found ? found.problem : undefined) ?? whyNoRanks();
if (whyNot) skip(test, name, whyNot);
else
  test(name, async () => {
    await writePictures(path.join(folder, 'pictures'));
    writeFileSync(recipe, ranksRecipe(8));
    const runs = [
      {ranks: 1, backend: 'native', tolerance: 1e-4},
      {ranks: 1, backend: 'tensorflow', tolerance: 1e-5},
      {ranks: 2, backend: 'tensorflow', tolerance: 0},
    ];
    const out = ({ranks, backend}: {ranks: number; backend: string}) =>
      path.join(folder, `${backend}-${ranks}`);
    const ended = await Promise.all(runs.map((run) => train(run.ranks, out(run), run.backend)));
    for (const {code, stderr} of ended) assert.is(code, 0, stderr);
    const shared = metricsOf(out(runs[2]!));
    assert.is(shared.length, 8);
    for (const run of runs) {
      const alone = metricsOf(out(run));
      for (const [step, {loss, text, regression}] of shared.entries())
        for (const [what, value] of Object.entries({loss, text, regression})) {
          const other = alone[step]![what] as number;
          const off = Math.abs((value as number) - other);
          assert.ok(
            off <= run.tolerance * Math.max(1, other),
            `${what} of step ${step}: ${value} by 2 ranks, ${other} by ${run.ranks} of ${run.backend}`,
          );
        }
    }
  });

test.run();
