import {mkdirSync} from 'node:fs';
import path from 'node:path';
import {Args, Flags} from '@oclif/core';
import {ModelCommand} from '../../cli/modelCommand.js';
import type {Shard} from '../../eval/predictions.js';

export default class Eval extends ModelCommand {
  static override summary = 'Ask a model a benchmark’s questions and score its answers.';
  static override description =
    'Prompts, search and post-processing are the official evaluation’s. The folder --out gets predictions.jsonl as answers come, then result.json, scores.jsonl and the file for the benchmark’s server; a run that was stopped goes on with --resume. Shards are put together by `eval score`.';
  static override examples = [
    '<%= config.bin %> eval coco --data benchmarks -m Emu-instruct.pt --out runs/coco',
    '<%= config.bin %> eval vqav2 --split val --limit 500 --data benchmarks',
    '<%= config.bin %> eval okvqa --shard 1/2 --data benchmarks --out runs/okvqa-1 --resume',
  ];
  static override args = {
    benchmark: Args.string({description: 'coco, vqav2, ...', required: true}),
  };
  static override flags = {
    data: Flags.string({
      description: 'folder of the benchmarks’ files, laid out as `emu eval download` says',
      helpValue: 'DIR',
      required: true,
    }),
    split: Flags.string({description: 'default: the official evaluation’s'}),
    limit: Flags.integer({description: 'ask about the first N items', min: 1, helpValue: 'N'}),
    shard: Flags.string({description: 'every n-th item from the i-th on', helpValue: 'i/n'}),
    batch: Flags.integer({description: 'items asked about together', min: 1, default: 16}),
    out: Flags.string({description: 'folder of the run', helpValue: 'DIR'}),
    resume: Flags.boolean({description: 'go on with the run in --out'}),
  };

  async run(): Promise<void> {
    const {args, flags} = await this.parse(Eval);
    const {findBenchmark, findSplit, readItems} = await import('../../eval/openBenchmark.js');
    const benchmark = findBenchmark(args.benchmark);
    if (benchmark.media === 'none')
      throw this.usage(
        'fid: draw the prompts with `emu t2i`, then `emu eval score fid` compares features of the pictures',
      );
    const split = findSplit(benchmark, flags.split);
    const shard = flags.shard === undefined ? undefined : this.shard(flags.shard);
    if (flags.resume && flags.out === undefined)
      throw this.usage('--resume: name the run with --out');
    const {PredictionWriter, readPredictions, shardOf, writePredictions} = await import(
      '../../eval/predictions.js'
    );
    const all = readItems(benchmark, flags.data, split);
    const limited = all.slice(0, flags.limit ?? all.length);
    const items = shard ? shardOf(limited, shard) : limited;
    const out = flags.out ?? path.join('runs', `${benchmark.name}-${split}`);

    const {evaluate} = await import('../../eval/evaluate.js');
    const {scoreRun} = await import('../../eval/result.js');
    const {matchPredictions} = await import('../../eval/matchPredictions.js');
    const {PREDICTIONS, writeRun} = await import('../../eval/runFolder.js');
    const {resultText} = await import('../../eval/resultText.js');
    const file = path.join(out, PREDICTIONS);
    mkdirSync(out, {recursive: true});
    const {writer, lines} = flags.resume
      ? PredictionWriter.resume(file)
      : {writer: PredictionWriter.create(file), lines: []};
    // One that failed is asked about again.
    const done = new Set(lines.flatMap(({id, error}) => (error === undefined ? [String(id)] : [])));
    if (done.size > 0) this.note(`goes on: ${done.size} of ${items.length} items are done`);
    const left = items.length - done.size;
    await this.withModel(flags, async ({host, info, progress}) => {
      const {name, mode, backend, imageSize} = await info;
      const started = performance.now();
      let count = 0;
      const model = {
        mode,
        imageSize,
        generateTexts: (requests: never, options: never) =>
          host.call('generateTexts', {requests, options}),
        scoreCandidates: (of: never, candidates: readonly string[], options: never) =>
          host.call('scoreCandidates', {items: of, candidates, options}),
      };
      for await (const line of evaluate(benchmark, items, model, {batch: flags.batch, done})) {
        writer.write(line);
        count++;
        const rate = count / ((performance.now() - started) / 1000);
        const seconds = Math.ceil((left - count) / rate);
        progress.update(
          `item ${count} of ${left}, ${rate.toFixed(1)} a second, ${seconds} s left`,
          count / left,
        );
      }
      writer.close();
      progress.stop();
      const matched = matchPredictions(benchmark, split, items, [readPredictions(file)]);
      // In the benchmark's order, whatever order they came in: a run that went on is one in one go.
      writePredictions(file, matched.lines);
      const options = {
        model: name,
        mode,
        backend: backend.name,
        isa: backend.isa,
        compute: backend.compute,
        ...(flags.limit === undefined ? {} : {limit: flags.limit}),
        ...(flags.shard === undefined ? {} : {shard: flags.shard}),
      };
      const scored = scoreRun(benchmark, matched, {
        split,
        data: flags.data,
        total: all.length,
        options,
      });
      for (const written of writeRun(out, scored)) this.note(`wrote ${written}`);
      this.result(scored.result, resultText(scored.result));
    });
  }

  private shard(text: string): Shard {
    const match = /^(\d+)\/(\d+)$/.exec(text);
    const [index, count] = match ? [Number(match[1]) - 1, Number(match[2])] : [-1, 0];
    if (index < 0 || index >= count)
      throw this.usage(`--shard ${text}: expected i/n, i from 1 to n, as in 1/2`);
    return {index, count};
  }
}
