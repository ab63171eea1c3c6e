// Training emu-mini beside PyTorch's eager mode: the same batches, model and optimizer, two threads, run by
// run in turns, each contender in a process of its own. Prints rows a second (of the median step), peak
// memory of the whole process, and emu's speed over torch's: the median over the turns. With one thread
// processor time is compared, which other programs disturb less: two threads of PyTorch lose far more of
// theirs to other programs than emu's do.
// Run: npm run bench trainPeer [phase: see, read, all] [turns] [steps a turn] [threads]
// EMU_PYTHON names a Python with torch.
import {type ChildProcessWithoutNullStreams, spawn} from 'node:child_process';
import {mkdtempSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import path from 'node:path';
import {createInterface} from 'node:readline';
import {setTimeout as sleep} from 'node:timers/promises';
import {median} from '../src/train/median.js';
import type {Settings} from './ownTrain.js';

interface PhaseSetup {
  readonly phase: string;
  readonly overrides: readonly string[];
  /** For bench/torchTrain.py. */
  readonly objective: string;
  readonly towers: string;
}

const documents = 'documents';
const phases: Readonly<Record<string, PhaseSetup>> = {
  see: {phase: 'see', overrides: [], objective: 'classify', towers: 'vision'},
  read: {phase: 'read', overrides: [], objective: documents, towers: 'causalFormer,llama'},
  // The paper's whole objective, all towers learning.
  all: {
    phase: 'read',
    overrides: ['phases.1.learningRates.vision=1e-3', 'phases.1.regressionWeight=1'],
    objective: documents,
    towers: 'vision,causalFormer,llama',
  },
};

const name = process.argv[2] ?? 'see';
const setup = phases[name];
if (!setup) throw new Error(`bench trainPeer: expected see, read or all, got ${name}`);
const turns = Number(process.argv[3] ?? 7);
const steps = Number(process.argv[4] ?? 3);
const threads = Number(process.argv[5] ?? 2);
const ROWS = 64;
const BATCHES = 4;
const PAUSE_MS = 300; // threads of OpenMP spin on for a while and would take the cores from the next

interface Answer {
  readonly seconds: readonly number[];
  readonly loss: number;
  readonly peakMemory: number;
}

/** A process that takes steps when it is told how many. */
class Contender {
  readonly medians: number[] = [];
  last: Answer | undefined;
  private readonly lines: AsyncIterator<string>;

  private constructor(
    readonly name: string,
    private readonly child: ChildProcessWithoutNullStreams,
  ) {
    this.child.stderr.pipe(process.stderr);
    this.lines = createInterface({input: child.stdout})[Symbol.asyncIterator]();
  }

  static async start(title: string, command: string, args: readonly string[]): Promise<Contender> {
    const env: NodeJS.ProcessEnv = {...process.env, OMP_NUM_THREADS: String(threads)};
    const contender = new Contender(title, spawn(command, args, {env}));
    console.log(`${title}: ${JSON.parse(await contender.line())}`);
    await contender.take(3); // warms up
    return contender;
  }

  async take(count: number): Promise<Answer> {
    this.child.stdin.write(`${count}\n`);
    this.last = JSON.parse(await this.line()) as Answer;
    return this.last;
  }

  private async line(): Promise<string> {
    const {value, done} = await this.lines.next();
    if (done) throw new Error(`bench trainPeer: ${this.name} ended early`);
    return value;
  }

  close(): void {
    this.child.stdin.end();
    this.child.kill();
  }
}

const folder = mkdtempSync(path.join(tmpdir(), 'emu-peer-'));
const own = (compute: string, folderToWrite?: string) => {
  const settings: Settings = {
    recipe: path.join(import.meta.dirname, '../recipes/emu-mini.yaml'),
    phase: setup.phase,
    overrides: [...setup.overrides, `compute=${compute}`],
    threads,
    batches: BATCHES,
    ...(folderToWrite ? {folder: folderToWrite} : {}),
  };
  const hooks = ['tsx', path.join(import.meta.dirname, '../test/support/threads.js')];
  const flags = hooks.flatMap((hook) => ['--import', hook]);
  return [...flags, path.join(import.meta.dirname, 'ownTrain.ts'), JSON.stringify(settings)];
};
const peer = (precision: string) => [
  path.join(import.meta.dirname, 'torchTrain.py'),
  ...[folder, setup.objective, setup.towers, precision, String(threads)],
];
const python = process.env.EMU_PYTHON ?? 'python3';

const contenders: Contender[] = [];
try {
  contenders.push(await Contender.start('emu f32', process.execPath, own('f32', folder)));
  contenders.push(await Contender.start('emu bf16', process.execPath, own('bf16')));
  for (const precision of ['f32', 'autocast', 'bf16'])
    contenders.push(await Contender.start(`torch ${precision}`, python, peer(precision)));
  for (let turn = 0; turn < turns; turn++)
    for (const contender of contenders) {
      await sleep(PAUSE_MS);
      contender.medians.push(median((await contender.take(steps)).seconds));
    }
  console.log(`phase ${name}, ${ROWS} rows a step, ${turns} turns of ${steps} steps`);
  console.log(
    `${''.padEnd(16)}   rows/s   step ms   memory MB   speed of emu f32 and bf16 over it`,
  );
  for (const {name: title, medians, last} of contenders) {
    const seconds = median(medians);
    const ratios = contenders
      .filter((one) => one.name.startsWith('emu'))
      .map((one) => median(medians.map((other, turn) => other / one.medians[turn]!)).toFixed(2));
    console.log(
      `${title.padEnd(16)} ${(ROWS / seconds).toFixed(1).padStart(8)} ${(seconds * 1e3).toFixed(1).padStart(9)} ${(last!.peakMemory / 1e6).toFixed(0).padStart(11)}   ${ratios.join('  ')}   loss ${last!.loss.toFixed(3)}`,
    );
  }
} finally {
  for (const contender of contenders) contender.close();
  rmSync(folder, {recursive: true, force: true});
}
