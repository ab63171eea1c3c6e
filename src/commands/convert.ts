import {Args, Flags} from '@oclif/core';
import {EmuCommand} from '../cli/command.js';
import {present} from '../cli/flags.js';
import {onInterrupt} from '../cli/interrupt.js';
import type {Converted} from '../weights/convertModel.js';

const MOST_NAMES = 20;

/** What was found about the bases of the two checkpoints. */
function describePair({isShared, compared, different}: NonNullable<Converted['pair']>): string {
  if (isShared)
    return `all ${compared} tensors of the base are equal: one model with both modes, instruct.safetensors has what is the instruct model's own`;
  const named = different.slice(0, MOST_NAMES).join(', ');
  const more = different.length - MOST_NAMES;
  const rest = more > 0 ? ` and ${more} more` : '';
  return `${different.length} of ${compared} tensors of the base differ, so both models are kept whole: ${named}${rest}`;
}

export default class Convert extends EmuCommand {
  static override summary = 'Write a model in another layout of files.';
  static override description =
    'emu: a folder with model.safetensors, config.json and the vocabulary, and instruct.safetensors where the model has an instruction tuning. official: pretrain/multimodal_encoder/pytorch_model.bin or Emu-instruct.pt, or both, as the official code loads them. Every tensor keeps its bytes unless --encoding asks for others; the image decoder is copied as it is. With --instruct the two released checkpoints become one model with both modes, if they share their base: that is checked tensor by tensor. If not, it says which tensors differ and keeps both.';
  static override examples = [
    '<%= config.bin %> convert Emu-instruct.pt emu-i',
    '<%= config.bin %> convert pretrain emu-14b --instruct Emu-instruct.pt',
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
    instruct: Flags.string({
      description: 'instruct checkpoint that belongs to the pretrained MODEL',
      helpValue: 'FILE',
      exclusive: ['merge-lora'],
    }),
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
    const {format, encoding, config, instruct, 'merge-lora': mergesLora} = flags;
    if (instruct !== undefined && format === 'official')
      throw this.usage("--instruct: makes emu's own form; the official one keeps two files");
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
      const options = {format, mergesLora, ...present({encoding, config, instruct})};
      const {files, pair} = await host.call('convert', {
        model: args.model,
        out: args.out,
        options,
      });
      progress.stop();
      const facts = pair && {shared: pair.isShared, compared: pair.compared};
      const different = pair ? {different: pair.different} : {};
      this.result({out: args.out, files, ...facts, ...different}, files.join('\n'));
      if (pair) this.note(describePair(pair));
    } finally {
      progress.stop();
      for (const release of releases) release();
      await host.close();
    }
  }
}
