import {Flags, type Interfaces} from '@oclif/core';
import type {ShotsRequest} from '../eval/shots/openShots.js';
import {UsageError} from './errors.js';

const helpGroup = 'EXAMPLES';

/** Worked examples that stand before each question of a benchmark. */
export const shotFlags = {
  shots: Flags.string({
    description: 'examples in each prompt: 2, 4, 8; 2* is 2 --text-only',
    default: '0',
    helpValue: 'K',
    helpGroup,
  }),
  'text-only': Flags.boolean({
    description: 'without their pictures, the same for all items: with --shots 2 the paper’s *',
    helpGroup,
  }),
  'support-split': Flags.string({
    description: 'split that examples come from (default: the training split)',
    helpValue: 'S',
    helpGroup,
  }),
  pool: Flags.integer({
    description: 'choose among so many of its pictures, drawn by --seed (default: all)',
    min: 2,
    helpValue: 'N',
    helpGroup,
  }),
  index: Flags.string({
    description: 'index of their pictures that `emu index` made (default: one is made and kept)',
    helpValue: 'FILE',
    helpGroup,
  }),
  seed: Flags.integer({
    description: 'what --text-only and --pool draw by',
    min: 0,
    default: 0,
    helpGroup,
  }),
};

type ShotFlagValues = Omit<Interfaces.InferredFlags<typeof shotFlags>, 'json'>;

/** What the flags ask for; undefined: no examples. Throws UsageError for flags that do not fit each other. */
export function shotsRequest(
  flags: ShotFlagValues,
): Pick<ShotsRequest, 'count' | 'isTextOnly' | 'seed' | 'split' | 'pool' | 'index'> | undefined {
  const {shots: text, seed, pool, index, 'support-split': split} = flags;
  const match = /^(\d{1,3})(\*)?$/.exec(text);
  if (!match) throw new UsageError(`--shots ${text}: expected a number, as 4, or 2*`);
  const count = Number(match[1]);
  const isTextOnly = match[2] === '*' || flags['text-only'];
  if (count === 0) {
    const given = (['text-only', 'support-split', 'pool', 'index'] as const).find(
      (name) => flags[name] !== undefined && flags[name] !== false,
    );
    if (given) throw new UsageError(`--${given} is about examples: say how many with --shots`);
    return undefined;
  }
  if (isTextOnly && index !== undefined)
    throw new UsageError('--index: examples that are text only are not chosen by their pictures');
  return {
    ...{count, isTextOnly, seed},
    ...(split === undefined ? {} : {split}),
    ...(pool === undefined ? {} : {pool}),
    ...(index === undefined ? {} : {index}),
  };
}
