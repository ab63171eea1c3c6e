import {Args, Flags} from '@oclif/core';
import {EmuCommand} from '../../cli/command.js';

export default class EvalDownload extends EmuCommand {
  static override summary = 'Say which files a benchmark takes, and what of them is there.';
  static override description =
    'Fetches nothing: most of these files are given out under terms that a person has to accept on the benchmark’s page. Lists their names, where they come from, their licences and sizes as far as known; with --data, which of them are there, and how many items and pictures against the published numbers.';
  static override examples = [
    '<%= config.bin %> eval download coco',
    '<%= config.bin %> eval download vqav2 --data benchmarks',
  ];
  static override args = {
    benchmark: Args.string({description: 'coco, vqav2, ... fid', required: true}),
  };
  static override flags = {
    data: Flags.string({
      description: 'folder of the benchmarks’ files, to see what is there',
      helpValue: 'DIR',
    }),
  };

  async run(): Promise<void> {
    const {args, flags} = await this.parse(EvalDownload);
    const {findBenchmark} = await import('../../eval/openBenchmark.js');
    const {downloadFacts} = await import('../../eval/downloads/facts.js');
    const {checkDownload} = await import('../../eval/downloads/check.js');
    const {downloadText} = await import('../../eval/downloads/text.js');
    const benchmark = findBenchmark(args.benchmark);
    const facts = downloadFacts.get(benchmark.name)!;
    const state =
      flags.data === undefined ? undefined : checkDownload(benchmark, facts, flags.data);
    this.result(
      {benchmark: benchmark.name, ...facts, ...(state ? {data: flags.data, state} : {})},
      downloadText(benchmark.name, facts, state),
    );
  }
}
