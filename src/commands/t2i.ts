import {Args} from '@oclif/core';
import {DrawCommand} from '../cli/drawCommand.js';
import {drawFlags, textFlags} from '../cli/flags.js';

export default class T2i extends DrawCommand {
  static override summary = 'Draw a picture after a text.';
  static override description =
    'Writes a PNG that says how it was made: `emu info` shows that, `emu replay` draws it again. An empty text draws, too.';
  static override args = {
    prompt: Args.string({description: 'what to draw', required: true, ignoreStdin: true}),
  };
  static override examples = [
    '<%= config.bin %> t2i "a red apple"',
    '<%= config.bin %> t2i "a red apple" -o apple.png --seed 7 --steps 20 --scheduler dpm++2m',
    '<%= config.bin %> t2i "a red apple" --init sketch.png --strength 0.6',
  ];
  static override flags = {...drawFlags, seed: textFlags.seed};

  async run(): Promise<void> {
    const {args, flags} = await this.parse(T2i);
    const files = this.outputs(flags);
    await this.withModel(
      flags,
      async (model) => {
        const prompt = await this.readPrompt([{type: 'text', value: args.prompt}], flags);
        await this.draw(model, prompt, flags, files);
      },
      {draws: true},
    );
  }
}
