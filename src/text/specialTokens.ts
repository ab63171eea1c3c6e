// The tokens that stand for themselves in a prompt, and how a text is cut at them.
import {stripEnd, stripStart} from './whitespace.js';

/** In the order of their ids (32000 and up with transformers before 4.34; later versions differ). */
export const addedTokens = {
  pretrain: ['[PAD]', '[IMG]', '[/IMG]', '<image>'],
  instruct: ['[PAD]', '[IMG]', '[/IMG]', '<image>', '[USER]', '[ASSISTANT]'],
} as const;

/** Ids of the special tokens; `user` and `assistant` only where the vocabulary has them. */
export interface SpecialIds {
  readonly unk: number;
  readonly bos: number;
  readonly eos: number;
  readonly pad: number;
  readonly img: number;
  readonly endImg: number;
  readonly image: number;
  readonly user?: number;
  readonly assistant?: number;
}

const names: Readonly<Record<keyof SpecialIds, string>> = {
  unk: '<unk>',
  bos: '<s>',
  eos: '</s>',
  pad: '[PAD]',
  img: '[IMG]',
  endImg: '[/IMG]',
  image: '<image>',
  user: '[USER]',
  assistant: '[ASSISTANT]',
};

/** Looks every special token up; throws the error made by `missing` for one that has to be there. */
export function specialIds(
  idOf: (token: string) => number | undefined,
  missing: (token: string) => Error,
): SpecialIds {
  const optional = new Set(['user', 'assistant']);
  const ids: Partial<Record<keyof SpecialIds, number>> = {};
  for (const [key, token] of Object.entries(names) as [keyof SpecialIds, string][]) {
    const id = idOf(token);
    if (id !== undefined) ids[key] = id;
    else if (!optional.has(key)) throw missing(token);
  }
  return ids as SpecialIds;
}

/** Cuts a text at special tokens, as transformers 4.31's slow tokenizers do. */
export class SpecialTokens {
  private readonly pattern: RegExp;

  /** `ids`: special token -> id. None may be a prefix of another or hold another's first character. */
  constructor(private readonly ids: ReadonlyMap<string, number>) {
    const escaped = [...ids.keys()].map((token) => token.replace(/[[\]/\\^$.*+?()|{}]/g, '\\$&'));
    this.pattern = new RegExp(`(${escaped.join('|')})`);
  }

  /**
   * Texts and ids in order. Whitespace next to a special token belongs to nobody: it is stripped on
   * both sides, and what becomes empty is left out.
   */
  split(text: string): (string | number)[] {
    const parts = text.split(this.pattern);
    const out: (string | number)[] = [];
    // Captures alternate: even places are text, odd ones special tokens.
    for (const [i, part] of parts.entries()) {
      if (i % 2 === 1) {
        out.push(this.ids.get(part)!);
        continue;
      }
      const left = i > 0 ? stripStart(part) : part;
      const piece = i < parts.length - 1 ? stripEnd(left) : left;
      if (piece) out.push(piece);
    }
    return out;
  }
}
