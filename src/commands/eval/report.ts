import {Args, Flags} from '@oclif/core';
import {EmuCommand} from '../../cli/command.js';

/** Pictures on a page, of all runs together. */
const MOST_PICTURES = 36;

export default class EvalReport extends EmuCommand {
  static override summary = 'Make one HTML page of runs over benchmarks.';
  static override description =
    'Scores with intervals, the paper’s numbers beside them, and the items that went worst and best, with their pictures where the benchmark’s files still are. The page needs no other file.';
  static override examples = ['<%= config.bin %> eval report runs/coco runs/okvqa -o report.html'];
  static override strict = false;
  static override args = {
    dir: Args.string({description: 'run folders', required: true}),
  };
  static override flags = {
    output: Flags.string({
      char: 'o',
      description: 'HTML file to write',
      default: 'report.html',
      helpValue: 'FILE',
    }),
  };

  async run(): Promise<void> {
    const {argv, flags} = await this.parse(EvalReport);
    const folders = argv as string[];
    const {readItemScores, readResult} = await import('../../eval/runFolder.js');
    const {readSamples} = await import('../../eval/report/samples.js');
    const {reportPage} = await import('../../eval/report/page.js');
    const {checkWritable, writeText} = await import('../../weights/writeWhole.js');
    const results = folders.map((name) => ({name, result: readResult(name)}));
    checkWritable(flags.output);
    const most = Math.max(2, Math.floor(MOST_PICTURES / folders.length));
    const runs = [];
    for (const {name, result} of results) {
      const samples = await readSamples(name, result, readItemScores(name), most);
      for (const text of samples.notes) this.note(`${name}: ${text}`);
      runs.push({name, result, samples});
    }
    writeText(flags.output, reportPage(runs));
    this.result({report: flags.output, runs: folders}, flags.output);
  }
}
