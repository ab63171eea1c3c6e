import type {Picture} from '../data/picture.js';
import {onInterrupt} from './interrupt.js';
import {showPicture} from './terminalPicture.js';

const BOX = {columns: 40, rows: 20};

/** Pixels of a preview's edge that a terminal shows. */
export const PREVIEW_SIZE = 256;

/** A picture on stderr that is drawn over by the next one, with a line below it. */
export class Preview {
  private lines = 0;
  private release: (() => void) | undefined;

  constructor(private readonly out: NodeJS.WriteStream = process.stderr) {}

  async show(picture: Picture, caption: string): Promise<void> {
    const {columns = 80, rows = 24} = this.out;
    const box = {columns: Math.min(BOX.columns, columns), rows: Math.min(BOX.rows, rows - 3)};
    const {text, rows: taken} = await showPicture(picture, box);
    this.release ??= onInterrupt(() => this.end());
    const back = this.lines > 0 ? `\x1b[${this.lines}A\r` : '';
    this.out.write(`${back}\x1b[?25l${text}\x1b[2K${caption}\n`);
    this.lines = taken + 1;
  }

  /** Leaves the last picture where it stands. */
  end(): void {
    this.release?.();
    if (this.lines > 0) this.out.write('\x1b[?25h');
    this.lines = 0;
    this.release = undefined;
  }
}
