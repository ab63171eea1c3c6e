/** Runs `work` while holding the lock `file`; `say` tells once that another process is waited for. */
export function withLock<T>(
  file: string,
  say: (text: string) => void,
  work: () => Promise<T> | T,
): Promise<T>;
