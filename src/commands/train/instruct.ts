import {TrainCommand, trainArgs} from '../../cli/trainCommand.js';

export default class TrainInstruct extends TrainCommand {
  static override summary = 'Teach a pretrained model to answer: LoRA on questions and answers.';
  static override description =
    'Everything but the LoRA matrices and the embeddings of [USER] and [ASSISTANT] stays as it is; the loss is on the answers only.';
  static override examples = [
    '<%= config.bin %> train instruct recipes/emu-mini-instruct.yaml --out runs/instruct',
  ];

  static override args = trainArgs; // oclif reads a command's own

  async run(): Promise<void> {
    const {args, flags} = await this.parse(TrainInstruct);
    await this.trainStage('instruct', args.recipe, flags);
  }
}
