import {Args, Flags} from '@oclif/core';
import {EmuCommand} from '../../cli/command.js';

export default class ModelsRm extends EmuCommand {
  static override summary = 'Delete a model.';
  static override description =
    "A name of `emu models`: a folder of the data folder goes as a whole; of the hub's cache the names go, and the bytes that no other revision shares. What a stopped pull has left goes by the repository's name. The packaged model stays.";
  static override examples = [
    '<%= config.bin %> models rm BAAI/Emu',
    '<%= config.bin %> models rm BAAI/Emu/Emu-instruct.pt --yes',
  ];
  static override args = {
    name: Args.string({description: 'name of `emu models`', required: true}),
  };
  static override flags = {yes: Flags.boolean({char: 'y', description: 'do not ask'})};

  async run(): Promise<void> {
    const {args, flags} = await this.parse(ModelsRm);
    const {planRemoval} = await import('../../hub/remove.js');
    const {bytesText} = await import('../../cli/bytesText.js');
    const {confirm} = await import('../../cli/confirm.js');
    const removal = planRemoval(args.name);
    const size = bytesText(removal.bytes);
    const question = `Delete ${args.name} (${size}) from ${removal.place}?`;
    if (!flags.yes && !(await confirm(question, '--yes'))) {
      this.note('nothing was deleted');
      return;
    }
    removal.run();
    const {place, bytes} = removal;
    this.result({name: args.name, place, bytes}, `${args.name}: ${size} are free again`);
  }
}
