// A conversation as it is kept: one line of JSON for each thing that happened, in order.
import {z} from 'zod';
import {InputError} from '../errors.js';
import {sourceName} from './attachments.js';

const mediaSchema = z.object({
  type: z.enum(['image', 'video']),
  /** How the person named it. */
  source: z.string(),
  /** In the session's pictures/; a video has its frames, in order. */
  files: z.array(z.string().regex(/^[0-9a-f]{64}\.[a-z0-9]+$/)).min(1),
  width: z.int().min(1),
  height: z.int().min(1),
  /** Whether the EXIF orientation was applied. */
  exif: z.boolean(),
});
const partSchema = z.discriminatedUnion('type', [
  z.object({type: z.literal('text'), text: z.string()}),
  mediaSchema,
]);
const answerSchema = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('text'),
    text: z.string(),
    tokens: z.array(z.int().min(0)),
    isStopped: z.boolean(),
    /** Whose tokens these are. */
    model: z.string(),
  }),
  z.object({
    type: z.literal('drawing'),
    file: z.string().regex(/^[0-9a-f]{64}\.png$/),
    seed: z.int().min(0),
    isFlagged: z.boolean(),
    model: z.string(),
  }),
]);
const recordSchema = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('chat'),
    version: z.literal(1),
    id: z.string(),
    created: z.string(),
    model: z.string(),
    system: z.string().optional(),
  }),
  z.object({
    type: z.literal('question'),
    wants: z.enum(['text', 'drawing']),
    parts: z.array(partSchema).min(1),
  }),
  z.object({type: z.literal('answer'), answer: answerSchema}),
  /** Back to the first `turns` turns. */
  z.object({type: z.literal('rewind'), turns: z.int().min(0)}),
  /** The official system text where it is absent. */
  z.object({type: z.literal('system'), text: z.string().optional()}),
  z.object({type: z.literal('model'), name: z.string()}),
  z.object({type: z.literal('title'), title: z.string()}),
]);

export type UserMedia = z.infer<typeof mediaSchema>;
export type UserPart = z.infer<typeof partSchema>;
export type TurnAnswer = z.infer<typeof answerSchema>;
export type TranscriptRecord = z.infer<typeof recordSchema>;

export interface Question {
  readonly wants: 'text' | 'drawing';
  readonly parts: readonly UserPart[];
}

export interface Turn extends Question {
  readonly answer: TurnAnswer;
}

/** What a transcript comes to. */
export interface Conversation {
  readonly id: string;
  readonly created: string;
  readonly model: string;
  readonly system: string | undefined;
  readonly title: string | undefined;
  readonly turns: readonly Turn[];
  /** Asked and never answered: emu was ended meanwhile. */
  readonly unanswered: Question | undefined;
}

/** The words of a question; pictures by their names. */
export function questionText(parts: readonly UserPart[], showMedia = true): string {
  return parts
    .flatMap((part) =>
      part.type === 'text' ? part.text : showMedia ? `[${sourceName(part.source)}]` : [],
    )
    .join(' ')
    .trim();
}

/**
 * Reads the lines of a transcript. A last line that was not written to its end is left out; InputError
 * for any other that is damaged.
 */
export function parseTranscript(text: string, file: string): Conversation {
  const lines = text.split('\n');
  // What follows the last line end is nothing, or a line that a kill has cut off.
  lines.pop();
  const records = lines.map((line, i): TranscriptRecord => {
    try {
      return recordSchema.parse(JSON.parse(line));
    } catch {
      throw new InputError(
        file,
        `line ${i + 1} is damaged`,
        'mend or remove that line, or start a new chat',
      );
    }
  });
  const [head, ...rest] = records;
  if (head?.type !== 'chat')
    throw new InputError(file, 'does not begin as a chat does', 'start a new chat');
  let {model, system} = head;
  let title: string | undefined;
  let unanswered: Question | undefined;
  const turns: Turn[] = [];
  for (const record of rest) {
    switch (record.type) {
      case 'question':
        unanswered = {wants: record.wants, parts: record.parts};
        break;
      case 'answer':
        if (unanswered) turns.push({...unanswered, answer: record.answer});
        unanswered = undefined;
        break;
      case 'rewind':
        turns.length = Math.min(turns.length, record.turns);
        unanswered = undefined;
        break;
      case 'system':
        system = record.text;
        break;
      case 'model':
        model = record.name;
        break;
      case 'title':
        title = record.title;
        break;
    }
  }
  return {id: head.id, created: head.created, model, system, title, turns, unanswered};
}
