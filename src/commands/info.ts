import {Args} from '@oclif/core';
import {EmuCommand} from '../cli/command.js';

export default class Info extends EmuCommand {
  static override summary = 'Say how a drawing was made.';
  static override description =
    'Reads what emu writes into its PNG files; of other programs, the `parameters` text that many write.';
  static override args = {
    file: Args.string({description: 'PNG file', required: true, ignoreStdin: true}),
  };
  static override examples = ['<%= config.bin %> info out.png'];

  async run(): Promise<void> {
    const {args} = await this.parse(Info);
    const {promptText, readDrawing} = await import('../cli/drawingRecord.js');
    const {record, parameters} = readDrawing(args.file);
    if (!record) {
      this.result({file: args.file, parameters}, parameters!);
      return;
    }
    const {items, width, height, init, latents, exif: _, ...facts} = record;
    const rows: [string, string][] = [
      ['prompt', promptText(items)],
      ...Object.entries({...facts, size: `${width}x${height}`}).map(
        ([key, value]): [string, string] => [key, String(value)],
      ),
      ...(init ? [['init', `${init.source}, strength ${init.strength}`] as [string, string]] : []),
      ...(latents ? [['latents', latents.source] as [string, string]] : []),
    ];
    const column = Math.max(...rows.map(([key]) => key.length));
    const text = rows.map(([key, value]) => `${key.padEnd(column)}  ${value}`).join('\n');
    this.result({file: args.file, ...record, parameters}, text);
  }
}
