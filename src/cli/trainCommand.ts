import {Args, Flags, type Interfaces} from '@oclif/core';
import type {StageName} from '../train/run.js';
import {EmuCommand} from './command.js';
import {loadOptions, modelFlags} from './flags.js';
import {onInterrupt} from './interrupt.js';
import {ModelHost} from './modelHost.js';

const duration = (seconds: number) =>
  seconds < 90 ? `${Math.round(seconds)} s` : `${Math.round(seconds / 60)} min`;

export const trainArgs = {
  recipe: Args.string({description: 'recipe, a YAML file; with --resume the run has its own'}),
};

/** What the training commands share: they differ in the stage, and in what a recipe may say. */
export abstract class TrainCommand extends EmuCommand {
  static override flags = {
    backend: modelFlags.backend,
    threads: modelFlags.threads,
    compute: Flags.option({
      description: "what matrix products are rounded to (default: the recipe's, else f32)",
      options: ['f32', 'bf16'] as const,
      helpGroup: 'MODEL',
    })(),
    out: Flags.string({description: 'folder of the run', helpValue: 'DIR', required: true}),
    set: Flags.string({
      description: 'change a value of the recipe',
      helpValue: 'key=value',
      multiple: true,
      default: [],
    }),
    resume: Flags.boolean({
      description: 'go on from the newest checkpoint of --out, if it holds a run',
    }),
    'max-minutes': Flags.integer({
      description: 'end with a checkpoint after so many minutes',
      min: 1,
    }),
  };

  /** Trains a stage by the parsed arguments and flags. */
  protected async trainStage(
    stage: StageName,
    recipe: string | undefined,
    flags: TrainFlags,
  ): Promise<void> {
    if (recipe === undefined && !flags.resume)
      throw this.usage('name a recipe, or go on with a run: --resume --out DIR');
    const progress = await this.progress();
    const host = await ModelHost.start();
    const release = onInterrupt(() =>
      this.note(`interrupted; go on from the last checkpoint with --resume --out ${flags.out}`),
    );
    try {
      const {backend, rank} = await host.call(
        'train',
        {
          stage,
          recipeFile: recipe ?? '',
          out: flags.out,
          overrides: [...flags.set, ...(flags.compute ? [`compute=${flags.compute}`] : [])],
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
          const {phase, step, totalSteps, loss, tokensPerSecond, samplesPerSecond, secondsLeft} =
            event.progress;
          progress.update(
            `${phase} ${step}/${totalSteps}  loss ${loss.toFixed(3)}  ${samplesPerSecond.toFixed(0)} rows/s  ${tokensPerSecond.toFixed(0)} tokens/s  ${duration(secondsLeft)} left`,
            step / totalSteps,
          );
        },
      );
      progress.stop();
      if (rank === 0) this.result({run: flags.out, backend: backend.name}, flags.out);
    } finally {
      release();
      progress.stop();
      await host.close();
    }
  }
}

type TrainFlags = Interfaces.InferredFlags<typeof TrainCommand.flags>;
