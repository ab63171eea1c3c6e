import {existsSync} from 'node:fs';
import {pictureFlags, textFlags, textOptions} from '../cli/flags.js';
import {ModelCommand} from '../cli/modelCommand.js';
import {readPicture} from '../cli/pictures.js';

export default class Vqa extends ModelCommand {
  static override summary = 'Answer a question about one or several pictures.';
  static override description =
    'The last word is the question. With several pictures, ask for "the first image" and so on.';
  static override usage = 'vqa PICTURE... QUESTION';
  static override strict = false;
  static override examples = [
    '<%= config.bin %> vqa dog.jpg "how many dogs are there?"',
    '<%= config.bin %> vqa before.png after.png "what changed?" --greedy',
  ];
  static override flags = {...textFlags, ...pictureFlags};

  async run(): Promise<void> {
    const {argv, flags} = await this.parse(Vqa);
    const words = argv as string[];
    if (words.length === 0) throw this.usage('a picture and a question are missing');
    const question = words.at(-1)!;
    if (words.length === 1) {
      const isPicture = question === '-' || existsSync(question);
      throw this.usage(isPicture ? 'the question is missing' : 'a picture is missing');
    }
    if (existsSync(question))
      throw this.usage(`the question is missing: ${question}, the last word, is a file`);
    if (question.trim() === '') throw this.usage('the question is empty');
    const options = textOptions(flags, 'vqa');
    await this.withModel(flags, async (model) => {
      const pictures = [];
      for (const file of words.slice(0, -1)) pictures.push(await readPicture(file, flags));
      await this.answer(model, [...pictures, {type: 'text', text: question}], options);
    });
  }
}
