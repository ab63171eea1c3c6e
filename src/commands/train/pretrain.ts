import {Args, Flags} from '@oclif/core';
import {EmuCommand} from '../../cli/command.js';
import {loadOptions, modelFlags} from '../../cli/flags.js';
import {ModelHost} from '../../cli/modelHost.js';

const duration = (seconds: number) =>
  seconds < 90 ? `${Math.round(seconds)} s` : `${Math.round(seconds / 60)} min`;

export default class TrainPretrain extends EmuCommand {
  static override summary = 'Train a model by the paper’s objective, by a recipe.';
  static override description =
    'The run’s folder holds the recipe, metrics.jsonl and the newest checkpoint, and is itself a --model.';
  static override examples = [
    '<%= config.bin %> train pretrain recipes/emu-mini.yaml --out runs/emu-mini',
    '<%= config.bin %> train pretrain recipes/emu-mini.yaml --out runs/emu-mini --resume --max-minutes 60',
    '<%= config.bin %> train pretrain recipes/emu-mini.yaml --out runs/quick --set phases.0.steps=100',
  ];
  static override args = {
    recipe: Args.string({description: 'recipe, a YAML file', required: true}),
  };
  static override flags = {
    backend: modelFlags.backend,
    threads: modelFlags.threads,
    out: Flags.string({
      description: 'folder of the run',
      helpValue: 'DIR',
      default: 'runs/pretrain',
    }),
    set: Flags.string({
      description: 'change a value of the recipe',
      helpValue: 'key=value',
      multiple: true,
      default: [],
    }),
    resume: Flags.boolean({description: 'go on from the newest checkpoint of --out'}),
    'max-minutes': Flags.integer({
      description: 'end with a checkpoint after so many minutes',
      min: 1,
    }),
  };

  async run(): Promise<void> {
    const {args, flags} = await this.parse(TrainPretrain);
    const progress = await this.progress();
    const host = await ModelHost.start();
    try {
      const {backend} = await host.call(
        'pretrain',
        {
          recipeFile: args.recipe,
          out: flags.out,
          overrides: flags.set,
          resume: flags.resume,
          ...(flags['max-minutes'] === undefined ? {} : {maxMinutes: flags['max-minutes']}),
          backend: loadOptions(flags),
        },
        (event) => {
          if ('note' in event) {
            progress.stop();
            this.note(event.note);
            return;
          }
          const {phase, step, totalSteps, loss, samplesPerSecond, secondsLeft} = event.progress;
          progress.update(
            `${phase} ${step}/${totalSteps}  loss ${loss.toFixed(3)}  ${samplesPerSecond.toFixed(0)} samples/s  ${duration(secondsLeft)} left`,
            step / totalSteps,
          );
        },
      );
      progress.stop();
      this.result({run: flags.out, backend: backend.name}, flags.out);
    } finally {
      progress.stop();
      await host.close();
    }
  }
}
