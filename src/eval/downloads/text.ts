// What to get for a benchmark, and what is there, as text for the terminal.
import {alignRows, countText} from '../resultText.js';
import type {DownloadState, SplitState} from './check.js';
import type {DownloadFacts} from './facts.js';

const orUnknown = (count: number | null | undefined) =>
  count === undefined || count === null ? 'not known' : countText(count);

function splitRow(state: SplitState): string[] {
  const {split, items, officialItems, media, mediaPresent, officialMedia, problem} = state;
  if (problem !== undefined) return [split, `cannot be read: ${problem}`];
  return [
    split,
    `${countText(items)} (official: ${orUnknown(officialItems)})`,
    media === 0
      ? '-'
      : `${countText(mediaPresent)} of ${countText(media)} there (official: ${orUnknown(officialMedia)})`,
  ];
}

/** `state`: of the folder that was looked at, if one was. */
export function downloadText(
  name: string,
  {title, licence, items, media, files, archives, note}: DownloadFacts,
  state?: DownloadState,
): string {
  const fileRows = files.map(({path, from, isOptional}, i) => [
    `  ${path}`,
    state ? state.files[i]!.state : isOptional ? 'optional' : '',
    from,
  ]);
  const archiveRows = archives.map(({folder, from, count, size}, i) => [
    `  ${folder}/`,
    state ? `${countText(state.archives[i]!.files)} files there` : '',
    [
      from,
      `files: ${orUnknown(count)}`,
      `size: ${size === undefined ? 'not known' : `about ${size}`}`,
    ].join('; '),
  ]);
  const official = [
    ['  split', 'items', 'pictures or videos'],
    ...Object.keys(items).map((split) => [
      `  ${split}`,
      orUnknown(items[split]),
      orUnknown(media[split]),
    ]),
  ];
  const found = state && [
    ['  split', 'items', 'pictures or videos'],
    ...state.splits.map((each) => splitRow(each).map((cell, i) => (i === 0 ? `  ${cell}` : cell))),
  ];
  return [
    `${name}: ${title}`,
    `licence: ${licence}`,
    '',
    alignRows([...fileRows, ...archiveRows]),
    '',
    alignRows(found ?? official),
    ...(note === undefined ? [] : ['', `(${note})`]),
  ].join('\n');
}
