import {Command, Flags, type Interfaces} from '@oclif/core';
import {EmuError} from '../errors.js';
import {reportError, toEmuError, UsageError, usageMessage} from './errors.js';
import {applySettings} from './settings.js';
import {clearProgress, createProgress, type Progress} from './progress.js';

type FlagOutput = Interfaces.OutputFlags<Interfaces.FlagInput>;
type ArgOutput = Interfaces.OutputArgs<Interfaces.ArgInput>;

/** The parser copies a class's own properties only, and would miss what a command inherits. */
function withInherited<T extends object>(options: T): T {
  const {args, flags, baseFlags, enableJsonFlag} = options as Partial<typeof Command>;
  return {...options, ...(args ? {args} : {}), flags, baseFlags, enableJsonFlag};
}

/**
 * What every command shares: --json, --quiet and --help; stdout for results only; a usage error for
 * whatever the parser refuses.
 */
export abstract class EmuCommand extends Command {
  static override enableJsonFlag = true;
  static override baseFlags = {
    quiet: Flags.boolean({char: 'q', description: 'no progress and no notes on stderr'}),
    help: Flags.help({char: 'h', description: 'show this help'}),
  };

  private isQuiet = false;

  protected override async parse<F extends FlagOutput, B extends FlagOutput, A extends ArgOutput>(
    options?: Interfaces.Input<F, B, A>,
    argv?: string[],
  ): Promise<Interfaces.ParserOutput<F, B, A>> {
    try {
      // `emu doctor` and `emu config` work where the settings don't.
      if ('backend' in {...this.ctor.flags, ...this.ctor.baseFlags})
        applySettings(this.config.configDir);
      const parsed = await super.parse(options && withInherited(options), argv);
      this.isQuiet = Boolean((parsed.flags as FlagOutput).quiet);
      return parsed;
    } catch (error) {
      if (error instanceof EmuError || (error as {code?: string}).code === 'EEXIT') throw error;
      throw this.usage(usageMessage((error as Error).message), error);
    }
  }

  /** The failure of this command line, with the way to its manual. */
  protected usage(problem: string, cause?: unknown): UsageError {
    const command = this.id?.replaceAll(':', ' ');
    return new UsageError(`${problem}; see \`emu ${command} --help\``, cause);
  }

  /** cli/main.ts reports errors, whichever way they come. */
  protected override async catch(error: Error): Promise<never> {
    throw error;
  }

  /** Prints one result: `text` for people, or one line of JSON. */
  protected result(json: object, text: string): void {
    clearProgress();
    process.stdout.write(`${this.jsonEnabled() ? JSON.stringify(json) : text}\n`);
  }

  /**
   * Tells the failure of one of several input files; the command goes on with the others and ends
   * with that exit code. An error that no other file can escape is thrown on.
   */
  protected fileFailure(thrown: unknown): void {
    const error = toEmuError(thrown);
    const isOfOneFile = error.file !== undefined && ['failed', 'access'].includes(error.reason);
    if (!isOfOneFile) throw error;
    const code = reportError(error, this.jsonEnabled());
    process.exitCode ??= code;
  }

  /** A line on stderr for people: which backend, what was left out. */
  protected note(text: string): void {
    if (this.isQuiet) return;
    clearProgress();
    process.stderr.write(`emu: ${text}\n`);
  }

  protected progress(): Promise<Progress> {
    return createProgress({quiet: this.isQuiet, json: this.jsonEnabled()});
  }
}
