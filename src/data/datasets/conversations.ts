// Conversations for instruction tuning: LLaVA (with a picture or video), ShareGPT, Alpaca. The template is
// Emu's: `<system> [USER]: <instruction> [ASSISTANT]: <answer></s>`, further turns after a space.
import {InputError} from '../../errors.js';
import type {Random} from '../../random.js';
import {systemTexts} from '../../text/prompt.js';
import {strip} from '../../text/whitespace.js';
import {listNames} from '../../weights/printable.js';
import {
  type Dataset,
  type PreparedPicture,
  type PreparePicture,
  plainText,
  type Sample,
  type SamplePart,
} from '../dataset.js';
import {findDataFiles} from './filePatterns.js';
import {mediaFile, readPicture, readRandomFrames} from './media.js';
import {openRecords, type Records, type Row} from './records.js';

export interface ConversationOptions {
  /** .json or .jsonl files. */
  readonly files: string | readonly string[];
  /**
   * Stands before the first turn. Default: what the record says itself, else Emu's text for a picture or
   * video, else nothing.
   */
  readonly system?: string | undefined;
}

export interface LlavaOptions extends ConversationOptions {
  /** Folder of the pictures. */
  readonly images: string;
  /** Folder of the videos. Default: that of the pictures. */
  readonly videos?: string | undefined;
  /** Frames of a video. */
  readonly frames?: number;
  readonly prepare: PreparePicture;
}

interface Turn {
  readonly speaker: 'user' | 'assistant' | 'system';
  readonly text: string;
}

/** What a record shows: `<image>` or `<video>` in a turn stands for the next one. */
interface Medium {
  readonly kind: keyof typeof systemTexts;
  readonly frames: readonly PreparedPicture[];
}

type ReadMedia = (row: Row, place: string, random: Random) => Promise<Medium[]>;

interface Format {
  readonly turns: (row: Row, place: string) => Turn[];
  /** Absent where there are only texts: a marker in them is but a word. */
  readonly media?: ReadMedia;
}

/** @throws InputError when a file is missing or holds no records */
export async function openLlava(options: LlavaOptions): Promise<Dataset> {
  const {images, videos = images, frames = 8, prepare} = options;
  const readMedia: ReadMedia = async (row, place, random) => {
    const media: Medium[] = [];
    for (const name of fileNames(row.image, place)) {
      const frame = await readPicture(mediaFile(images, name), prepare);
      media.push({kind: 'image', frames: [frame]});
    }
    for (const name of fileNames(row.video, place)) {
      const shown = await readRandomFrames(mediaFile(videos, name), frames, random, prepare);
      media.push({kind: 'video', frames: shown});
    }
    return media;
  };
  return openConversations(options, {turns: turnsOf, media: readMedia});
}

/** @throws InputError when a file is missing or holds no records */
export async function openSharegpt(options: ConversationOptions): Promise<Dataset> {
  return openConversations(options, {turns: turnsOf});
}

/** @throws InputError when a file is missing or holds no records */
export async function openAlpaca(options: ConversationOptions): Promise<Dataset> {
  return openConversations(options, {turns: alpacaTurns});
}

async function openConversations(options: ConversationOptions, format: Format): Promise<Dataset> {
  const files = findDataFiles(options.files, /\.jsonl?$/i, '.json or .jsonl file');
  const name = listNames([options.files].flat(), 3);
  return new Conversations(name, await openRecords(files), format, options.system);
}

class Conversations implements Dataset {
  constructor(
    readonly name: string,
    private readonly records: Records,
    private readonly format: Format,
    private readonly system: string | undefined,
  ) {}

  get size(): number {
    return this.records.size;
  }

  async read(index: number, random: Random): Promise<Sample> {
    const row = this.records.row(index);
    const name = this.records.place(index);
    const {system, turns} = inTurn(this.format.turns(row, name), name);
    const media = await this.format.media?.(row, name, random);
    const said = this.system ?? (system ? plainText(system) : officialSystem(media ?? []));
    return {name, parts: conversation(said, turns, media, name)};
  }

  async text(index: number): Promise<string> {
    const row = this.records.row(index);
    const name = this.records.place(index);
    const {system, turns} = inTurn(this.format.turns(row, name), name);
    const shown = [
      ...(row.video ? (['video'] as const) : []),
      ...(row.image ? (['image'] as const) : []),
    ];
    const official = this.format.media && shown[0] ? systemTexts[shown[0]] : '';
    const said = turns.flatMap(({question, answer}) => [question, ':', answer]);
    return plainText([this.system ?? (system || official), ...said].join('\n'));
  }

  close(): void {} // files are opened for each read
}

function fileNames(value: unknown, place: string): string[] {
  const names = value === undefined || value === null ? [] : [value].flat();
  if (!names.every((name): name is string => typeof name === 'string' && name !== ''))
    throw new InputError(place, 'has a picture or video that is no file name');
  return names;
}

function officialSystem(media: readonly Medium[]): string {
  if (media.length === 0) return '';
  return systemTexts[media.some(({kind}) => kind === 'video') ? 'video' : 'image'];
}

const speakers = new Map<unknown, Turn['speaker']>([
  ['human', 'user'],
  ['user', 'user'],
  ['gpt', 'assistant'],
  ['assistant', 'assistant'],
  ['chatgpt', 'assistant'],
  ['bing', 'assistant'],
  ['bard', 'assistant'],
  ['system', 'system'],
]);

/** `conversations: [{from, value}]`; newer files write `messages: [{role, content}]`. */
function turnsOf(row: Row, place: string): Turn[] {
  const list = row.conversations ?? row.messages;
  if (!Array.isArray(list)) throw new InputError(place, 'has no list of conversations');
  return list.map((turn: Record<string, unknown> | null) => {
    const speaker = speakers.get(turn?.from ?? turn?.role);
    const text = turn?.value ?? turn?.content;
    if (!speaker || typeof text !== 'string')
      throw new InputError(place, 'has a turn without a known speaker or a text');
    return {speaker, text};
  });
}

function alpacaTurns(row: Row, place: string): Turn[] {
  const {instruction, input, output} = row;
  if (typeof instruction !== 'string' || typeof output !== 'string')
    throw new InputError(place, 'has no instruction and output');
  const text = typeof input === 'string' && input ? `${instruction}\n${input}` : instruction;
  return [
    {speaker: 'user', text},
    {speaker: 'assistant', text: output},
  ];
}

interface Exchange {
  readonly question: string;
  readonly answer: string;
}

/**
 * Questions with their answers. Collected conversations may begin with an answer, end with a question or
 * have two turns in a row by one speaker: the first two are left out, the last are joined.
 */
function inTurn(turns: readonly Turn[], place: string): {system: string; turns: Exchange[]} {
  const system = turns.filter(({speaker}) => speaker === 'system').map(({text}) => text);
  const merged: Turn[] = [];
  for (const turn of turns) {
    if (turn.speaker === 'system' || (merged.length === 0 && turn.speaker === 'assistant'))
      continue;
    const last = merged.at(-1);
    if (last?.speaker === turn.speaker)
      merged[merged.length - 1] = {...last, text: `${last.text}\n${turn.text}`};
    else merged.push(turn);
  }
  const exchanges: Exchange[] = [];
  for (let i = 0; i + 1 < merged.length; i += 2) {
    const answer = strip(plainText(merged[i + 1]!.text));
    if (answer === '') throw new InputError(place, 'has an empty answer');
    exchanges.push({question: merged[i]!.text, answer});
  }
  if (exchanges.length === 0) throw new InputError(place, 'has no question with an answer');
  return {system: strip(system.join('\n')), turns: exchanges};
}

/** The template with pictures at their markers; without a marker they stand before the first question. */
function conversation(
  system: string,
  turns: readonly Exchange[],
  media: readonly Medium[] | undefined,
  place: string,
): SamplePart[] {
  const parts: SamplePart[] = [];
  let text = system ? `${system} ` : '';
  let next = 0;
  const show = (medium: Medium) => {
    if (text) parts.push({type: 'text', text});
    text = '';
    for (const frame of medium.frames) parts.push({type: 'picture', ...frame});
  };
  const marker = markerOf(media);
  const isMarked = turns.some(({question}) => marker.test(question));
  for (const [i, {question, answer}] of turns.entries()) {
    text += `${i > 0 ? ' ' : ''}[USER]: `;
    if (i === 0 && !isMarked) for (const medium of media ?? []) show(medium);
    for (const [j, piece] of question.split(marker).entries()) {
      if (j > 0) {
        const medium = media?.[next++];
        if (!medium) throw new InputError(place, 'has more <image> markers than pictures');
        show(medium);
      }
      text += strip(plainText(piece));
    }
    text += ` [ASSISTANT]: ${answer}</s>`;
  }
  if (isMarked && next < media!.length)
    throw new InputError(place, 'has fewer <image> markers than pictures');
  parts.push({type: 'text', text});
  return parts;
}

/** `<video>` is a marker only beside a video: else it is likely HTML that somebody asks about. */
function markerOf(media: readonly Medium[] | undefined): RegExp {
  if (!media) return /(?!)/; // matches nothing
  return media.some(({kind}) => kind === 'video') ? /<image>|<video>/ : /<image>/;
}
