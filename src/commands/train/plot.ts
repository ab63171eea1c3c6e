import path from 'node:path';
import {Args} from '@oclif/core';
import {EmuCommand} from '../../cli/command.js';

/** Braille and colours only where they will be seen. */
function isRich(): boolean {
  const locale = process.env.LC_ALL || process.env.LC_CTYPE || process.env.LANG || '';
  return process.stdout.isTTY && !process.env.NO_COLOR && /utf-?8/i.test(locale);
}

export default class TrainPlot extends EmuCommand {
  static override summary = 'Draw the curves of a run, here and into its curves.svg.';
  static override description =
    'One chart for each quantity of metrics.jsonl. Losses are shown as moving averages; the SVG shows every value as well.';
  static override examples = [
    '<%= config.bin %> train plot runs/emu-mini',
    '<%= config.bin %> train plot runs/emu-mini --json',
  ];
  static override args = {
    run: Args.string({description: 'folder of a run', required: true}),
  };

  async run(): Promise<void> {
    const {args} = await this.parse(TrainPlot);
    const {readMetrics} = await import('../../train/plot/readMetrics.js');
    const {makeCharts} = await import('../../train/plot/charts.js');
    const {drawSvg} = await import('../../train/plot/svg.js');
    const {drawTerminal} = await import('../../train/plot/terminal.js');
    const {writeText} = await import('../../weights/writeWhole.js');

    const metrics = readMetrics(args.run);
    for (const note of metrics.notes) this.note(note);
    const charts = makeCharts(metrics);
    const svg = path.join(args.run, 'curves.svg');
    const title = `${path.basename(path.resolve(args.run))}, ${metrics.lastStep} steps`;
    writeText(svg, drawSvg(title, charts, metrics));

    const series = Object.fromEntries(metrics.series);
    const width = process.stdout.columns ?? 80;
    const drawn = drawTerminal(charts, metrics, {width, isRich: isRich()});
    this.result({svg, phases: metrics.phases, series}, `${drawn}\n\n${svg}`);
  }
}
