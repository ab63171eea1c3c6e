// Checkpoints written here, read by PyTorch: `npm run bench torchCheckpoint [FILE...]`, EMU_PYTHON naming a Python
// with torch. torch.load(weights_only=True) and the strict reader must agree on every name, shape, encoding and
// byte. Without files: those of small runs, from nothing and from the golden checkpoints where they are at hand.
import {spawnSync} from 'node:child_process';
import {createHash} from 'node:crypto';
import {mkdirSync, mkdtempSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import path from 'node:path';
import {stringify} from 'yaml';
import type {StageName} from '../src/train/run.js';
import {openCheckpoint} from '../src/weights/checkpoint.js';

const program = `
import hashlib, json, sys, torch
print(json.dumps(torch.__version__))
names = {torch.float32: 'f32', torch.float16: 'f16', torch.bfloat16: 'bf16'}
for file in sys.argv[1:]:
    state = torch.load(file, map_location='cpu', weights_only=True)
    state = state.get('module', state)
    found = {}
    for name, tensor in state.items():
        raw = tensor.contiguous().flatten().view(torch.uint8).numpy().tobytes()
        found[name] = [list(tensor.shape), names[tensor.dtype], hashlib.sha256(raw).hexdigest()]
    print(json.dumps(found))
`;

/** What is compared of a tensor: shape, encoding, digest of its bytes. */
type Facts = readonly [shape: readonly number[], encoding: string, digest: string];

function ownFacts(file: string): Map<string, Facts> {
  const {tensors, close} = openCheckpoint(file);
  const facts = [...tensors].map(([name, stored]): [string, Facts] => {
    const digest = createHash('sha256').update(stored.read()).digest('hex');
    return [name, [stored.shape, stored.encoding, digest]];
  });
  close();
  return new Map(facts);
}

/** Trains a few steps into `folder`; the run's official files. */
function officialFiles(folder: string): string[] {
  const goldens = path.resolve('../shared/goldens');
  const captions = path.join(folder, 'captions');
  mkdirSync(captions, {recursive: true});
  const picture = path.resolve('fixtures/cat.jpg');
  writeFileSync(
    path.join(captions, 'captions.jsonl'),
    `${JSON.stringify({file_name: picture, text: 'a cat'})}\n`,
  );
  const talk = path.join(folder, 'talk.json');
  const says = [
    {from: 'human', value: '<image>\nWhat is it?'},
    {from: 'gpt', value: 'A cat.'},
  ];
  writeFileSync(talk, JSON.stringify([{image: picture, conversations: says}]));
  const pairs = {
    kind: 'pairs',
    folder: path.dirname(picture),
    table: path.join(captions, 'captions.jsonl'),
  };
  const llava = {kind: 'llava', files: talk, images: path.dirname(picture)};
  const files: string[] = [];
  const train = (stage: StageName, name: string, file: string, recipe: object) => {
    const recipeFile = path.join(folder, `${name}.yaml`);
    writeFileSync(recipeFile, stringify({seed: 1, ...recipe}));
    const args = ['bin/emu', 'train', stage, recipeFile, '--out', path.join(folder, name), '-q'];
    const {status, stderr} = spawnSync(process.execPath, args, {encoding: 'utf8'});
    if (status !== 0) throw new Error(`emu train ${stage}: ${stderr}`);
    files.push(path.join(folder, name, 'official', file));
  };
  const pretrainFile = 'pretrain/multimodal_encoder/pytorch_model.bin';
  const learn = {name: 'learn', steps: 2, batch: 2};
  const rates = {vision: 1e-3, causalFormer: 1e-3, llama: 1e-3};
  for (const encoding of ['f32', 'f16', 'bf16'])
    train('pretrain', `nothing-${encoding}`, pretrainFile, {
      model: {
        vision: {imageSize: 28, patchSize: 14, layers: 1, width: 16, headWidth: 8},
        causalFormer: {
          ...{numTokens: 2, layers: 1, hiddenSize: 12, numHeads: 2, headDim: 4},
          intermediateSize: 16,
        },
        llama: {hiddenSize: 16, layers: 2, numHeads: 2, intermediateSize: 24},
      },
      data: {sources: {pairs}},
      phases: [{...learn, learningRates: rates}],
      save: {official: true, encoding},
    });
  const config = path.join(goldens, 'tiny-config');
  const bases = {
    pretrain: path.join(goldens, 'tiny-pretrain/multimodal_encoder/pytorch_model.bin'),
    instruct: path.join(goldens, 'tiny-instruct/Emu-instruct.pt'),
  };
  train('pretrain', 'golden', pretrainFile, {
    init: bases.pretrain,
    config,
    data: {sources: {pairs}},
    phases: [{...learn, learningRates: rates}],
    save: {official: true, encoding: 'bf16'},
  });
  for (const [mode, init] of Object.entries(bases))
    train('instruct', `tuned-${mode}`, 'Emu-instruct.pt', {
      init,
      config,
      data: {sources: {llava}},
      phases: [{...learn, learningRate: 1e-2}],
      save: {official: true, encoding: 'bf16'},
    });
  return files;
}

const folder = mkdtempSync(path.join(tmpdir(), 'emu-torch-'));
try {
  const given = process.argv.slice(2);
  const files = given.length > 0 ? given : officialFiles(folder);
  const python = process.env.EMU_PYTHON ?? 'python3';
  const options = {encoding: 'utf8', maxBuffer: 2 ** 30} as const;
  const {status, stdout, stderr} = spawnSync(python, ['-c', program, ...files], options);
  if (status !== 0) throw new Error(`${python}: ${stderr.trim().split('\n').at(-1)}`);
  const [version, ...lines] = stdout.trim().split('\n');
  console.log(`torch ${JSON.parse(version!)}, weights_only=True`);
  for (const [i, file] of files.entries()) {
    const own = ownFacts(file);
    const torch = new Map(Object.entries(JSON.parse(lines[i]!) as Record<string, Facts>));
    const names = new Set([...own.keys(), ...torch.keys()]);
    const differing = [...names].filter(
      (name) => JSON.stringify(own.get(name)) !== JSON.stringify(torch.get(name)),
    );
    const encodings = new Set([...own.values()].map(([, encoding]) => encoding));
    const result = differing.length === 0 ? 'equal' : `${differing.length} differ: ${differing[0]}`;
    const shown = path.relative(given.length > 0 ? '.' : folder, file);
    console.log(`${shown}: ${names.size} tensors, ${[...encodings].join(' and ')}, ${result}`);
    if (differing.length > 0) process.exitCode = 1;
  }
} finally {
  rmSync(folder, {recursive: true});
}
