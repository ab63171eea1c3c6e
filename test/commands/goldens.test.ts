// The commands on the goldens' models print the official texts (goldens/generation.json), and trace
// writes the goldens' tensors.
import path from 'node:path';
import {suite} from 'uvu';
import * as assert from 'uvu/assert';
import {openCheckpoint} from '../../src/weights/checkpoint.js';
import {runEmu} from '../cli/runEmu.js';
import {assertClose} from '../support/assertClose.js';
import {closeTo} from '../support/goldenModel.js';
import {goldenPath, goldens} from '../support/goldens.js';
import {skip} from '../support/skip.js';
import {temporaryFolder} from '../support/temporary.js';

const test = suite('commands/goldens');
const config = goldenPath('tiny-config');
const checkpoints = {
  instruct: goldenPath('tiny-instruct/Emu-instruct.pt'),
  pretrain: goldenPath('tiny-pretrain'),
};

interface Example {
  readonly name: string;
  readonly images: readonly string[];
  readonly prompt: string;
  readonly text: readonly string[];
}

/** Everything between the pictures of a prompt, with `undefined` in each picture's place. */
function pieces(prompt: string): (string | undefined)[] {
  const parts = prompt.split(/\[IMG\](?:<image>)+\[\/IMG\]/);
  return parts.flatMap((text, i) => (i === 0 ? [text] : [undefined, text]));
}

/** What a person would write to get the prompt of an official example. */
function commandLine({name, images, prompt}: Example): string[] {
  const files = images.map(
    (image) => goldenPath(`examples/${path.basename(image.split(' ')[0]!)}`)!,
  );
  const said = prompt.replace(/^.*\[USER\]: /s, '').replace(/ \[ASSISTANT\]:.*$/s, '');
  const question = said.split('[/IMG]').at(-1)!;
  if (name.includes('caption')) return ['caption', ...files];
  if (name.includes('video')) return ['video-qa', files[0]!, question];
  if (name.includes('vqa')) return ['vqa', ...files, question];
  const shown = [...files];
  return [
    'incontext',
    ...pieces(said)
      .map((piece) => piece ?? shown.shift()!)
      .filter((word) => word !== ''),
  ];
}

const groups: Record<string, {official_examples: Example[]}> | undefined =
  goldens('generation')?.json?.groups;

for (const mode of ['instruct', 'pretrain'] as const) {
  for (const example of groups?.[mode]?.official_examples ?? []) {
    const args = commandLine(example);
    const isHere = args.every((arg) => typeof arg === 'string') && checkpoints[mode] && config;
    const name = `${mode}: ${example.name}`;
    if (!isHere) {
      skip(test, name, 'needs the models and pictures of ../shared/goldens');
      continue;
    }
    test(name, async () => {
      const flags = ['--model', checkpoints[mode]!, '--config', config];
      const {code, stdout, stderr} = await runEmu([...args, ...flags, '--json']);
      assert.is(code, 0, stderr);
      const result = JSON.parse(stdout);
      assert.is(result.prompt, example.prompt);
      assert.is(result.text, example.text[0]!.trim());
    });
  }
}

/** One file's tensors, by name. */
function stored(file: string): Map<string, {shape: readonly number[]; values: Float32Array}> {
  const {tensors, close} = openCheckpoint(file);
  const all = [...tensors].map(([name, tensor]) => {
    const bytes = Uint8Array.from(tensor.read());
    return [name, {shape: tensor.shape, values: new Float32Array(bytes.buffer)}] as const;
  });
  close();
  return new Map(all);
}

async function trace(mode: keyof typeof checkpoints, images: readonly string[], prompt: string) {
  const out = path.join(temporaryFolder(), 'trace.safetensors');
  const files = images.map((image) => goldenPath(image)!);
  const flags = ['--raw', '-o', out, '--model', checkpoints[mode]!, '--config', config!];
  const {code, stderr} = await runEmu(['trace', ...files, '--text', prompt, ...flags, '-q']);
  assert.is(code, 0, stderr);
  return stored(out);
}

const tolerance = {atol: 2e-4, rtol: 1e-4};
const isHere = config && checkpoints.instruct && checkpoints.pretrain && goldenPath('examples');

for (const mode of ['instruct', 'pretrain'] as const) {
  const golden = goldens(`llm_${mode}`);
  for (const group of ['text', 'interleaved']) {
    const name = `trace of ${group} is the official one, ${mode}`;
    if (!isHere || !golden?.json) {
      skip(test, name, 'needs the models and pictures of ../shared/goldens');
      continue;
    }
    test(name, async () => {
      const {images, prompt} = golden.json[group];
      const actual = await trace(mode, images, prompt);
      const parts = /^(inputs_embeds|layers\.\d+(\.self_attn)?|final_norm|regress_head)$/;
      const names = golden.names().filter((full) => full.startsWith(`${group}.`));
      const whole = names.map((full) => full.slice(group.length + 1)).filter((n) => parts.test(n));
      assert.ok(whole.length >= 4, 'the golden group has tensors');
      for (const part of whole) {
        const expected = golden.get(`${group}.${part}`);
        const {shape, values} = actual.get(`llm.${part}`) ?? assert.unreachable(part)!;
        const given = {shape, data: values};
        assertClose(given, expected as {shape: number[]; data: Float32Array}, tolerance, part);
      }
      const isWhole = golden.has(`${group}.logits`);
      const scores = golden.get(`${group}.logits${isWhole ? '' : '_last'}`).data as Float32Array;
      const logits = actual.get('llm.logits')!.values.slice(-scores.length);
      closeTo(logits, scores, {...tolerance, name: 'logits'});
    });
  }
}

const vision = goldens('vision');
if (isHere && vision?.json) {
  test('trace of two pictures is the batch of the official vision tower', async () => {
    const prompt = '[image][image]';
    const actual = await trace('pretrain', vision.json.images, prompt);
    // The official sum of bias and mask is not made here: causality is an option of the attention.
    const names = vision
      .names()
      .filter((name) => /^(vit|ln_visual|cformer)\b(?!.*mask)/.test(name));
    assert.equal(
      names.filter((name) => !actual.has(name)),
      [],
    );
    assert.ok(names.includes('cformer.output'), 'the golden group has tensors');
    for (const name of names) {
      const {shape, values} = actual.get(name)!;
      const expected = vision.get(name) as {shape: number[]; data: Float32Array};
      assertClose({shape, data: values}, expected, tolerance, name);
    }
  });
} else {
  skip(test, 'trace of two pictures', 'needs the models and pictures of ../shared/goldens');
}

test.run();
