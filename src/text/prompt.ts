// Prompts as the official code writes them (Emu1/inference.py): a picture is a placeholder of N
// `<image>` tokens, which the model replaces by its visual embeddings.
import {EmuError} from '../errors.js';
import {strip} from './whitespace.js';

export type PromptItem =
  | {readonly type: 'text'; readonly text: string}
  | {readonly type: 'image'}
  | {readonly type: 'video'; readonly frames: number};

export type TextTask = 'caption' | 'vqa' | 'video-qa' | 'incontext' | 'raw';

export interface PromptRequest {
  readonly task: TextTask;
  readonly mode: 'pretrain' | 'instruct';
  /** What is shown and asked, in the person's order. */
  readonly items: readonly PromptItem[];
  /** Stands before [USER] instead of the official text; '' for none. */
  readonly system?: string;
  /** caption: asked instead of the official instruction. Other tasks: said before the question. */
  readonly prompt?: string;
  /** N: `<image>` tokens a picture. */
  readonly numImageTokens: number;
}

/** A request that cannot be put into a prompt: wrong usage. */
export class PromptError extends EmuError {
  constructor(message: string) {
    super(message, {code: 'bad_prompt', reason: 'usage'});
  }
}

/** Said before the first turn, with [IMG] and [/IMG] around plain words as the official code has it. */
export const systemTexts = {
  image:
    'You will be presented with an image: [IMG]ImageContent[/IMG]. You will be able to see the image after I provide it to you. Please answer my questions based on the given image.',
  video:
    'You are a helpful assistant and you will be presented with a video consisting of multiple chronological images: [IMG]ImageContent[/IMG]. You will be able to see the video after I provide it to you. Please answer my questions based on the given video.',
} as const;

/** What `emu caption` asks an instruct model. */
export const captionInstruction =
  'Please provide an accurate and concise description of the given image.';
/** The official caption starts with these words; the model goes on. */
export const captionOpening = 'The image depicts a photo of';

/** Where a picture or video goes in a raw prompt. */
const MARKER = '[image]';

/** Official search settings of a task: 5 beams, and these. */
export function taskDefaults(task: TextTask): {maxNewTokens: number; lengthPenalty: number} {
  return {
    maxNewTokens: task === 'caption' ? 512 : 128,
    lengthPenalty: task === 'video-qa' ? 1 : 0,
  };
}

/** `[IMG]`, N times `<image>`, `[/IMG]`. */
export function imagePlaceholder(numImageTokens: number): string {
  return `[IMG]${'<image>'.repeat(numImageTokens)}[/IMG]`;
}

/**
 * The prompt with every picture's placeholder in place. Throws PromptError when pictures or text are
 * missing, when a raw prompt's markers do not match the pictures, or when a text holds `<image>`.
 */
export function buildPrompt(request: PromptRequest): string {
  const {task, items, numImageTokens} = request;
  const places = items.flatMap((item) => (item.type === 'text' ? [] : [framesOf(item)]));
  const prompt =
    task === 'raw' ? rawPrompt(request, places) : conversation(request, places.length > 0);
  const expected = places.reduce((sum, frames) => sum + frames, 0) * numImageTokens;
  const found = prompt.split('<image>').length - 1;
  if (found !== expected)
    throw new PromptError(
      `${task}: a text holds "<image>", which stands for a picture; write it in another way`,
    );
  return prompt;
}

/**
 * What a picture is drawn after (Emu1/pipeline.py): texts and pictures as they stand, then [IMG]. Of nothing,
 * the empty prompt that guidance leads away from. Throws PromptError when a text holds `<image>`.
 */
export function drawingPrompt(items: readonly PromptItem[], numImageTokens: number): string {
  for (const item of items)
    if (item.type === 'text' && item.text.includes('<image>'))
      throw new PromptError(
        'a text holds "<image>", which stands for a picture; write it in another way',
      );
  return `${items.map((item) => rendered(item, numImageTokens)).join('')}[IMG]`;
}

function conversation(request: PromptRequest, hasPictures: boolean): string {
  const {task, mode, items, prompt = '', numImageTokens} = request;
  const texts = items.flatMap((item) => (item.type === 'text' ? [item.text] : []));
  if (task === 'incontext') {
    if (items.length === 0)
      throw new PromptError('incontext: expected pictures or texts, got none');
    const sequence = items.map((item) => rendered(item, numImageTokens)).join('');
    return turn(request, sequence + (prompt && ` ${prompt}`), '');
  }
  if (!hasPictures) throw new PromptError(`${task}: expected a picture, got none`);
  const pictures = items
    .flatMap((item) => (item.type === 'text' ? [] : [rendered(item, numImageTokens)]))
    .join('');
  const question = [prompt, ...texts].filter((text) => text !== '').join(' ');
  if (task === 'caption' && !question)
    return mode === 'instruct'
      ? turn(request, pictures + captionInstruction, ` ${captionOpening}`)
      : turn(request, pictures, '');
  if (!question) throw new PromptError(`${task}: expected a question, got none`);
  return turn(request, pictures + question, '');
}

/** One turn of a conversation up to where the model goes on; a pretrained model just goes on. */
function turn(request: PromptRequest, content: string, opening: string): string {
  const {mode} = request;
  const system = request.system ?? (mode === 'instruct' ? officialSystem(request) : '');
  if (mode === 'instruct') return strip(`${system} [USER]: ${content} [ASSISTANT]:${opening}`);
  return system ? `${system} ${content}` : content;
}

function officialSystem({task, items}: PromptRequest): string {
  if (task === 'incontext') return '';
  const isVideo = task === 'video-qa' || items.some(({type}) => type === 'video');
  return isVideo ? systemTexts.video : systemTexts.image;
}

/** The text is the whole prompt. A placeholder that is written out counts as a marker. */
function rawPrompt(request: PromptRequest, places: readonly number[]): string {
  const {items, numImageTokens} = request;
  const placeholder = imagePlaceholder(numImageTokens);
  const pieces = items
    .flatMap((item) => (item.type === 'text' ? [item.text] : []))
    .join('')
    .replaceAll(placeholder, MARKER)
    .split(MARKER);
  const markers = pieces.length - 1;
  const frames = places.reduce((sum, count) => sum + count, 0);
  if (markers !== places.length && markers !== frames)
    throw new PromptError(
      `raw prompt: ${markers} ${MARKER} ${markers === 1 ? 'marker' : 'markers'}, but ${places.length} pictures; write one for each picture or video`,
    );
  const counts = markers === places.length ? places : new Array<number>(frames).fill(1);
  return pieces
    .map((piece, i) => (i === 0 ? piece : placeholder.repeat(counts[i - 1]!) + piece))
    .join('');
}

function framesOf(item: Exclude<PromptItem, {type: 'text'}>): number {
  return item.type === 'image' ? 1 : item.frames;
}

function rendered(item: PromptItem, numImageTokens: number): string {
  if (item.type === 'text') return item.text;
  return imagePlaceholder(numImageTokens).repeat(framesOf(item));
}
