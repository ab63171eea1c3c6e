import {writeFileSync} from 'node:fs';
import path from 'node:path';
import {suite} from 'uvu';
import * as assert from 'uvu/assert';
import {InputError} from '../../src/errors.js';
import {pretrainRecipe} from '../../src/train/recipe/pretrain.js';
import {readRecipe} from '../../src/train/recipe/read.js';
import {learningRateFactor} from '../../src/train/schedule.js';
import {temporaryFolder} from '../support/temporary.js';
import {tinyRecipe} from './tinyRecipe.js';

const test = suite('recipe');

function problem(text: string, overrides: string[] = []): string {
  const file = path.join(temporaryFolder(), 'recipe.yaml');
  writeFileSync(file, text);
  try {
    readRecipe(file, pretrainRecipe, overrides);
  } catch (error) {
    assert.instance(error, InputError);
    const {message} = error as Error;
    assert.not.match(message, /\n/);
    return message;
  }
  return 'no error';
}

test('the packaged recipe is right', () => {
  assert.is(readRecipe('recipes/emu-mini.yaml', pretrainRecipe).phases.length > 0, true);
});

test('an unknown key names the nearest one', () => {
  assert.match(
    problem(tinyRecipe.replace('logEvery', 'logEvry')),
    /unknown key logEvry; did you mean logEvery/,
  );
  assert.match(problem(tinyRecipe.replace('    batch:', '    bach:')), /phases\.0.*bach.*batch/);
});

test('a wrong value, a wrong name and no YAML are one line each', () => {
  assert.match(problem(tinyRecipe.replace('steps: 6', 'steps: many')), /phases\.0\.steps/);
  const fancy = tinyRecipe.replace('sources: {documents: 1}', 'sources: {fancy: 1}');
  assert.match(problem(fancy), /phase read reads the source fancy.*defined: drawings, documents/);
  assert.match(problem('seed: ['), /YAML/);
  const patches = tinyRecipe.replace('patchSize: 8', 'patchSize: 5');
  assert.match(problem(patches), /model\.vision: imageSize is no multiple of patchSize/);
  const missing = () => readRecipe('no-such.yaml', pretrainRecipe);
  assert.throws(missing, /^no-such\.yaml: no such file$/);
});

test('--set changes a value', () => {
  const file = path.join(temporaryFolder(), 'recipe.yaml');
  writeFileSync(file, tinyRecipe);
  const recipe = readRecipe(file, pretrainRecipe, ['phases.0.steps=9', 'optimizer.clipNorm=2.5']);
  assert.is(recipe.phases[0]!.steps, 9);
  assert.is(recipe.optimizer.clipNorm, 2.5);
  assert.throws(() => readRecipe(file, pretrainRecipe, ['nothing']), /key=value/);
  assert.throws(() => readRecipe(file, pretrainRecipe, ['phases.7.steps=1']), /no 7/);
});

test('the learning rate warms up, then falls by half a cosine', () => {
  const schedule = {warmupSteps: 4, totalSteps: 12, finalShare: 0.1};
  const factors = Array.from({length: 12}, (_, i) => learningRateFactor(i + 1, schedule));
  assert.equal(factors.slice(0, 4), [0.25, 0.5, 0.75, 1]);
  assert.ok(Math.abs(factors[7]! - 0.55) < 1e-12, 'half way');
  assert.ok(Math.abs(factors[11]! - 0.1) < 1e-12, 'at the end');
});

test.run();
