// What a run leaves in its folder, to compare runs by.
import {createHash} from 'node:crypto';
import {readdirSync, readFileSync} from 'node:fs';
import path from 'node:path';
import {isDeepStrictEqual} from 'node:util';
import * as assert from 'uvu/assert';

/** Lines of metrics.jsonl without the times they took. */
export function metricsOf(out: string): Record<string, number | string>[] {
  const lines = readFileSync(path.join(out, 'metrics.jsonl'), 'utf8').trimEnd().split('\n');
  return lines.map((line) => {
    const {seconds: _seconds, waited: _waited, ...rest} = JSON.parse(line);
    return rest;
  });
}

export function checkpointsOf(out: string): string[] {
  const step = (name: string) => Number(/\d+/.exec(name)![0]);
  return readdirSync(out)
    .filter((name) => name.startsWith('checkpoint-'))
    .sort((a, b) => step(a) - step(b));
}

/**
 * Every file's hash, and the metrics. Of the checkpoints only the newest: which others there are depends
 * on the clock.
 */
export function runResults(out: string): Record<string, unknown> {
  const older = checkpointsOf(out).slice(0, -1);
  const files = (readdirSync(out, {recursive: true}) as string[])
    .filter((file) => !older.includes(file))
    .sort();
  const hash = (file: string) =>
    createHash('sha256')
      .update(readFileSync(path.join(out, file)))
      .digest('hex');
  const contents = files.map((file) => [
    file,
    file === 'metrics.jsonl' ? metricsOf(out) : hash(file),
  ]);
  return Object.fromEntries(contents);
}

/** The same files with the same bytes, `after` something; metrics apart from their times. */
export function assertSameRun(
  out: string,
  expected: Readonly<Record<string, unknown>>,
  after: string,
): void {
  const found = runResults(out);
  assert.equal(Object.keys(found), Object.keys(expected), `files after ${after}`);
  for (const [file, content] of Object.entries(expected))
    assert.ok(isDeepStrictEqual(found[file], content), `${file} is another after ${after}`);
}
