import {Args, Flags} from '@oclif/core';
import {ModelCommand} from '../../cli/modelCommand.js';

export default class Index extends ModelCommand {
  static override summary =
    'Make an index of a folder’s pictures, by which similar ones are found.';
  static override description =
    'One safetensors file: a vector of each picture under the folder, the mean over the model’s vision encoder, of length 1; the files’ names stand in its metadata. `emu eval --shots K --index FILE` takes examples by it. Pictures that are in the file already and have not changed are not looked at again, and an index that was stopped goes on where it was. What cannot be read is told and left out.';
  static override examples = [
    '<%= config.bin %> index photos',
    '<%= config.bin %> index benchmarks/coco/images/train2014 -o coco.safetensors -m Emu',
  ];
  static override args = {
    dir: Args.string({description: 'folder of the pictures', required: true}),
  };
  static override flags = {
    output: Flags.string({
      char: 'o',
      description: 'file to write',
      default: 'index.safetensors',
      helpValue: 'FILE',
    }),
  };

  async run(): Promise<void> {
    const {args, flags} = await this.parse(Index);
    const {findPictures} = await import('../../eval/shots/findPictures.js');
    const {buildIndex} = await import('../../eval/shots/pictureIndex.js');
    const {readShown} = await import('../../eval/readShown.js');
    const {InputError} = await import('../../errors.js');
    const {checkWritable} = await import('../../weights/writeWhole.js');
    const {dir: folder} = args;
    const {output: file} = flags;
    const {pictures, videos, others} = findPictures(folder);
    if (videos > 0) this.note(`${videos} ${videos === 1 ? 'video is' : 'videos are'} left out`);
    if (pictures.length === 0) throw new InputError(folder, 'holds no picture');
    checkWritable(file);
    await this.withModel(flags, async ({host, info, progress}) => {
      const {name: model, imageSize} = await info;
      const visionId = await host.call('visionId', {});
      const {index, reused, unreadable} = await buildIndex({
        ...{file, folder, names: pictures},
        embedder: {model, visionId, imageSize, embed: (items) => host.call('embed', {items})},
        read: (picture) => readShown(picture, 'picture', imageSize),
        onProgress: (done, total) => progress.update(`picture ${done} of ${total}`, done / total),
        onUnreadable: (_name, problem) => this.note(`left out: ${problem}`),
      });
      progress.stop();
      const count = index.vectors.size;
      const [first] = index.vectors.values();
      const width = first!.vector.length;
      const facts = [
        `${count} ${count === 1 ? 'picture' : 'pictures'}, ${width} numbers each`,
        ...(reused > 0 ? [`${reused} as they were`] : []),
        ...(unreadable.length > 0 ? [`${unreadable.length} could not be read`] : []),
      ];
      this.result(
        {index: file, pictures: count, width, reused, unreadable, videos, others, model, visionId},
        `${file}: ${facts.join('; ')}`,
      );
    });
  }
}
