import {Args, Flags} from '@oclif/core';
import {EmuCommand} from '../../cli/command.js';

export default class EvalCompare extends EmuCommand {
  static override summary = 'Say whether one run over a benchmark is better than another.';
  static override description =
    'Draws the items that both runs scored anew with replacement, a thousand times (paired bootstrap): the difference, its 95 % interval, and how likely such a difference is where there is none. A run’s folder has its scores; for files of predictions, name the benchmark and its data.';
  static override examples = [
    '<%= config.bin %> eval compare runs/okvqa-a runs/okvqa-b',
    '<%= config.bin %> eval compare a.jsonl b.jsonl --benchmark okvqa --data benchmarks',
  ];
  static override args = {
    a: Args.string({description: 'run folder or file of predictions', required: true}),
    b: Args.string({description: 'the same, of another model', required: true}),
  };
  static override flags = {
    benchmark: Flags.string({description: 'whose predictions the files hold'}),
    data: Flags.string({description: 'folder of the benchmarks’ files', helpValue: 'DIR'}),
    split: Flags.string({description: 'default: the official evaluation’s'}),
  };

  async run(): Promise<void> {
    const {args, flags} = await this.parse(EvalCompare);
    const {readComparedRun} = await import('../../eval/comparedRun.js');
    const {compareRuns, comparisonText} = await import('../../eval/compare.js');
    const {EmuError} = await import('../../errors.js');
    const [a, b] = [args.a, args.b].map((given) => readComparedRun(given, flags));
    const [runA, runB] = [a!, b!];
    const nameOf = ({benchmark, split}: typeof runA) => `${benchmark} ${split}`;
    if (nameOf(runA) !== nameOf(runB))
      throw new EmuError(
        `${args.b}: is a run of ${nameOf(runB)}, and ${args.a} one of ${nameOf(runA)}; compare runs of the same items`,
        {code: 'other_benchmark', file: args.b},
      );
    const {benchmark, split, headline} = runA;
    const comparison = compareRuns(runA.itemScores, runB.itemScores);
    const sides = {benchmark, split, headline, a: args.a, b: args.b};
    this.result(
      {...sides, ...comparison},
      `${nameOf(runA)}\nA  ${args.a}\nB  ${args.b}\n\n${comparisonText(comparison, headline)}`,
    );
  }
}
