import {Flags} from '@oclif/core';
import {DrawCommand} from '../cli/drawCommand.js';
import {drawFlags, frameFlags, pictureFlags, textFlags, textOptions} from '../cli/flags.js';
import {onInterrupt} from '../cli/interrupt.js';
import {itemFlags, readWords} from '../cli/items.js';

export default class Trace extends DrawCommand {
  static override summary = 'Write every intermediate tensor of one forward pass to a file.';
  static override description =
    'Items as of `emu incontext`. The tensors are float32, under the names of the official modules: vit.*, ln_visual, cformer.*, llm.*. With --generate image those of a drawing: target_image_embeds, unet.* of the last step, vae.*, latents.';
  static override usage = 'trace ITEM... -o FILE';
  static override strict = false;
  static override examples = [
    '<%= config.bin %> trace dog.jpg -o dog.safetensors',
    '<%= config.bin %> trace "a red apple" --generate image --steps 10 -o apple.safetensors',
    '<%= config.bin %> trace dog.jpg "[image]How many dogs?" --raw -o dog.safetensors',
  ];
  static override flags = {
    output: Flags.string({
      char: 'o',
      description: 'safetensors file to write; it is complete or absent',
      required: true,
      helpValue: 'FILE',
    }),
    tokens: Flags.integer({
      description: 'tokens that the model adds, greedily, before the pass over all of them',
      default: 0,
      min: 0,
    }),
    generate: Flags.option({
      description: 'what is traced: the pass over the prompt, or the drawing of a picture after it',
      options: ['text', 'image'] as const,
      default: 'text' as const,
    })(),
    ...itemFlags,
    prompt: textFlags.prompt,
    system: textFlags.system,
    raw: textFlags.raw,
    ...frameFlags,
    seed: textFlags.seed,
    steps: drawFlags.steps,
    guidance: drawFlags.guidance,
    scheduler: drawFlags.scheduler,
    size: drawFlags.size,
    latents: drawFlags.latents,
    ...pictureFlags,
  };

  async run(): Promise<void> {
    const {flags, raw} = await this.parse(Trace);
    const words = readWords(raw);
    if (words.length === 0) throw this.usage('the items are missing');
    const options = textOptions(flags, 'incontext');
    await this.withModel(
      flags,
      async ({host, info, progress}) => {
        const {items} = await this.readPrompt(words, flags);
        const {name, backend} = await info;
        progress.update('tracing');
        const {removeTemporaries} = await import('../weights/writeWhole.js');
        const release = onInterrupt(() => removeTemporaries(flags.output));
        const file = flags.output;
        const {tensors} =
          flags.generate === 'image'
            ? await host.call('traceImage', {
                items,
                options: (await this.drawOptions(flags)).options,
                file,
              })
            : await host.call('trace', {items, options, tokens: flags.tokens, file});
        release();
        this.result({file, model: name, backend: backend.name, tensors}, file);
        this.note(`${Object.keys(tensors).length} tensors written to ${file}`);
      },
      {draws: flags.generate === 'image'},
    );
  }
}
