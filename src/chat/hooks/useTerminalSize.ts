import {useStdout} from 'ink';
import {useEffect, useState} from 'react';
import type {ScreenSize} from '../screenPlan.js';

/** The terminal's size, as it is changed. */
export function useTerminalSize(): ScreenSize {
  const {stdout} = useStdout();
  const measure = () => ({columns: stdout.columns || 80, rows: stdout.rows || 24});
  const [size, setSize] = useState<ScreenSize>(measure);
  useEffect(() => {
    const follow = () => setSize(measure());
    stdout.on('resize', follow);
    return () => {
      stdout.off('resize', follow);
    };
  });
  return size;
}
