import {Args, Flags} from '@oclif/core';
import {EmuCommand} from '../cli/command.js';
import {present} from '../cli/flags.js';
import {onInterrupt} from '../cli/interrupt.js';

export default class Convert extends EmuCommand {
  static override summary = 'Write a model in another layout of files.';
  static override description =
    'emu: a folder with model.safetensors, config.json and the vocabulary, and instruct.safetensors where the model has an instruction tuning. official: pretrain/multimodal_encoder/pytorch_model.bin or Emu-instruct.pt, or both, as the official code loads them. Every tensor keeps its bytes unless --encoding asks for others.';
  static override examples = [
    '<%= config.bin %> convert Emu-instruct.pt emu-i',
    '<%= config.bin %> convert runs/instruct release --format official',
    '<%= config.bin %> convert runs/instruct merged --merge-lora --encoding bf16',
  ];
  static override args = {
    model: Args.string({description: 'name, folder or file, as --model takes', required: true}),
    out: Args.string({description: 'folder to write into', required: true}),
  };
  static override flags = {
    format: Flags.option({
      description: 'layout that is written',
      options: ['emu', 'official'] as const,
      default: 'emu' as const,
    })(),
    'merge-lora': Flags.boolean({
      description: 'the instruct model alone, LoRA added to the weights that it adapts',
    }),
    encoding: Flags.option({
      description: 'numbers of all tensors (default: as they are stored)',
      options: ['f32', 'f16', 'bf16'] as const,
    })(),
    config: Flags.string({
      description: 'folder of configuration files, for a checkpoint of other sizes than Emu-14B',
      helpValue: 'DIR',
    }),
  };

  async run(): Promise<void> {
    const {args, flags} = await this.parse(Convert);
    const {format, encoding, config, 'merge-lora': mergesLora} = flags;
    if (mergesLora && format === 'official')
      throw this.usage('--merge-lora: a merged model has no official form');
    const {ModelHost} = await import('../cli/modelHost.js');
    const {outputFiles} = await import('../weights/convertModel.js');
    const {removeTemporaries} = await import('../weights/writeWhole.js');
    const progress = await this.progress();
    const host = await ModelHost.start();
    const releases = outputFiles(args.out).map((file) =>
      onInterrupt(() => removeTemporaries(file)),
    );
    progress.update('converting');
    try {
      const options = {format, mergesLora, ...present({encoding, config})};
      const {files, decoder} = await host.call('convert', {
        model: args.model,
        out: args.out,
        options,
      });
      progress.stop();
      this.result({out: args.out, files}, files.join('\n'));
      if (decoder) this.note(`the image decoder in ${decoder} was not copied`);
    } finally {
      progress.stop();
      for (const release of releases) release();
      await host.close();
    }
  }
}
