import {useEffect, useRef, useState} from 'react';
import type {Picture} from '../../data/picture.js';
import {type PictureProtocol, showPicture} from '../../cli/terminalPicture.js';
import type {ScreenSize} from '../screenPlan.js';
import type {Entry} from '../state.js';

/** An entry with its pictures as the terminal shows them. */
export interface ShownEntry {
  readonly entry: Entry;
  readonly pictures: readonly string[];
}

const DRAWING = {columns: 48, rows: 24};
const ATTACHED = {columns: 20, rows: 8};
/** Rows of the screen that no picture takes. */
const OTHER_ROWS = 8;

function picturesOf(entry: Entry): readonly Picture[] {
  if (entry.type === 'question') return entry.pictures;
  return entry.type === 'drawing' && !entry.isFlagged ? [entry.picture] : [];
}

/**
 * The entries, each once its pictures are ready. With a protocol whose pictures are written past Ink
 * one entry with pictures is given at a time: the next ones wait until `written` was told of it.
 */
export function useShownEntries(
  entries: readonly Entry[],
  protocol: PictureProtocol,
  size: ScreenSize,
): {shown: readonly ShownEntry[]; written: (id: number) => void} {
  const [pictures, setPictures] = useState<ReadonlyMap<number, readonly string[]>>(new Map());
  const [writtenId, setWrittenId] = useState(-1);
  const started = useRef(new Set<number>());
  useEffect(() => {
    for (const entry of entries) {
      const found = picturesOf(entry);
      if (found.length === 0 || started.current.has(entry.id)) continue;
      started.current.add(entry.id);
      const {columns, rows} = entry.type === 'drawing' ? DRAWING : ATTACHED;
      const box = {
        columns: Math.max(1, Math.min(columns, size.columns - 2)),
        rows: Math.max(1, Math.min(rows, size.rows - OTHER_ROWS)),
      };
      void Promise.all(
        found.map((picture) => showPicture(picture, box, protocol).then(({text}) => text)),
      )
        // Whatever is wrong with showing it, the line that names it stands.
        .catch(() => [])
        .then((texts) => setPictures((ready) => new Map(ready).set(entry.id, texts)));
    }
  }, [entries, protocol, size]);

  const shown: ShownEntry[] = [];
  for (const entry of entries) {
    const hasPictures = picturesOf(entry).length > 0;
    const ready = pictures.get(entry.id);
    if (hasPictures && !ready) break;
    shown.push({entry, pictures: ready ?? []});
    if (hasPictures && isWrittenDirectly(protocol) && entry.id > writtenId) break;
  }
  return {shown, written: setWrittenId};
}

/** Whether a protocol's pictures are no characters, which Ink would not pass on. */
export function isWrittenDirectly(protocol: PictureProtocol): boolean {
  return protocol === 'kitty' || protocol === 'iterm2' || protocol === 'sixel';
}
