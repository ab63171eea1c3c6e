import {Args, Flags} from '@oclif/core';
import {EmuCommand} from '../cli/command.js';
import {modelFlags, present} from '../cli/flags.js';

export default class Inspect extends EmuCommand {
  static override summary = 'Say what is in a model and whether it fits in memory.';
  static override description =
    'Format, metadata, tensors by module, number of parameters, modes, and what the model takes in memory on each backend: native reads weights in the mapped file, the others hold them as float32. Any checkpoint file can be looked into. Nothing is loaded.';
  static override examples = [
    '<%= config.bin %> inspect emu-mini',
    '<%= config.bin %> inspect Emu-instruct.pt --tensors',
    '<%= config.bin %> inspect BAAI/Emu --json',
  ];
  static override args = {
    model: Args.string({description: 'name, folder or file, as --model takes it', required: true}),
  };
  static override flags = {
    tensors: Flags.boolean({description: 'list every tensor'}),
    config: modelFlags.config,
  };

  async run(): Promise<void> {
    const {args, flags} = await this.parse(Inspect);
    const {inspectModel, modulesOf} = await import('../weights/inspectModel.js');
    const {inspectText} = await import('../cli/inspectText.js');
    const {config, tensors} = flags;
    const inspection = inspectModel(args.model, present({config}));
    const files = inspection.files.map((file) => ({
      ...file,
      encoding: file.encoding ?? null,
      modules: modulesOf(file),
    }));
    this.result({...inspection, files}, inspectText(inspection, tensors).join('\n'));
  }
}
