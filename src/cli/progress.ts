import type {SingleBar} from 'cli-progress';
import {onInterrupt} from './interrupt.js';

/** Shows how far a long step has come. */
export interface Progress {
  /** `fraction` of `stage` is done, 0 to 1. */
  update(stage: string, fraction: number): void;
  /** Takes the bar away, so that other output has the line. */
  stop(): void;
}

const silent: Progress = {update: () => {}, stop: () => {}};

class Bar implements Progress {
  private bar: SingleBar | undefined;
  private release: (() => void) | undefined;

  constructor(private readonly create: () => SingleBar) {}

  update(stage: string, fraction: number): void {
    if (!this.bar) {
      this.bar = this.create();
      this.bar.start(100, 0, {stage});
      // The hidden cursor must come back when Ctrl-C ends the program.
      this.release = onInterrupt(() => this.stop());
    }
    this.bar.update(Math.floor(100 * Math.min(1, Math.max(0, fraction))), {stage});
  }

  stop(): void {
    this.release?.();
    this.bar?.stop();
    this.bar = undefined;
  }
}

/** A progress bar on stderr; silent when stderr is no terminal, with --quiet and with --json. */
export async function createProgress(options: {quiet: boolean; json: boolean}): Promise<Progress> {
  if (options.quiet || options.json || !process.stderr.isTTY) return silent;
  const {default: cliProgress} = await import('cli-progress');
  return new Bar(
    () =>
      new cliProgress.SingleBar(
        {
          format: '{stage} {bar} {percentage} %',
          clearOnComplete: true,
          hideCursor: true,
          barsize: 24,
        },
        cliProgress.Presets.rect,
      ),
  );
}
