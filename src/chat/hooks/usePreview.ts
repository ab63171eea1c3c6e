import {useEffect, useState} from 'react';
import {type PictureProtocol, showPicture} from '../../cli/terminalPicture.js';
import type {Live} from '../state.js';
import type {ScreenSize} from '../screenPlan.js';

const BOX = {columns: 32, rows: 16};
const OTHER_ROWS = 8;

/** The picture that forms, in characters: it is drawn over again and again. */
export function usePreview(
  live: Live | undefined,
  protocol: PictureProtocol,
  size: ScreenSize,
): string | undefined {
  const [shown, setShown] = useState<string>();
  const picture = live?.type === 'drawing' ? live.preview : undefined;
  const {columns, rows} = size;
  useEffect(() => {
    if (!picture) {
      setShown(undefined);
      return;
    }
    let isCurrent = true;
    const box = {
      columns: Math.max(1, Math.min(BOX.columns, columns - 2)),
      rows: Math.max(1, Math.min(BOX.rows, rows - OTHER_ROWS)),
    };
    void showPicture(picture, box, protocol === 'ascii' ? 'ascii' : 'half')
      .then(({text}) => isCurrent && setShown(text.replace(/\n$/, '')))
      // The bar tells how far it is all the same.
      .catch(() => {});
    return () => {
      isCurrent = false;
    };
  }, [picture, protocol, columns, rows]);
  return picture && shown;
}
