import {mkdirSync} from 'node:fs';
import path from 'node:path';
import {Args, Flags, type Interfaces} from '@oclif/core';
import {ModelCommand, type RunningModel} from '../../cli/modelCommand.js';
import {shotFlags, shotsRequest} from '../../cli/shotFlags.js';
import type {Shard} from '../../eval/predictions.js';
import type {UnknownWords} from '../../eval/unknownWords.js';
import type {Communicator} from '../../train/mpi/communicator.js';

export default class Eval extends ModelCommand {
  static override summary = 'Ask a model a benchmark’s questions and score its answers.';
  static override description =
    'Prompts, search and post-processing are the official evaluation’s. The folder --out gets predictions.jsonl as answers come, then result.json, scores.jsonl and the file for the benchmark’s server; a run that was stopped goes on with --resume. Started by mpirun, the ranks share the items and the first one puts their answers together; shards that ran elsewhere are put together by `eval score`. --shots puts worked examples before each question, of another split than is asked about: those whose pictures are most like the item’s (RICES), the likest last.';
  static override examples = [
    '<%= config.bin %> eval coco --data benchmarks -m Emu-instruct.pt --out runs/coco',
    '<%= config.bin %> eval vqav2 --split val --limit 500 --data benchmarks',
    '<%= config.bin %> eval okvqa --shard 1/2 --data benchmarks --out runs/okvqa-1 --resume',
    '<%= config.bin %> eval okvqa --shots 4 --mode pretrain --data benchmarks',
    'mpirun -n 4 <%= config.bin %> eval okvqa --data benchmarks --out runs/okvqa',
    '<%= config.bin %> eval mini --limit 2000',
  ];
  static override args = {
    benchmark: Args.string({description: 'coco, vqav2, ...', required: true}),
  };
  static override flags = {
    data: Flags.string({
      description:
        'folder of the benchmarks’ files, laid out as `emu eval download` says; mini fetches its own',
      helpValue: 'DIR',
    }),
    split: Flags.string({description: 'default: the official evaluation’s'}),
    limit: Flags.integer({description: 'ask about the first N items', min: 1, helpValue: 'N'}),
    kinds: Flags.string({
      description: 'mini, easyvqa: these kinds of question only, with commas between',
      helpValue: 'K,K',
    }),
    controls: Flags.integer({
      description:
        'mini, easyvqa: N items of a kind are asked again with wrong pictures (default 60)',
      min: 0,
      helpValue: 'N',
    }),
    shard: Flags.string({description: 'every n-th item from the i-th on', helpValue: 'i/n'}),
    batch: Flags.integer({description: 'items asked about together', min: 1, default: 16}),
    out: Flags.string({description: 'folder of the run', helpValue: 'DIR'}),
    resume: Flags.boolean({description: 'go on with the run in --out'}),
    mode: Flags.option({
      description: 'of a model that has both, which one is asked (default: instruct)',
      options: ['pretrain', 'instruct'] as const,
      helpGroup: 'MODEL',
    })(),
    ...shotFlags,
  };

  async run(): Promise<void> {
    const {args, flags} = await this.parse(Eval);
    const {withCommunicator} = await import('../../train/mpi/communicator.js');
    await withCommunicator((ranks) => this.evaluate(args.benchmark, flags, ranks));
  }

  /** One rank's share of the run; the first one puts all together. */
  private async evaluate(name: string, flags: EvalFlags, ranks: Communicator): Promise<void> {
    const isFirst = ranks.rank === 0;
    const {findBenchmark, findRoot, findSplit, readItems} = await import(
      '../../eval/openBenchmark.js'
    );
    const {chooseItems, ofKinds} = await import('../../eval/chooseItems.js');
    const benchmark = findBenchmark(name);
    if (benchmark.media === 'none')
      throw this.usage(
        'fid: draw the prompts with `emu t2i`, then `emu eval score fid` compares features of the pictures',
      );
    const split = findSplit(benchmark, flags.split);
    const shard = flags.shard === undefined ? undefined : this.shard(flags.shard);
    if (flags.resume && flags.out === undefined)
      throw this.usage('--resume: name the run with --out');
    const wanted = shotsRequest(flags);
    const {shardOf, writePredictions} = await import('../../eval/predictions.js');
    const data = findRoot(benchmark, split, flags.data);
    if (isFirst) benchmark.fetch?.(data, split, (line) => this.note(line));
    ranks.barrier(); // its packages are there
    const whole = ofKinds(readItems(benchmark, data, split), flags.kinds?.split(','));
    if (flags.controls !== undefined && !whole.some(({control}) => control))
      throw this.usage(`--controls: ${benchmark.name} has none; mini and easyvqa do`);
    const {items: chosen, total} = chooseItems(whole, flags);
    const items = shard ? shardOf(chosen, shard) : chosen;
    const own = shardOf(items, {index: ranks.rank, count: ranks.size});
    const out = flags.out ?? path.join('runs', `${benchmark.name}-${split}`);

    const {evaluate} = await import('../../eval/evaluate.js');
    const {scoreRun} = await import('../../eval/result.js');
    const {matchPredictions} = await import('../../eval/matchPredictions.js');
    const {PREDICTIONS, writeRun} = await import('../../eval/runFolder.js');
    const {resultText} = await import('../../eval/resultText.js');
    const {checkFresh, checkSettings, openWriter, readRun, removeParts, writeSettings} =
      await import('../../eval/runPredictions.js');
    const {addNearest} = await import('../../eval/addNearest.js');
    const {findUnknownWords} = await import('../../eval/unknownWords.js');
    mkdirSync(out, {recursive: true});
    if (!flags.resume) checkFresh(out);
    // One that failed is asked about again.
    const done = new Set(
      readRun(out).flatMap(({id, error}) => (error === undefined ? [String(id)] : [])),
    );
    ranks.barrier(); // all have read what is there before any writes
    if (done.size > 0 && isFirst)
      this.note(`goes on: ${done.size} of ${items.length} items are done`);
    const left = own.filter(({id}) => !done.has(String(id))).length;
    let options: Record<string, unknown> = {};
    let unknownWords: UnknownWords | undefined;
    const load = {
      ...(flags.mode === undefined ? {} : {mode: flags.mode}),
      coreSharers: ranks.coreSharers,
      isSilent: !isFirst,
    };
    const run = async ({host, info, progress}: RunningModel) => {
      const {name: modelName, mode, backend, imageSize, contextLength} = await info;
      const model = {
        ...{model: modelName, mode, imageSize, contextLength},
        visionId: wanted ? await host.call('visionId', {}) : '',
        generateTexts: (requests: never, options: never) =>
          host.call('generateTexts', {requests, options}),
        scoreCandidates: (of: never, candidates: readonly string[], options: never) =>
          host.call('scoreCandidates', {items: of, candidates, options}),
        countTokens: (requests: never, options: never) =>
          host.call('countTokens', {requests, options}),
        embed: (of: never) => host.call('embed', {items: of}),
      };
      const {openShots} = await import('../../eval/shots/openShots.js');
      const shots =
        wanted &&
        (await openShots(benchmark, model, {
          ...{...wanted, root: data, asked: split, items: chosen, isFirst},
          wait: () => ranks.barrier(),
          onNote: (note) => this.note(note),
          onProgress: (count, total) =>
            progress.update(`picture ${count} of ${total} for examples`, count / total),
        }));
      const asked = {model: modelName, mode, compute: backend.compute};
      options = {
        ...{model: modelName, mode, backend: backend.name, isa: backend.isa},
        compute: backend.compute,
        ...(flags.limit === undefined ? {} : {limit: flags.limit}),
        ...(flags.shard === undefined ? {} : {shard: flags.shard}),
        ...(flags.kinds === undefined ? {} : {kinds: flags.kinds}),
        ...(flags.controls === undefined ? {} : {controls: flags.controls}),
        ...shots?.record,
      };
      const settings = {benchmark: benchmark.name, split, ...asked, examples: shots?.text ?? null};
      checkSettings(out, settings);
      if (isFirst) writeSettings(out, settings);
      const writer = openWriter(out, ranks);
      const started = performance.now();
      let count = 0;
      for await (const line of evaluate(benchmark, own, model, {
        ...{batch: flags.batch, done},
        ...(shots ? {shots} : {}),
      })) {
        writer.write(line);
        count++;
        const rate = count / ((performance.now() - started) / 1000);
        const seconds = Math.ceil((left - count) / rate);
        if (isFirst)
          progress.update(
            `item ${count} of ${left}, ${rate.toFixed(1)} a second, ${seconds} s left`,
            count / left,
          );
      }
      writer.close();
      if (isFirst)
        unknownWords = await findUnknownWords(benchmark, items, (texts) =>
          host.call('unknownWords', {texts}),
        );
    };
    await this.withModel(flags, run, load);
    ranks.barrier(); // all ranks' files are whole
    if (!isFirst) return;
    const file = path.join(out, PREDICTIONS);
    const all = {file, lines: readRun(out), wholeBytes: 0, isTorn: false};
    const matched = matchPredictions(benchmark, split, items, [all]);
    // In the benchmark's order, whatever order they came in: a run that went on is one in one go.
    writePredictions(file, matched.lines);
    removeParts(out);
    if (benchmark.nearest) this.note('computes the baselines');
    const facts = {split, data, total, options, unknownWords};
    const scored = await addNearest(benchmark, matched, scoreRun(benchmark, matched, facts));
    for (const written of writeRun(out, scored)) this.note(`wrote ${written}`);
    this.result(scored.result, resultText(scored.result));
  }

  private shard(text: string): Shard {
    const match = /^(\d+)\/(\d+)$/.exec(text);
    const [index, count] = match ? [Number(match[1]) - 1, Number(match[2])] : [-1, 0];
    if (index < 0 || index >= count)
      throw this.usage(`--shard ${text}: expected i/n, i from 1 to n, as in 1/2`);
    return {index, count};
  }
}

type EvalFlags = Interfaces.InferredFlags<typeof Eval.flags & typeof Eval.baseFlags>;
