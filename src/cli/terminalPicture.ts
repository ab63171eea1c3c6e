// Pictures in the terminal: by the protocol that it understands, else in half blocks of colour.
import sharp from 'sharp';
import type {Picture} from '../data/picture.js';

export const pictureProtocols = ['kitty', 'iterm2', 'sixel', 'half', 'ascii'] as const;
export type PictureProtocol = (typeof pictureProtocols)[number];

/**
 * The protocol of this terminal, by its environment: asking it would take its answer from the keyboard.
 * EMU_PICTURES names another one.
 */
export function pictureProtocol(env: NodeJS.ProcessEnv = process.env): PictureProtocol {
  const wanted = pictureProtocols.find((name) => name === env.EMU_PICTURES);
  if (wanted) return wanted;
  const {TERM = '', TERM_PROGRAM = ''} = env;
  // tmux and screen pass on characters only.
  const isMultiplexed = env.TMUX !== undefined || /^(screen|tmux)/.test(TERM);
  if (!isMultiplexed) {
    if (env.KITTY_WINDOW_ID || /kitty|ghostty/i.test(`${TERM} ${TERM_PROGRAM}`)) return 'kitty';
    if (/iTerm|WezTerm|mintty/i.test(TERM_PROGRAM)) return 'iterm2';
    if (/^(foot|mlterm|contour|yaft)/.test(TERM) || /sixel/.test(TERM)) return 'sixel';
  }
  return env.NO_COLOR ? 'ascii' : 'half';
}

/** Whether a terminal takes any colour, or the 216 of xterm. */
function hasTrueColor(env: NodeJS.ProcessEnv): boolean {
  return /truecolor|24bit/i.test(env.COLORTERM ?? '') || /direct/.test(env.TERM ?? '');
}

export interface CellBox {
  /** Most columns and rows of characters. */
  readonly columns: number;
  readonly rows: number;
}

/** A picture as the terminal is told to show it; the cursor ends on the line below. */
export interface ShownPicture {
  readonly text: string;
  /** Lines that it takes. */
  readonly rows: number;
}

/** A character is about twice as high as wide, and about so many pixels. */
const CELL_WIDTH = 10;
const CELL_HEIGHT = 20;
const KITTY_CHUNK = 4096;
const ASCII_RAMP = ' .:-=+*#%@';

/** The cells that a picture takes in a box, its proportions kept. */
export function cellsOf({width, height}: Picture, box: CellBox): CellBox {
  const scale = Math.min(box.columns / width, (2 * box.rows) / height);
  return {
    columns: Math.max(1, Math.round(width * scale)),
    rows: Math.max(1, Math.round((height * scale) / 2)),
  };
}

export async function showPicture(
  picture: Picture,
  box: CellBox,
  protocol: PictureProtocol = pictureProtocol(),
  env: NodeJS.ProcessEnv = process.env,
): Promise<ShownPicture> {
  const cells = cellsOf(picture, box);
  const {columns, rows} = cells;
  switch (protocol) {
    case 'kitty': {
      // C=1: the cursor stays, so that it is known where it is; q=2: no answers.
      const header = `a=T,f=100,q=2,C=1,c=${columns},r=${rows}`;
      const data = (await png(picture)).toString('base64');
      const parts = data.match(new RegExp(`.{1,${KITTY_CHUNK}}`, 'g')) ?? [];
      const text = parts.map((part, i) => {
        const more = i + 1 < parts.length ? 1 : 0;
        return `\x1b_G${i === 0 ? `${header},` : ''}m=${more};${part}\x1b\\`;
      });
      return {text: text.join('') + '\n'.repeat(rows), rows};
    }
    case 'iterm2': {
      const file = await png(picture);
      const options = `inline=1;size=${file.length};width=${columns};height=${rows}`;
      const text = `\x1b]1337;File=${options}:${file.toString('base64')}\x07\n`;
      return {text, rows};
    }
    case 'sixel': {
      const {image2sixel} = await import('sixel');
      const {width, height, data} = await resized(
        picture,
        columns * CELL_WIDTH,
        rows * CELL_HEIGHT,
        true,
      );
      return {text: `${image2sixel(data, width, height)}\n`, rows};
    }
    case 'half':
      return {text: halfBlocks(await resized(picture, columns, 2 * rows), hasTrueColor(env)), rows};
    case 'ascii':
      return {text: ascii(await resized(picture, columns, rows)), rows};
  }
}

function raw({width, height, data}: Picture) {
  return sharp(data, {raw: {width, height, channels: 3}});
}

function png(picture: Picture): Promise<Buffer> {
  return raw(picture).png().toBuffer();
}

async function resized(
  picture: Picture,
  width: number,
  height: number,
  withAlpha = false,
): Promise<Picture> {
  const small = raw(picture).resize(width, height, {fit: 'fill'});
  const data = await (withAlpha ? small.ensureAlpha() : small).raw().toBuffer();
  return {width, height, data};
}

/** Two pixels a character: the upper half block's own colour, and its background's. */
function halfBlocks({width, height, data}: Picture, trueColor: boolean): string {
  const colour = (layer: 38 | 48, x: number, y: number): string => {
    const at = 3 * (y * width + x);
    const [r, g, b] = [data[at]!, data[at + 1]!, data[at + 2]!];
    if (trueColor) return `${layer};2;${r};${g};${b}`;
    const [red, green, blue] = [r, g, b].map((value) => Math.round((value / 255) * 5));
    return `${layer};5;${16 + 36 * red! + 6 * green! + blue!}`;
  };
  const lines: string[] = [];
  for (let y = 0; y + 1 < height; y += 2) {
    let line = '';
    for (let x = 0; x < width; x++) line += `\x1b[${colour(38, x, y)};${colour(48, x, y + 1)}m▀`;
    lines.push(`${line}\x1b[0m\n`);
  }
  return lines.join('');
}

/** Without colour: dark to light. */
function ascii({width, height, data}: Picture): string {
  const lines: string[] = [];
  for (let y = 0; y < height; y++) {
    let line = '';
    for (let x = 0; x < width; x++) {
      const at = 3 * (y * width + x);
      const light = (0.299 * data[at]! + 0.587 * data[at + 1]! + 0.114 * data[at + 2]!) / 255;
      line += ASCII_RAMP[Math.min(ASCII_RAMP.length - 1, Math.floor(light * ASCII_RAMP.length))];
    }
    lines.push(`${line.trimEnd()}\n`);
  }
  return lines.join('');
}
