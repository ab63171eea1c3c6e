import {Args, Flags} from '@oclif/core';
import {EmuCommand} from '../../cli/command.js';
import type {Benchmark} from '../../eval/benchmark.js';

export default class EvalScore extends EmuCommand {
  static override summary = 'Score predictions of a benchmark; no model is run.';
  static override description =
    'Takes predictions.jsonl, a run’s folder, or the official code’s list of {instance_id, prediction}; shards of one run are given one after another. With --out, writes predictions.jsonl in the benchmark’s order, result.json, scores.jsonl and the file that the benchmark’s server takes. FID is computed from features that another program made of the pictures: numbers of 32 bits, row after row, in FILE.f32, beside it FILE.json with {"shape": [pictures, features]}. MM-Vet is scored from the grades that its official grader, GPT-4, gave to mmvet_answer.json: --grades.';
  static override examples = [
    '<%= config.bin %> eval score coco --predictions runs/coco --data benchmarks',
    '<%= config.bin %> eval score vqav2 --split val --predictions shard-0 --predictions shard-1 --data benchmarks --out merged',
    '<%= config.bin %> eval score mmvet --predictions runs/mmvet --grades mmvet_answer_gpt-4-0613-grade-5runs.json --data benchmarks',
    '<%= config.bin %> eval score fid --features drawn.f32 --reference coco.f32',
  ];
  static override args = {
    benchmark: Args.string({description: 'coco, vqav2, ... fid', required: true}),
  };
  static override flags = {
    predictions: Flags.string({
      description: 'file or run folder; several are shards of one run',
      helpValue: 'FILE|DIR',
      multiple: true,
      multipleNonGreedy: true,
    }),
    data: Flags.string({
      description: 'folder of the benchmarks’ files, laid out as `emu eval download` says',
      helpValue: 'DIR',
    }),
    split: Flags.string({description: 'default: the official evaluation’s'}),
    out: Flags.string({description: 'folder to write the result into', helpValue: 'DIR'}),
    grades: Flags.string({description: 'mmvet: the grader’s JSON file', helpValue: 'FILE'}),
    features: Flags.string({
      description: 'fid: features of the drawn pictures',
      helpValue: 'FILE',
      dependsOn: ['reference'],
    }),
    reference: Flags.string({
      description: 'fid: features of the photographs',
      helpValue: 'FILE',
      dependsOn: ['features'],
    }),
  };

  async run(): Promise<void> {
    const {args, flags} = await this.parse(EvalScore);
    const {findBenchmark} = await import('../../eval/openBenchmark.js');
    const benchmark = findBenchmark(args.benchmark);
    const {predictions, data, split, out, features, reference, grades} = flags;
    if (grades !== undefined && benchmark.name !== 'mmvet')
      throw this.usage('--grades: only mmvet is scored from grades');
    if (benchmark.name === 'fid') {
      if (features === undefined || reference === undefined)
        throw this.usage('fid is scored from features: --features FILE --reference FILE');
      await this.scoreFid(features, reference, out);
      return;
    }
    if (features !== undefined) throw this.usage('--features: only fid is scored from features');
    if (predictions === undefined) throw this.usage('missing: --predictions');

    const path = await import('node:path');
    const {mkdirSync} = await import('node:fs');
    const {scorePredictions} = await import('../../eval/scorePredictions.js');
    const {PREDICTIONS, writeRun} = await import('../../eval/runFolder.js');
    const {writePredictions} = await import('../../eval/predictions.js');
    const {resultText} = await import('../../eval/resultText.js');
    const {addNearest} = await import('../../eval/addNearest.js');
    const {gradedMmvet} = await import('../../eval/benchmarks/mmvet.js');
    const graded = grades === undefined ? benchmark : (gradedMmvet(grades) as unknown as Benchmark);
    const own = scorePredictions(graded, predictions, data, split);
    const scored = {...own, ...(await addNearest(graded, own.matched, own))};
    for (const {file, isTorn} of scored.files)
      if (isTorn) this.note(`${file}: its last line was cut off and is left out`);
    if (out !== undefined) {
      mkdirSync(out, {recursive: true});
      writePredictions(path.join(out, PREDICTIONS), scored.matched.lines);
      for (const file of writeRun(out, scored)) this.note(`wrote ${file}`);
      if (benchmark.name === 'mmvet' && grades === undefined)
        this.note('its grader’s file is read back with --grades');
    } else if (scored.result.unscored !== undefined && scored.result.items.predicted > 0)
      this.note('name a folder with --out to get that file');
    this.result(scored.result, resultText(scored.result));
  }

  private async scoreFid(features: string, reference: string, out?: string): Promise<void> {
    const {scoreFeatures} = await import('../../eval/fidScore.js');
    const {resultText} = await import('../../eval/resultText.js');
    const result = scoreFeatures(features, reference);
    if (out !== undefined) {
      const {writeRun} = await import('../../eval/runFolder.js');
      for (const file of writeRun(out, {result, itemScores: []})) this.note(`wrote ${file}`);
    }
    this.result(result, resultText(result));
  }
}
