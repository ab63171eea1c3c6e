// A conversation as Markdown, its pictures in a folder beside it.
import {existsSync, mkdirSync} from 'node:fs';
import path from 'node:path';
import {EmuError} from '../errors.js';
import {checkWritable, copyWhole, writeText} from '../weights/writeWhole.js';
import {sourceName} from './attachments.js';
import type {ChatStore} from './store.js';
import {questionText, type Turn, type UserPart} from './transcript.js';

/** What would be read as Markdown in a picture's description. */
const altText = (text: string) => text.replace(/\s+/g, ' ').replace(/([\\[\]])/g, '\\$1');

/** Copies a drawing to where the person wants it. */
export function copyDrawing(drawing: string, file: string): void {
  checkWritable(file);
  copyWhole(drawing, file);
}

/**
 * Writes `file` and, where there are pictures, the folder `NAME-pictures` beside it. EmuError where it
 * cannot be written or nothing was said.
 */
export function exportMarkdown(
  {store, turns, system}: {store: ChatStore; turns: readonly Turn[]; system: string | undefined},
  file: string,
): {numPictures: number} {
  if (turns.length === 0)
    throw new EmuError('there is nothing to export yet', {code: 'nothing_said', reason: 'usage'});
  checkWritable(file);
  const {dir, name} = path.parse(file);
  const folderName = `${name}-pictures`;
  const folder = path.join(dir, folderName);
  const copied = new Set<string>();
  const picture = (stored: string, alt: string): string => {
    mkdirSync(folder, {recursive: true});
    const [hash = '', extension = ''] = stored.split('.');
    const short = `${hash.slice(0, 12)}.${extension}`;
    const copy = path.join(folder, short);
    if (!existsSync(copy)) copyWhole(store.pictureFile(stored), copy);
    copied.add(short);
    return `![${altText(alt)}](<${folderName}/${short}>)`;
  };
  const part = (said: UserPart): string =>
    said.type === 'text'
      ? said.text
      : said.files.map((stored) => picture(stored, sourceName(said.source))).join('\n');
  const blocks = turns.flatMap(({wants, parts, answer}) => [
    wants === 'drawing' ? '## Draw' : '## You',
    ...parts.map(part),
    answer.type === 'drawing'
      ? `## ${answer.model} (drawing, seed ${answer.seed})`
      : `## ${answer.model}`,
    answer.type === 'drawing'
      ? picture(answer.file, questionText(parts))
      : `${answer.text}${answer.isStopped ? ' …' : ''}`,
  ]);
  const head = [
    `# Chat ${store.id}`,
    ...(system === undefined ? [] : [`> ${system.replace(/\n/g, '\n> ')}`]),
  ];
  writeText(file, `${[...head, ...blocks].join('\n\n')}\n`);
  return {numPictures: copied.size};
}
