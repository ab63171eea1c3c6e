import {TrainCommand, trainArgs} from '../../cli/trainCommand.js';

export default class TrainPretrain extends TrainCommand {
  static override summary = 'Train a model by the paper’s objective, by a recipe.';
  static override description =
    'The run’s folder holds the recipe, metrics.jsonl and the newest checkpoints, and is itself a --model.';
  static override examples = [
    '<%= config.bin %> train pretrain recipes/emu-mini.yaml --out runs/emu-mini',
    '<%= config.bin %> train pretrain --out runs/emu-mini --resume --max-minutes 60',
    '<%= config.bin %> train pretrain recipes/emu-mini.yaml --out runs/quick --set phases.0.steps=100',
  ];

  static override args = trainArgs; // oclif reads a command's own

  async run(): Promise<void> {
    const {args, flags} = await this.parse(TrainPretrain);
    await this.trainStage('pretrain', args.recipe, flags);
  }
}
