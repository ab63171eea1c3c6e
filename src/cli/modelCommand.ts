import type {Item, LoadOptions, TextOptions} from '../emu.js';
import {EmuCommand} from './command.js';
import {loadOptions, type ModelFlagValues, modelFlags} from './flags.js';
import {ModelHost} from './modelHost.js';
import type {ModelInfo} from './modelProtocol.js';
import type {Progress} from './progress.js';
import {defaultModel} from './settings.js';

/** A model that loads, or has loaded, in its own thread. */
export interface RunningModel {
  readonly host: ModelHost;
  readonly info: Promise<ModelInfo>;
  readonly progress: Progress;
}

/** Beyond the flags. Default: it does not draw. */
type LoadRequest = Pick<LoadOptions, 'mode' | 'draws'> & {
  /** Ranks of a run that may use the same cores. */
  readonly coreSharers?: number;
  /** Another rank tells how the model is loaded. */
  readonly isSilent?: boolean;
};

/** What the commands that ask a model share. */
export abstract class ModelCommand extends EmuCommand {
  static override baseFlags = {...EmuCommand.baseFlags, ...modelFlags};

  /**
   * Starts loading the model and gives it to `use`; meanwhile pictures can be read. The model's
   * thread ends with `use`.
   */
  protected async withModel(
    flags: ModelFlagValues,
    use: (model: RunningModel) => Promise<void>,
    {coreSharers = 1, draws = false, isSilent = false, ...more}: LoadRequest = {},
  ): Promise<void> {
    const name = flags.model ?? defaultModel(this.config.configDir);
    const progress = await this.progress();
    const host = await ModelHost.start();
    progress.update('loading the model');
    const options = {...loadOptions(flags), draws, ...more};
    const info = host.call('load', {model: name, options, coreSharers}).then((loaded) => {
      if (!isSilent) for (const note of loaded.notes) this.note(note);
      return loaded;
    });
    // A picture that can't be read is told first; a model's error waits until it is asked for.
    info.catch(() => {});
    try {
      await use({host, info, progress});
    } finally {
      progress.stop();
      await host.close();
    }
  }

  /**
   * Asks the model and prints its answer: as it becomes certain, or as one JSON object, to which
   * `facts` are added. `fraction` of the command's work is done.
   */
  protected async answer(
    {host, info, progress}: RunningModel,
    items: Item[],
    options: TextOptions,
    facts: {file?: string} = {},
    fraction?: number,
  ): Promise<void> {
    const {name, backend, loadSeconds, layers} = await info;
    progress.update(facts.file ?? 'answering', fraction);
    const isStreaming = !this.jsonEnabled() && (options.numCaptions ?? 1) === 1;
    let isLineOpen = false;
    const print = (delta: string) => {
      if (!isStreaming) return;
      progress.stop();
      process.stdout.write(delta);
      isLineOpen = true;
    };
    try {
      const result = await host.call('generateText', {items, options}, print);
      progress.stop();
      isLineOpen = false;
      if (isStreaming) {
        process.stdout.write('\n');
        return;
      }
      const {text, texts, tokens, prompt, timings, tokensPerSecond} = result;
      const json = {
        ...facts,
        text,
        ...(texts.length > 1 ? {texts} : {}),
        tokens,
        prompt,
        model: name,
        backend: backend.name,
        ...(layers ? {layers} : {}),
        timings: {load: loadSeconds, ...timings},
        tokensPerSecond,
      };
      this.result(json, texts.join('\n'));
    } finally {
      if (isLineOpen) process.stdout.write('\n');
    }
  }
}
