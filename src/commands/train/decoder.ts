import {TrainCommand, trainArgs} from '../../cli/trainCommand.js';

export default class TrainDecoder extends TrainCommand {
  static override summary = 'Teach the image decoder to draw what a model regresses.';
  static override description =
    'The UNet learns to take noise from latents, shown the visual embeddings of a pretrained model, which stays as it is. The run’s folder is that model with the decoder beside it: unet/, vae/ and scheduler/ as diffusers reads them.';
  static override examples = [
    '<%= config.bin %> train decoder recipes/decoder.yaml --out runs/decoder',
    '<%= config.bin %> train decoder --out runs/decoder --resume --max-minutes 60',
  ];

  static override args = trainArgs; // oclif reads a command's own

  async run(): Promise<void> {
    const {args, flags} = await this.parse(TrainDecoder);
    await this.trainStage('decoder', args.recipe, flags);
  }
}
