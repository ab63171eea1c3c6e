import {Args, Flags} from '@oclif/core';
import {EmuCommand} from '../../cli/command.js';
import {onInterrupt} from '../../cli/interrupt.js';

export default class BackendInstall extends EmuCommand {
  static override summary = 'Install the backend tensorflow.';
  static override description =
    "Fetches TensorFlow's libraries by your own pip or Maven and the package @tensorflow/tfjs-node-gpu by npm, each of one pinned version; compiles the package's binding and emu's ops with this machine's C++ compiler; tests the whole in a process of its own, and only then switches it on. Everything lies in the data folder (EMU_HOME). An installation that fails or is stopped leaves what was there as it was.";
  static override examples = [
    '<%= config.bin %> backend install tensorflow --dry-run',
    '<%= config.bin %> backend install tensorflow --gpu',
    '<%= config.bin %> backend install tensorflow --from maven',
    '<%= config.bin %> caption cat.jpg --backend tensorflow',
  ];
  static override args = {
    name: Args.string({description: 'tensorflow', options: ['tensorflow'], required: true}),
  };
  static override flags = {
    from: Flags.option({
      description: 'where the libraries come from: by pip or by Maven (default: what is here)',
      options: ['pypi', 'maven'] as const,
    })(),
    gpu: Flags.boolean({
      description: "TensorFlow built for NVIDIA's GPUs, and NVIDIA's libraries (always by pip)",
    }),
    'dry-run': Flags.boolean({description: 'say what would be done, and do nothing'}),
  };

  async run(): Promise<void> {
    const {flags} = await this.parse(BackendInstall);
    const {describePlan, planInstall} = await import('../../backends/tensorflow/plan.js');
    const plan = await planInstall({variant: flags.gpu ? 'gpu' : 'cpu', from: flags.from});
    const lines = describePlan(plan);
    if (flags['dry-run']) return this.result(plan, lines.join('\n'));
    for (const line of lines) this.note(line);
    const {install, removeUnfinished} = await import('../../backends/tensorflow/install.js');
    const progress = await this.progress();
    const abort = new AbortController();
    const release = onInterrupt(() => {
      abort.abort();
      removeUnfinished();
      this.note('stopped; the same command goes on from what is complete');
    });
    try {
      const installed = await install(plan, {
        signal: abort.signal,
        onProgress: (stage, fraction) => progress.update(stage, fraction),
      });
      progress.stop();
      const {version, device, reason} = installed;
      if (reason) this.note(`no GPU was found: ${reason}. Until then it computes on the CPU.`);
      const text = `tensorflow: TensorFlow ${version} on the ${device === 'gpu' ? 'GPU' : 'CPU'}, tested and ready for --backend tensorflow`;
      this.result({...installed, folder: plan.folder}, text);
    } finally {
      release();
      progress.stop();
    }
  }
}
