import {Args} from '@oclif/core';
import {frameFlags, pictureFlags, textFlags, textOptions} from '../cli/flags.js';
import {ModelCommand} from '../cli/modelCommand.js';
import {readVideo} from '../cli/pictures.js';

export default class VideoQa extends ModelCommand {
  static override summary = 'Answer a question about a video.';
  static override description =
    'Looks at frames spread evenly over the video, in order. Reads what ffmpeg reads, and animated pictures.';
  static override examples = [
    '<%= config.bin %> video-qa clip.mp4 "what happens?"',
    '<%= config.bin %> video-qa clip.mp4 "what is the man holding?" --frames 16',
  ];
  static override args = {
    video: Args.string({description: 'video file', required: true}),
    question: Args.string({description: 'what to answer', required: true}),
  };
  static override flags = {...frameFlags, ...textFlags, ...pictureFlags};

  async run(): Promise<void> {
    const {args, flags} = await this.parse(VideoQa);
    if (args.question.trim() === '') throw this.usage('the question is empty');
    const options = textOptions(flags, 'video-qa');
    await this.withModel(flags, async (model) => {
      const video = await readVideo(args.video, flags);
      await this.answer(model, [video, {type: 'text', text: args.question}], options);
    });
  }
}
