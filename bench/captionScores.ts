// Scores 5,000 captions with five references each by all metrics but METEOR, next to pycocoevalcap on the same
// captions: `npm run bench captionScores [captions]`. EMU_PYTHON names a Python that has pycocoevalcap (which
// needs Java for its tokenizer). Each program's start is left out; turns are taken, and of each the best counts.
import {spawnSync} from 'node:child_process';
import {mkdtempSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import path from 'node:path';
import {scoreCaptions} from '../src/eval/metrics/caption/scoreCaptions.js';
import {Random} from '../src/random.js';

const ROUNDS = 3;
const numCaptions = Number(process.argv[2] ?? 5000);

const peer = `
import json, sys, time
from pycocoevalcap.tokenizer.ptbtokenizer import PTBTokenizer
from pycocoevalcap.bleu.bleu import Bleu
from pycocoevalcap.rouge.rouge import Rouge
from pycocoevalcap.cider.cider import Cider
references, candidates = json.load(open(sys.argv[1]))
start = time.perf_counter()
tokenizer = PTBTokenizer()
wrap = lambda texts: [{'caption': text} for text in texts]
gts = tokenizer.tokenize({k: wrap(v) for k, v in references.items()})
res = tokenizer.tokenize({k: wrap([v]) for k, v in candidates.items()})
scores = {}
for name, scorer in (('Bleu', Bleu(4)), ('ROUGE_L', Rouge()), ('CIDEr', Cider())):
    score, _ = scorer.compute_score(gts, res, **({'verbose': 0} if name == 'Bleu' else {}))
    if name == 'Bleu':
        scores.update({f'Bleu_{i + 1}': float(s) for i, s in enumerate(score)})
    else:
        scores[name] = float(score)
print(json.dumps({'seconds': time.perf_counter() - start, 'scores': scores}))
`;

const words = {
  adjective: 'small large red wooden old young sleeping wet empty crowded bright broken'.split(' '),
  noun: 'dog cat man woman train bench street kitchen table plate pizza horse field beach boat clock bear bus umbrella child'.split(
    ' ',
  ),
  verb: 'sits stands runs lies waits rests rides looks leans plays'.split(' '),
  place: 'on near under behind beside in front of'.split(' '),
};
const random = new Random(5);
const pick = (kind: keyof typeof words) => words[kind][random.below(words[kind].length)]!;
const caption = () =>
  `A ${pick('adjective')} ${pick('noun')} ${pick('verb')} ${pick('place')} the ${pick('adjective')} ${pick('noun')}${random.uniform() < 0.4 ? `, and a ${pick('noun')} ${pick('verb')} there.` : '.'}`;
const ids = Array.from({length: numCaptions}, (_, i) => String(i));
const references = new Map(ids.map((id) => [id, Array.from({length: 5}, caption)]));
const candidates = new Map(ids.map((id) => [id, caption()]));

const folder = mkdtempSync(path.join(tmpdir(), 'emu-bench-'));
process.on('exit', () => rmSync(folder, {recursive: true, force: true}));
const file = path.join(folder, 'captions.json');
writeFileSync(
  file,
  JSON.stringify([Object.fromEntries(references), Object.fromEntries(candidates)]),
);

interface Run {
  readonly seconds: number;
  readonly scores: Readonly<Record<string, number>>;
}

function ours(): Run {
  const started = performance.now();
  const {corpus} = scoreCaptions(references, candidates);
  return {seconds: (performance.now() - started) / 1000, scores: corpus};
}

function theirs(): Run {
  const python = process.env.EMU_PYTHON ?? 'python3';
  const {stdout, stderr} = spawnSync(python, ['-c', peer, file], {encoding: 'utf8'});
  const line = stdout?.trim().split('\n').at(-1);
  if (!line?.startsWith('{'))
    throw new Error(`bench captionScores: ${python} has no pycocoevalcap that runs: ${stderr}`);
  return JSON.parse(line) as Run;
}

const runs = Array.from({length: ROUNDS}, () => [ours(), theirs()] as const);
const best = (which: 0 | 1) => Math.min(...runs.map((run) => run[which].seconds));
for (const [name, score] of Object.entries(runs[0]![0].scores)) {
  const difference = Math.abs(score - runs[0]![1].scores[name]!);
  console.log(`${name.padEnd(8)} ${score.toFixed(6)}  |difference| ${difference.toExponential(1)}`);
}
console.log(
  `${numCaptions} captions: emu ${best(0).toFixed(2)} s, pycocoevalcap ${best(1).toFixed(2)} s, ${(best(1) / best(0)).toFixed(1)} times as long`,
);
