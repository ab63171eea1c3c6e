// Against the prompts that the official inference.py made (goldens/generation.json).
import {suite} from 'uvu';
import * as assert from 'uvu/assert';
import {
  buildPrompt,
  imagePlaceholder,
  PromptError,
  type PromptItem,
  type PromptRequest,
  systemTexts,
} from '../../src/text/prompt.js';
import {loadTokenizer} from '../../src/text/tokenizer.js';
import {goldens} from '../support/goldens.js';
import {skip} from '../support/skip.js';

type Mode = 'pretrain' | 'instruct';
interface Example {
  name: string;
  prompt: string | string[];
  input_ids?: number[] | number[][];
}
interface Generation {
  image_placeholder: string;
  groups: Record<Mode, {official_examples: Example[]; cases: Example[]}>;
}

const test = suite('prompt');
const golden = goldens('generation')?.json as Generation | undefined;

/** Pictures and texts of an interleaved stretch, in order. */
function interleaved(text: string, placeholder: string): PromptItem[] {
  return text.split(placeholder).flatMap((part, i): PromptItem[] => {
    const texts: PromptItem[] = part ? [{type: 'text', text: part}] : [];
    return i === 0 ? texts : [{type: 'image'}, ...texts];
  });
}

/** What a person asked so that the official code wrote this prompt. */
function requestOf(prompt: string, mode: Mode, placeholder: string): PromptRequest {
  const numImageTokens = placeholder.split('<image>').length - 1;
  const turn = /^(.*?) ?\[USER\]: (.*) \[ASSISTANT\]:(.*)$/s.exec(prompt);
  if (!turn) {
    const items = interleaved(prompt, placeholder);
    return {task: items[0]?.type === 'image' ? 'incontext' : 'raw', mode, items, numImageTokens};
  }
  const [, system = '', content = '', opening = ''] = turn;
  const items = interleaved(content, placeholder);
  const images = items.filter(({type}) => type === 'image');
  if (system === '') return {task: 'incontext', mode, items, numImageTokens};
  if (opening !== '') return {task: 'caption', mode, items: images, numImageTokens};
  if (!system.includes('video')) return {task: 'vqa', mode, items, numImageTokens};
  const question = items.filter(({type}) => type === 'text');
  const video: PromptItem = {type: 'video', frames: images.length};
  return {task: 'video-qa', mode, items: [video, ...question], numImageTokens};
}

if (!golden) skip(test, 'official prompts', 'no goldens/generation.json');
else
  for (const mode of ['pretrain', 'instruct'] as const) {
    const {official_examples, cases} = golden.groups[mode];
    const placeholder = golden.image_placeholder;
    for (const {name, prompt, input_ids} of [...official_examples, ...cases])
      test(`${mode}, ${name}`, () => {
        for (const expected of [prompt].flat()) {
          const request = requestOf(expected, mode, placeholder);
          // A text-only case was given as it is; an instruct model has no such task.
          assert.is(buildPrompt(request), expected);
          const pictures = request.items.filter(({type}) => type !== 'text');
          const text = expected.replaceAll(placeholder, '[image]');
          const raw: PromptRequest = {
            ...request,
            task: 'raw',
            items: [{type: 'text', text}, ...pictures],
          };
          assert.is(buildPrompt(raw), expected, 'raw');
        }
        if (input_ids === undefined || Array.isArray(prompt)) return;
        assert.equal(loadTokenizer({mode}).encode(prompt), input_ids);
      });
  }

const image: PromptItem = {type: 'image'};
const say = (text: string): PromptItem => ({type: 'text', text});
const P = imagePlaceholder(2);
const base = {mode: 'instruct', numImageTokens: 2} as const;

test('a placeholder has N image tokens', () => {
  assert.is(imagePlaceholder(3), '[IMG]<image><image><image>[/IMG]');
});

test('a pretrained model gets pictures and words alone', () => {
  const request = {mode: 'pretrain', numImageTokens: 2} as const;
  assert.is(buildPrompt({...request, task: 'caption', items: [image]}), P);
  assert.is(
    buildPrompt({...request, task: 'caption', items: [image], prompt: 'a photo of'}),
    `${P}a photo of`,
  );
  assert.is(
    buildPrompt({...request, task: 'vqa', items: [image, image, say('which?')]}),
    `${P}${P}which?`,
  );
  assert.is(
    buildPrompt({...request, task: 'video-qa', items: [{type: 'video', frames: 3}, say('what?')]}),
    `${P}${P}${P}what?`,
  );
  assert.is(
    buildPrompt({...request, task: 'incontext', items: [image, say('a cat.'), image]}),
    `${P}a cat.${P}`,
  );
  assert.is(
    buildPrompt({...request, task: 'caption', items: [image], system: 'A zoo.'}),
    `A zoo. ${P}`,
  );
});

test('several pictures stand before the question', () => {
  assert.is(
    buildPrompt({...base, task: 'vqa', items: [image, say('which?'), image]}),
    `${systemTexts.image} [USER]: ${P}${P}which? [ASSISTANT]:`,
  );
});

test('system and prompt replace the official words', () => {
  assert.is(
    buildPrompt({
      ...base,
      task: 'caption',
      items: [image],
      system: 'Be short.',
      prompt: 'Colours?',
    }),
    `Be short. [USER]: ${P}Colours? [ASSISTANT]:`,
  );
  assert.is(
    buildPrompt({
      ...base,
      task: 'vqa',
      items: [image, say('why?')],
      system: '',
      prompt: 'One word.',
    }),
    `[USER]: ${P}One word. why? [ASSISTANT]:`,
  );
  assert.is(
    buildPrompt({...base, task: 'incontext', items: [image, say('one.')], system: 'S'}),
    `S [USER]: ${P}one. [ASSISTANT]:`,
  );
});

test('raw prompts: one marker a picture, all frames of a video', () => {
  assert.is(
    buildPrompt({...base, task: 'raw', items: [say('a [image] b [image]'), image, image]}),
    `a ${P} b ${P}`,
  );
  assert.is(
    buildPrompt({...base, task: 'raw', items: [say('[image]!'), {type: 'video', frames: 2}]}),
    `${P}${P}!`,
  );
  assert.is(buildPrompt({...base, task: 'raw', items: [say(`x${P}`), image]}), `x${P}`);
});

/** The usage error that a request gives. */
function problem(request: Omit<PromptRequest, 'mode' | 'numImageTokens'>): string {
  try {
    buildPrompt({...base, ...request});
  } catch (error) {
    assert.instance(error, PromptError);
    assert.is((error as PromptError).exitCode, 2);
    return (error as PromptError).message;
  }
  return 'none';
}

test('what does not fit is a usage error', () => {
  assert.match(
    problem({task: 'raw', items: [say('[image] [image]'), image]}),
    /2 \[image\] markers, but 1 pictures/,
  );
  assert.match(problem({task: 'raw', items: [say('no marker'), image]}), /0 \[image\] markers/);
  assert.match(problem({task: 'caption', items: []}), /expected a picture/);
  assert.match(problem({task: 'vqa', items: [image]}), /expected a question/);
  assert.match(problem({task: 'vqa', items: [image, say('')]}), /expected a question/);
  assert.match(problem({task: 'video-qa', items: [say('what?')]}), /expected a picture/);
  assert.match(problem({task: 'incontext', items: []}), /got none/);
  assert.match(problem({task: 'vqa', items: [image, say('is <image> odd?')]}), /holds "<image>"/);
  assert.match(problem({task: 'raw', items: [say('<image>')]}), /holds "<image>"/);
});

test.run();
