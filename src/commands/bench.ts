import {Args, Flags} from '@oclif/core';
import type {BenchOptions, BenchResult} from '../cli/bench.js';
import {UsageError} from '../cli/errors.js';
import {present} from '../cli/flags.js';
import {ModelCommand} from '../cli/modelCommand.js';
import {ModelHost} from '../cli/modelHost.js';
import type {Calls} from '../cli/modelProtocol.js';
import {defaultModel} from '../cli/settings.js';
import type {BackendName} from '../kernels/backend.js';
import type {BenchLoadingResult} from '../train/data/benchLoading.js';
import type {StageName} from '../train/run.js';

function describe(result: BenchResult): string {
  const {promptTokensPerSecond: prompt, decodeTokensPerSecond: decode} = result;
  const megabytes = (bytes: number) => `${(bytes / 1e6).toFixed(0)} MB`;
  return [
    `model    ${result.model}`,
    `backend  ${result.backend} (${result.isa}, ${result.threads} threads, ${result.compute})`,
    ...(result.layers
      ? [`layers   ${result.layers.device} on the device, ${result.layers.host} on the CPU`]
      : []),
    `load     ${result.load.toFixed(3)} s`,
    ...(prompt === undefined ? [] : [`prompt   ${prompt.toFixed(2)} tokens/s`]),
    ...(decode === undefined ? [] : [`decode   ${decode.toFixed(2)} tokens/s`]),
    `step     ${(result.stepSeconds * 1000).toFixed(2)} ms, reads ${megabytes(result.bytesRead)}`,
    ...(result.decodeSeconds === undefined
      ? []
      : [`decode   ${result.decodeSeconds.toFixed(3)} s from latents to the picture`]),
    `memory   ${megabytes(result.peakMemory)} at most`,
  ].join('\n');
}

function describeLoading(result: BenchLoadingResult): string {
  const {samplesPerSecond, picturesPerSecond, stepMs, waitShare, numBad} = result;
  const sources = result.sources.map(({name, size}) => `${name} (${size} samples)`);
  return [
    `sources  ${sources.join('\n         ')}`,
    `open     ${result.open.toFixed(3)} s, first batch ${result.firstBatch.toFixed(3)} s after that`,
    `loading  ${samplesPerSecond.toFixed(1)} samples/s, ${picturesPerSecond.toFixed(1)} pictures/s (batches of ${result.batch}, ${result.workers} threads)`,
    `waiting  ${(100 * waitShare).toFixed(1)} % of the time, where a step takes ${stepMs} ms`,
    ...(numBad > 0 ? [`bad      ${numBad} samples were skipped`] : []),
  ].join('\n');
}

type TrainingResult = Calls['benchTrain']['result'];

function describeTraining(result: TrainingResult): string {
  const {phase, batch, tokens, pictures, learningMillions, rowsPerSecond, loss} = result;
  const {stepSeconds, waitSeconds, gradientSeconds, optimizerSeconds, steps} = result;
  const ms = (seconds: number) => `${(1000 * seconds).toFixed(1)} ms`;
  return [
    `phase    ${phase}: ${batch} rows a step (${tokens} tokens, ${pictures} pictures), ${learningMillions.toFixed(2)} M parameters learn`,
    `backend  ${result.name} (${result.isa}, ${result.threads} threads, ${result.compute})`,
    `speed    ${rowsPerSecond.toFixed(1)} rows/s`,
    `step     ${ms(stepSeconds)} (median of ${steps}): waiting for data ${ms(waitSeconds)}, gradients ${ms(gradientSeconds)}, optimizer ${ms(optimizerSeconds)}`,
    `loss     ${loss.toFixed(4)}`,
    `memory   ${(result.peakMemory / 1e6).toFixed(0)} MB at most`,
  ].join('\n');
}

interface TrainingFlags {
  readonly recipe?: string | undefined;
  readonly stage: StageName;
  readonly phase?: string | undefined;
  readonly set: string[];
  readonly steps: number;
  readonly compute: 'f32' | 'bf16';
  readonly backend: 'auto' | BackendName;
  readonly threads?: number | undefined;
}

interface LoadingFlags {
  readonly data?: string | undefined;
  readonly batch: number;
  readonly 'image-size': number;
  readonly 'image-tokens': number;
  readonly context: number;
  readonly steps: number;
  readonly 'step-ms': number;
}

export default class Bench extends ModelCommand {
  static override summary =
    'Measure how fast a part of the model, training, or the loading of its data runs on this machine.';
  static override description =
    'Medians over --repeat runs, after one that warms up. --synthetic measures random weights of a size; tensors of one size share their numbers. train takes --steps steps of a phase of a recipe, on batches of its data, and keeps nothing. loading makes --steps batches of the data of a recipe, then as many for a consumer that takes --step-ms for each.';
  static override examples = [
    '<%= config.bin %> bench llm --json',
    '<%= config.bin %> bench llm --synthetic emu-14b --encoding bf16 --repeat 1',
    '<%= config.bin %> bench vision --synthetic tiny --backend reference',
    '<%= config.bin %> bench train --recipe recipes/emu-mini.yaml --phase read --compute bf16',
    '<%= config.bin %> bench loading --data recipe.yaml --batch 64 --step-ms 250',
  ];
  static override args = {
    what: Args.string({
      description:
        'llm: prompt and new tokens; vision: one picture; image: a step of drawing; train: steps of a recipe; loading: training data',
      options: ['llm', 'vision', 'image', 'train', 'loading'],
      required: true,
    }),
  };
  static override flags = {
    synthetic: Flags.option({
      description: 'random weights of this size instead of a model',
      options: ['emu-14b', 'tiny'] as const,
      exclusive: ['model', 'config'],
    })(),
    encoding: Flags.option({
      description: 'how the random weights are stored (default: f32)',
      options: ['f32', 'f16', 'bf16', 'q8_0', 'q4_0', 'q4_1'] as const,
      dependsOn: ['synthetic'],
    })(),
    'prompt-tokens': Flags.integer({description: 'length of the prompt', default: 96, min: 1}),
    'new-tokens': Flags.integer({description: 'length of the answer', default: 16, min: 1}),
    beams: Flags.integer({description: 'answers followed at once', default: 1, min: 1, max: 64}),
    repeat: Flags.integer({description: 'how often it is measured', default: 3, min: 1}),
    recipe: Flags.string({
      description: 'recipe whose steps are taken',
      helpValue: 'YAML',
      helpGroup: 'TRAINING',
    }),
    stage: Flags.option({
      description: 'stage that the recipe is of',
      options: ['pretrain', 'instruct'] as const satisfies readonly StageName[],
      default: 'pretrain' as const,
      helpGroup: 'TRAINING',
    })(),
    phase: Flags.string({
      description: "name of the recipe's phase (default: the first)",
      helpGroup: 'TRAINING',
    }),
    set: Flags.string({
      description: 'change a value of the recipe',
      helpValue: 'key=value',
      multiple: true,
      default: [],
      helpGroup: 'TRAINING',
    }),
    data: Flags.string({
      description: 'recipe, or a file with only its data part',
      helpValue: 'YAML',
      helpGroup: 'LOADING',
    }),
    batch: Flags.integer({
      description: 'rows of a batch',
      default: 16,
      min: 1,
      helpGroup: 'LOADING',
    }),
    'image-size': Flags.integer({
      description: 'side of a picture in pixels',
      default: 224,
      min: 1,
      helpGroup: 'LOADING',
    }),
    'image-tokens': Flags.integer({
      description: 'tokens a picture',
      default: 32,
      min: 1,
      helpGroup: 'LOADING',
    }),
    context: Flags.integer({
      description: 'longest row in tokens',
      default: 1024,
      min: 4,
      helpGroup: 'LOADING',
    }),
    steps: Flags.integer({
      description: 'steps or batches that are measured',
      default: 20,
      min: 1,
      helpGroup: 'TRAINING',
    }),
    'step-ms': Flags.integer({
      description: 'milliseconds that a training step takes',
      default: 100,
      min: 0,
      helpGroup: 'LOADING',
    }),
  };

  async run(): Promise<void> {
    const {args, flags} = await this.parse(Bench);
    if (args.what === 'loading') return this.loading(flags);
    if (args.what === 'train') return this.training(flags);
    const {synthetic, encoding = 'f32', backend, threads, compute} = flags;
    const model = synthetic
      ? {synthetic, encoding}
      : {
          name: flags.model ?? defaultModel(this.config.configDir),
          ...present({config: flags.config}),
        };
    const progress = await this.progress();
    const host = await ModelHost.start();
    try {
      const options = {
        what: args.what as BenchOptions['what'],
        model,
        promptTokens: flags['prompt-tokens'],
        newTokens: flags['new-tokens'],
        beams: flags.beams,
        repeat: flags.repeat,
        ...present({backend, threads, compute}),
      };
      const result = await host.call('bench', options, ({stage, fraction}) =>
        progress.update(stage, fraction),
      );
      if (result.computeReason) this.note(`computing in f32: ${result.computeReason}`);
      this.result(result, describe(result));
    } finally {
      progress.stop();
      await host.close();
    }
  }

  private async training(flags: TrainingFlags): Promise<void> {
    const {recipe, stage, phase, steps, compute, backend, threads} = flags;
    if (recipe === undefined) throw new UsageError('bench train: missing --recipe');
    const progress = await this.progress();
    progress.update('loading');
    const host = await ModelHost.start();
    try {
      const options = {
        stage,
        recipeFile: recipe,
        overrides: [...flags.set, ...(compute === 'bf16' ? ['compute=bf16'] : [])],
        steps,
        ...present({phase}),
        backend: present({backend, threads}),
      };
      const result = await host.call('benchTrain', options, (event) => {
        if ('fraction' in event) {
          progress.update('training', event.fraction);
          return;
        }
        progress.stop();
        this.note(event.note);
      });
      progress.stop();
      const {name: backendName, ...rest} = result;
      this.result({...rest, backend: backendName}, describeTraining(result));
    } finally {
      progress.stop();
      await host.close();
    }
  }

  private async loading(flags: LoadingFlags): Promise<void> {
    if (flags.data === undefined) throw new UsageError('bench loading: missing --data');
    const {benchLoading} = await import('../train/data/benchLoading.js');
    const {readData} = await import('../train/recipe/read.js');
    const {specOf} = await import('../train/data/runBatches.js');
    const data = specOf(readData(flags.data));
    const progress = await this.progress();
    progress.update('loading');
    try {
      const result = await benchLoading({
        data,
        seed: 1,
        batch: flags.batch,
        imageSize: flags['image-size'],
        numImageTokens: flags['image-tokens'],
        contextLength: flags.context,
        labels: 'text',
        tokenizer: {mode: 'instruct'},
        measuredSteps: flags.steps,
        stepMs: flags['step-ms'],
      });
      progress.stop();
      this.result(result, describeLoading(result));
    } finally {
      progress.stop();
    }
  }
}
