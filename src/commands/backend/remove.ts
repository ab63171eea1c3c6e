import {Args, Flags} from '@oclif/core';
import {EmuCommand} from '../../cli/command.js';

export default class BackendRemove extends EmuCommand {
  static override summary = 'Delete the backend tensorflow.';
  static override description =
    'Deletes what `emu backend install` has put into the data folder; native and reference are part of emu and stay.';
  static override examples = ['<%= config.bin %> backend remove tensorflow'];
  static override args = {
    name: Args.string({description: 'tensorflow', options: ['tensorflow'], required: true}),
  };
  static override flags = {yes: Flags.boolean({char: 'y', description: 'do not ask'})};

  async run(): Promise<void> {
    const {args, flags} = await this.parse(BackendRemove);
    const {installedSize, remove} = await import('../../backends/tensorflow/remove.js');
    const {bytesText} = await import('../../cli/bytesText.js');
    const {confirm} = await import('../../cli/confirm.js');
    const {bytes, folder} = await installedSize();
    const question = `Delete ${args.name} (${bytesText(bytes)}) from ${folder}?`;
    if (!flags.yes && !(await confirm(question, '--yes'))) return this.note('nothing was deleted');
    await remove();
    this.result(
      {name: args.name, folder, bytes},
      `${args.name}: ${bytesText(bytes)} are free again`,
    );
  }
}
