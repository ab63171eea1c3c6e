import {Args, Flags} from '@oclif/core';
import {EmuCommand} from '../cli/command.js';
import {onInterrupt} from '../cli/interrupt.js';

export default class Pull extends EmuCommand {
  static override summary = 'Fetch a model from the hub.';
  static override description =
    "Says licence and size, then fetches into the cache that Hugging Face's tools share (HF_HOME). Of BAAI/Emu it takes pretrain/, which draws and goes on with interleaved prompts; with --instruct Emu-instruct.pt, which answers. A pull that was stopped goes on where it was. Each file is checked against its hash and gets its name when it is whole. HF_TOKEN, HF_ENDPOINT and HF_HUB_OFFLINE mean what they mean to those tools.";
  static override examples = [
    '<%= config.bin %> pull BAAI/Emu --dry-run',
    '<%= config.bin %> pull BAAI/Emu --instruct',
    '<%= config.bin %> caption cat.jpg --model "$(<%= config.bin %> pull BAAI/Emu --instruct -q)"',
  ];
  static override args = {
    repo: Args.string({description: 'the model on the hub, OWNER/NAME', required: true}),
  };
  static override flags = {
    instruct: Flags.boolean({description: 'the instruction-tuned model, where there are two'}),
    revision: Flags.string({
      description: 'branch, tag or commit',
      default: 'main',
      helpValue: 'NAME',
    }),
    'dry-run': Flags.boolean({description: 'list what would be fetched, and fetch nothing'}),
    connections: Flags.integer({
      description: 'parts of a file that are fetched at once',
      default: 4,
      min: 1,
      max: 16,
    }),
  };

  async run(): Promise<void> {
    const {args, flags} = await this.parse(Pull);
    const {hubSettings} = await import('../hub/settings.js');
    const {checkNames} = await import('../hub/client.js');
    checkNames(args.repo, flags.revision);
    const settings = hubSettings();
    const request = {repo: args.repo, revision: flags.revision, isInstruct: flags.instruct};
    if (settings.isOffline) {
      const {pulledBefore} = await import('../hub/offline.js');
      const model = await pulledBefore(settings, request);
      this.note('HF_HUB_OFFLINE is set: this is what was pulled before, nothing was asked');
      this.result({...model, fetched: 0}, model.path);
      return;
    }
    const {describePlan, planJson, preparePull, pullModel, showPull} = await import(
      '../cli/pull.js'
    );
    const progress = await this.progress();
    const abort = new AbortController();
    const ask = {
      signal: abort.signal,
      onRetry: (problem: string, waitMs: number) =>
        progress.update(`${problem}; again in ${(waitMs / 1000).toFixed(1)} s`),
    };
    progress.update(`asking about ${args.repo}`);
    try {
      const prepared = await preparePull(settings, request, ask);
      progress.stop();
      if (flags['dry-run']) {
        this.result(planJson(prepared), describePlan(prepared).join('\n'));
        return;
      }
      for (const line of describePlan(prepared)) this.note(line);
      const release = onInterrupt(() => this.note('stopped; the same command goes on from here'));
      const {path, fetched} = await pullModel(settings, prepared.model, prepared.plan, {
        ...ask,
        connections: flags.connections,
        onProgress: showPull(progress, prepared)!,
        onNote: (note) => this.note(note),
      }).finally(release);
      progress.stop();
      this.result({...planJson(prepared), path, fetched}, path);
    } finally {
      progress.stop();
    }
  }
}
