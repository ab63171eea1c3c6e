import {ModelCommand} from '../cli/modelCommand.js';
import {pictureFlags, textFlags, textOptions} from '../cli/flags.js';
import {readPicture} from '../cli/pictures.js';
import type {Item} from '../emu.js';

export default class Caption extends ModelCommand {
  static override summary = 'Say what is in a picture.';
  static override description =
    'Prints one caption a picture, in order. The model is loaded once, so name many pictures at once.';
  static override usage = 'caption PICTURE...';
  static override strict = false;
  static override examples = [
    '<%= config.bin %> caption dog.jpg',
    '<%= config.bin %> caption *.jpg --json',
    'cat dog.jpg | <%= config.bin %> caption -',
    '<%= config.bin %> caption dog.jpg --num-captions 3',
  ];
  static override flags = {...textFlags, ...pictureFlags};

  async run(): Promise<void> {
    const {argv, flags} = await this.parse(Caption);
    const pictures = argv as string[];
    if (pictures.length === 0) throw this.usage('a picture is missing');
    const options = textOptions(flags, 'caption');
    if (flags.raw && flags.prompt === undefined)
      throw this.usage('--raw: the text of the prompt is missing; give it with --prompt');
    const texts: Item[] = flags.raw ? [{type: 'text', text: flags.prompt!}] : [];
    await this.withModel(flags, async (model) => {
      for (const [i, file] of pictures.entries()) {
        try {
          const item = await readPicture(file, flags);
          const done = pictures.length > 1 ? i / pictures.length : undefined;
          await this.answer(model, [item, ...texts], options, {file}, done);
        } catch (error) {
          this.fileFailure(error);
        }
      }
    });
  }
}
