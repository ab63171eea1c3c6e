// A benchmark's question as the text that the model reads, with {IMAGE} where the pictures stand.
import {systemTexts} from '../text/prompt.js';
import type {Benchmark, Question} from './benchmark.js';

/**
 * An instruct model is told what it will see and asked as in a conversation, whose answer is begun for it;
 * a pretrained one reads the pictures, then the plain question. {IMAGE} stands once, for all pictures.
 */
export function evalPrompt(
  {text, opening = '', plain}: Question,
  mode: 'instruct' | 'pretrain',
  media: Benchmark['media'] = 'picture',
): string {
  if (mode === 'pretrain') return `{IMAGE}${plain}`;
  const system = media === 'video' ? systemTexts.video : systemTexts.image;
  return `${system} [USER]: ${text} [ASSISTANT]:${opening}`;
}
