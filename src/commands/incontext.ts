import {frameFlags, pictureFlags, textFlags, textOptions} from '../cli/flags.js';
import {itemFlags, readWords} from '../cli/items.js';
import {ModelCommand} from '../cli/modelCommand.js';
import {readItem} from '../cli/pictures.js';

export default class Incontext extends ModelCommand {
  static override summary = 'Go on after pictures and texts, shown by examples what is wanted.';
  static override description =
    'Items stand in order: an existing file or a URL is a picture or video, anything else is text; --text and --image force it.';
  static override usage = 'incontext ITEM...';
  static override strict = false;
  static override examples = [
    '<%= config.bin %> incontext a.png "There are two dogs." b.png "There are three pandas." c.png',
    '<%= config.bin %> incontext --image cat.jpg --text "cat.jpg shows"',
  ];
  static override flags = {...itemFlags, ...frameFlags, ...textFlags, ...pictureFlags};

  async run(): Promise<void> {
    const {flags, raw} = await this.parse(Incontext);
    const words = readWords(raw);
    if (words.length === 0) throw this.usage('the items are missing');
    const options = textOptions(flags, 'incontext');
    await this.withModel(flags, async (model) => {
      const items = [];
      for (const word of words) items.push(await readItem(word, flags));
      await this.answer(model, items, options);
    });
  }
}
