import {Flags} from '@oclif/core';
import {DrawCommand} from '../cli/drawCommand.js';
import {drawFlags, frameFlags, pictureFlags, textFlags, textOptions} from '../cli/flags.js';
import {itemFlags, readWords} from '../cli/items.js';

export default class Incontext extends DrawCommand {
  static override summary = 'Go on after pictures and texts, shown by examples what is wanted.';
  static override description =
    'Items stand in order: an existing file or a URL is a picture or video, anything else is text; --text and --image force it. With --generate image a picture is drawn after them: of pictures alone, a blend.';
  static override usage = 'incontext ITEM...';
  static override strict = false;
  static override examples = [
    '<%= config.bin %> incontext a.png "There are two dogs." b.png "There are three pandas." c.png',
    '<%= config.bin %> incontext --image cat.jpg --text "cat.jpg shows"',
    '<%= config.bin %> incontext cat.jpg tiger.jpg --generate image -o blend.png',
  ];
  static override flags = {
    ...itemFlags,
    generate: Flags.option({
      description:
        'what comes next; auto: text until the model itself begins a picture, then that picture',
      options: ['text', 'image', 'auto'] as const,
      default: 'text' as const,
    })(),
    ...frameFlags,
    ...textFlags,
    ...drawFlags,
    ...pictureFlags,
  };

  async run(): Promise<void> {
    const {flags, raw} = await this.parse(Incontext);
    const words = readWords(raw);
    if (words.length === 0) throw this.usage('the items are missing');
    const options = textOptions(flags, 'incontext');
    const files = flags.generate === 'text' ? [] : this.outputs(flags);
    await this.withModel(
      flags,
      async (model) => {
        const prompt = await this.readPrompt(words, flags);
        if (flags.generate === 'text') return this.answer(model, prompt.items, options);
        if (flags.generate === 'image') return this.draw(model, prompt, flags, files);
        await model.info;
        model.progress.update('answering');
        const request = {items: prompt.items, options: {...options, numCaptions: 1}};
        const {text, beforePicture} = await model.host.call('generateText', request);
        if (beforePicture === undefined) return this.result({text, images: []}, text);
        if (beforePicture !== '') {
          this.note(`before the picture it says: ${beforePicture.trim()}`);
          prompt.items.push({type: 'text', text: beforePicture});
          prompt.recorded.push({text: beforePicture});
        }
        return this.draw(model, prompt, flags, files);
      },
      {draws: flags.generate !== 'text'},
    );
  }
}
