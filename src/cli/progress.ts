import type {SingleBar} from 'cli-progress';
import {onInterrupt} from './interrupt.js';

/** Shows how far a long step has come. */
export interface Progress {
  /** `fraction` of `stage` is done, 0 to 1; without one, only what is being done is shown. */
  update(stage: string, fraction?: number): void;
  /** Takes the bar away, so that other output has the line. */
  stop(): void;
}

const silent: Progress = {update: () => {}, stop: () => {}};
const WIDTH = 24;

let shown: Progress = silent;

/** Takes away the bar that is shown, if any: what is printed now must not be wiped with it. */
export function clearProgress(): void {
  shown.stop();
}

class Bar implements Progress {
  private bar: SingleBar | undefined;
  private release: (() => void) | undefined;

  constructor(private readonly create: () => SingleBar) {}

  update(stage: string, fraction?: number): void {
    const payload = {stage, isKnown: fraction !== undefined};
    const percent = Math.floor(100 * Math.min(1, Math.max(0, fraction ?? 0)));
    if (!this.bar) {
      this.bar = this.create();
      this.bar.start(100, percent, payload);
      // The hidden cursor must come back when Ctrl-C ends the program.
      this.release = onInterrupt(() => this.stop());
      shown = this;
    }
    this.bar.update(percent, payload);
  }

  stop(): void {
    this.release?.();
    this.bar?.stop();
    this.bar = undefined;
    shown = silent;
  }
}

function line(params: {progress: number}, {stage, isKnown}: {stage: string; isKnown: boolean}) {
  if (!isKnown) return `${stage} …`;
  const complete = Math.round(WIDTH * params.progress);
  const bar = '■'.repeat(complete) + '·'.repeat(WIDTH - complete);
  return `${stage} ${bar} ${Math.floor(100 * params.progress)} %`;
}

/** A progress bar on stderr; silent when stderr is no terminal, with --quiet and with --json. */
export async function createProgress(options: {quiet: boolean; json: boolean}): Promise<Progress> {
  if (options.quiet || options.json || !process.stderr.isTTY) return silent;
  const {default: cliProgress} = await import('cli-progress');
  return new Bar(
    () =>
      new cliProgress.SingleBar({
        format: (_options, params, payload) => line(params, payload),
        clearOnComplete: true,
        hideCursor: true,
      }),
  );
}
