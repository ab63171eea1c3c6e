import type {Test} from 'uvu';

/** Leaves a test out and has the runner print its name and the reason: nothing is skipped silently. */
export function skip(test: Test, name: string, reason: string): void {
  test.skip(name);
  (globalThis as {EMU_SKIPS?: string[]}).EMU_SKIPS?.push(`${name}: ${reason}`);
}
