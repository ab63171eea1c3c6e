import {Flags} from '@oclif/core';
import {frameFlags, pictureFlags, textFlags, textOptions} from '../cli/flags.js';
import {onInterrupt} from '../cli/interrupt.js';
import {itemFlags, readWords} from '../cli/items.js';
import {ModelCommand} from '../cli/modelCommand.js';
import {readItem} from '../cli/pictures.js';

export default class Trace extends ModelCommand {
  static override summary = 'Write every intermediate tensor of one forward pass to a file.';
  static override description =
    'Items as of `emu incontext`. The tensors are float32, under the names of the official modules: vit.*, ln_visual, cformer.*, llm.*.';
  static override usage = 'trace ITEM... -o FILE';
  static override strict = false;
  static override examples = [
    '<%= config.bin %> trace dog.jpg -o dog.safetensors',
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
    ...itemFlags,
    prompt: textFlags.prompt,
    system: textFlags.system,
    raw: textFlags.raw,
    ...frameFlags,
    ...pictureFlags,
  };

  async run(): Promise<void> {
    const {flags, raw} = await this.parse(Trace);
    const words = readWords(raw);
    if (words.length === 0) throw this.usage('the items are missing');
    const options = textOptions(flags, 'incontext');
    await this.withModel(flags, async ({host, info, progress}) => {
      const items = [];
      for (const word of words) items.push(await readItem(word, flags));
      const {name, backend} = await info;
      progress.update('tracing');
      const {removeTemporaries} = await import('../weights/writeWhole.js');
      const release = onInterrupt(() => removeTemporaries(flags.output));
      const {file, tensors} = await host.call('trace', {
        items,
        options,
        tokens: flags.tokens,
        file: flags.output,
      });
      release();
      this.result({file, model: name, backend: backend.name, tensors}, file);
      this.note(`${Object.keys(tensors).length} tensors written to ${file}`);
    });
  }
}
