import {Args, Flags} from '@oclif/core';
import type {BenchResult} from '../cli/bench.js';
import {present} from '../cli/flags.js';
import {ModelCommand} from '../cli/modelCommand.js';
import {ModelHost} from '../cli/modelHost.js';
import {defaultModel} from '../cli/settings.js';

function describe(result: BenchResult): string {
  const {promptTokensPerSecond: prompt, decodeTokensPerSecond: decode} = result;
  const megabytes = (bytes: number) => `${(bytes / 1e6).toFixed(0)} MB`;
  return [
    `model    ${result.model}`,
    `backend  ${result.backend} (${result.isa}, ${result.threads} threads, ${result.compute})`,
    `load     ${result.load.toFixed(3)} s`,
    ...(prompt === undefined ? [] : [`prompt   ${prompt.toFixed(2)} tokens/s`]),
    ...(decode === undefined ? [] : [`decode   ${decode.toFixed(2)} tokens/s`]),
    `step     ${(result.stepSeconds * 1000).toFixed(2)} ms, reads ${megabytes(result.bytesRead)}`,
    `memory   ${megabytes(result.peakMemory)} at most`,
  ].join('\n');
}

export default class Bench extends ModelCommand {
  static override summary = 'Measure how fast a part of the model runs on this machine.';
  static override description =
    'Medians over --repeat runs, after one that warms up. --synthetic measures random weights of a size; tensors of one size share their numbers.';
  static override examples = [
    '<%= config.bin %> bench llm --json',
    '<%= config.bin %> bench llm --synthetic emu-14b --encoding bf16 --repeat 1',
    '<%= config.bin %> bench vision --synthetic tiny --backend reference',
  ];
  static override args = {
    what: Args.string({
      description: 'llm: prompt and new tokens; vision: one picture',
      options: ['llm', 'vision'],
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
      options: ['f32', 'f16', 'bf16'] as const,
      dependsOn: ['synthetic'],
    })(),
    'prompt-tokens': Flags.integer({description: 'length of the prompt', default: 96, min: 1}),
    'new-tokens': Flags.integer({description: 'length of the answer', default: 16, min: 1}),
    beams: Flags.integer({description: 'answers followed at once', default: 1, min: 1, max: 64}),
    repeat: Flags.integer({description: 'how often it is measured', default: 3, min: 1}),
  };

  async run(): Promise<void> {
    const {args, flags} = await this.parse(Bench);
    const {synthetic, encoding = 'f32', backend, threads} = flags;
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
        what: args.what as 'llm' | 'vision',
        model,
        promptTokens: flags['prompt-tokens'],
        newTokens: flags['new-tokens'],
        beams: flags.beams,
        repeat: flags.repeat,
        ...present({backend, threads}),
      };
      const result = await host.call('bench', options, ({stage, fraction}) =>
        progress.update(stage, fraction),
      );
      this.result(result, describe(result));
    } finally {
      progress.stop();
      await host.close();
    }
  }
}
