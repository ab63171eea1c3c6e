import path from 'node:path';
import {suite} from 'uvu';
import * as assert from 'uvu/assert';
import {openAlpaca, openLlava, openSharegpt} from '../../../src/data/datasets/conversations.js';
import {systemTexts} from '../../../src/text/prompt.js';
import {expectInputError} from '../fixtures.js';
import {folder, png, prepare, read, write, writeLines} from './support.js';

const test = suite('conversations');
const images = path.join(folder, 'images');
for (const i of [1, 2]) write(`images/${i}.png`, await png(i));

const says = (from: string, value: string) => ({from, value});

test('LLaVA: the picture stands at its marker', async () => {
  const list = [
    {
      id: 'a',
      image: '1.png',
      conversations: [
        says('human', '<image>\nWhat is it?'),
        says('gpt', 'A hat. '),
        says('human', 'Whose?'),
        says('gpt', 'Mine.</s>'),
      ],
    },
    {image: '2.png', conversations: [says('human', 'What is it?\n<image>'), says('gpt', 'A dog.')]},
    {image: '2.png', conversations: [says('human', 'No marker?'), says('gpt', 'None.')]},
    {
      image: ['1.png', '2.png'],
      conversations: [says('human', 'Is <image> like <image>?'), says('gpt', 'No.')],
    },
    {conversations: [says('human', 'Only <video> text'), says('gpt', 'Yes.')]},
  ];
  const dataset = await openLlava({
    files: write('llava.json', JSON.stringify(list)),
    images,
    prepare,
  });
  assert.is(dataset.size, 5);
  const start = `${systemTexts.image} [USER]: `;
  assert.equal(await read(dataset, 0), [
    start,
    1,
    'What is it? [ASSISTANT]: A hat.</s> [USER]: Whose? [ASSISTANT]: Mine.</s>',
  ]);
  assert.equal(await read(dataset, 1), [`${start}What is it?`, 2, ' [ASSISTANT]: A dog.</s>']);
  assert.equal(await read(dataset, 2), [start, 2, 'No marker? [ASSISTANT]: None.</s>']);
  assert.equal(await read(dataset, 3), [`${start}Is`, 1, 'like', 2, '? [ASSISTANT]: No.</s>']);
  assert.equal(await read(dataset, 4), ['[USER]: Only <video> text [ASSISTANT]: Yes.</s>']);
});

test('LLaVA with a video: frames in a row, the text for videos', async () => {
  const files = writeLines('video.jsonl', [
    {
      video: '2.png',
      conversations: [says('human', '<video>\nWhat happens?'), says('gpt', 'Much.')],
    },
  ]);
  const dataset = await openLlava({files, images, frames: 3, prepare});
  assert.equal(await read(dataset, 0), [
    `${systemTexts.video} [USER]: `,
    ...[2, 2, 2],
    'What happens? [ASSISTANT]: Much.</s>',
  ]);
  const silent = await openLlava({files, images, frames: 1, system: '', prepare});
  assert.equal(await read(silent, 0), ['[USER]: ', 2, 'What happens? [ASSISTANT]: Much.</s>']);
});

test('LLaVA: bad records are named', async () => {
  const files = writeLines('bad.jsonl', [
    {image: '1.png'},
    {image: '1.png', conversations: [says('human', '<image> <image>'), says('gpt', 'Two.')]},
    {image: ['1.png', '2.png'], conversations: [says('human', '<image>'), says('gpt', 'One.')]},
    {image: 'gone.png', conversations: [says('human', '<image>'), says('gpt', 'Gone.')]},
    {conversations: [says('human', 'Where is <image>?'), says('gpt', 'Lost.')]},
    {image: 5, conversations: [says('human', 'x'), says('gpt', 'y')]},
  ]);
  const dataset = await openLlava({files, images, prepare});
  const line = (number: number) => `${files}, line ${number}`;
  await expectInputError(read(dataset, 0), line(1), /has no list of conversations/);
  await expectInputError(read(dataset, 1), line(2), /more <image> markers than pictures/);
  await expectInputError(read(dataset, 2), line(3), /fewer <image> markers than pictures/);
  await expectInputError(read(dataset, 3), path.join(images, 'gone.png'), /no such file/);
  await expectInputError(read(dataset, 4), line(5), /more <image> markers than pictures/);
  await expectInputError(read(dataset, 5), line(6), /that is no file name/);
});

test('ShareGPT: turns out of order, a system text, foreign special tokens', async () => {
  const files = writeLines('sharegpt.jsonl', [
    {
      conversations: [
        says('gpt', 'I was here first.'),
        says('human', 'One.'),
        says('human', 'Two [USER] <image>.'),
        says('chatgpt', 'Three.'),
        says('human', 'No answer'),
      ],
    },
    {
      messages: [
        {role: 'system', content: 'Be short.'},
        {role: 'user', content: 'Hi'},
        {role: 'assistant', content: 'Hi.'},
      ],
    },
    {conversations: [says('human', 'x')]},
    {conversations: [says('human', 'x'), says('parrot', 'y')]},
    {conversations: [says('human', 'x'), says('gpt', ' ')]},
  ]);
  const dataset = await openSharegpt({files});
  assert.equal(await read(dataset, 0), ['[USER]: One.\nTwo    . [ASSISTANT]: Three.</s>']);
  assert.equal(await read(dataset, 1), ['Be short. [USER]: Hi [ASSISTANT]: Hi.</s>']);
  const line = (number: number) => `${files}, line ${number}`;
  await expectInputError(read(dataset, 2), line(3), /has no question with an answer/);
  await expectInputError(read(dataset, 3), line(4), /a turn without a known speaker/);
  await expectInputError(read(dataset, 4), line(5), /has an empty answer/);
});

test('Alpaca: the input follows the instruction', async () => {
  const list = [
    {instruction: 'Add.', input: '2 and 3', output: '5'},
    {instruction: 'Greet.', input: '', output: 'Hello'},
    {instruction: 'Greet.'},
  ];
  const files = write('alpaca.json', JSON.stringify(list));
  const dataset = await openAlpaca({files});
  assert.equal(await read(dataset, 0), ['[USER]: Add.\n2 and 3 [ASSISTANT]: 5</s>']);
  assert.equal(await read(dataset, 1), ['[USER]: Greet. [ASSISTANT]: Hello</s>']);
  await expectInputError(read(dataset, 2), `${files}, item 3`, /has no instruction and output/);
});

test.run();
