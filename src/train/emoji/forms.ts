// How scenes and clips are asked about and answered: every sentence there is, and so every word.
// {X} and {Y} are names of concepts, {a X} a name with its article.
import {buildPrompt} from '../../text/prompt.js';
import {type Direction, directions, events} from './clip.js';
import {colourNames} from './colours.js';
import {cells, relations} from './places.js';
import {caption, questions} from './words.js';

/** Where one of a pair stands. */
export const sides = {
  'left of': 'on the left',
  'right of': 'on the right',
  above: 'at the top',
  below: 'at the bottom',
} as const;

/** "left of" as an answer of one word. */
export const sideWords = {
  'left of': 'left',
  'right of': 'right',
  above: 'above',
  below: 'below',
} as const;

export const numbers = ['zero', 'one', 'two', 'three', 'four'] as const;

export const categoryAnswers = {
  animal: 'an animal',
  plant: 'a plant',
  food: 'food',
  vehicle: 'a vehicle',
  building: 'a building',
} as const;

export const yes = 'yes';
export const no = 'no';
export const refusal = 'there is no {X}';

/** Both spellings of "colour". */
const bothSpellings = (forms: readonly string[]) =>
  forms.flatMap((form) => [form, form.replace('colour', 'color')]);

/** Question forms; {R} is a relation, {S} a side, {C} bigger or smaller. */
export const forms = {
  what: [...questions, 'what is in the image?', 'what does the photo show?'],
  list: [
    'what is in the picture?',
    'what does the picture show?',
    'what can you see?',
    'what is in the image?',
    'what does the photo show?',
  ],
  category: ['what kind of thing is this?', 'what kind of thing can you see?'],
  side: ['what is {S}?', 'what can you see {S}?'],
  other: ['and the other one?', 'what is the other one?'],
  neighbour: ['what is {R} the {Y}?', 'what can you see {R} the {Y}?'],
  exists: ['is there {a X}?', 'can you see {a X}?', 'is there {a X} in the picture?'],
  relation: ['is the {X} {R} the {Y}?', 'can you see the {X} {R} the {Y}?'],
  compare: [
    'is the {X} left of, right of, above or below the {Y}?',
    'where is the {X}, left of, right of, above or below the {Y}?',
    'on which side of the {Y} is the {X}?',
  ],
  where: ['where is the {X}?', 'where can you see the {X}?', 'where in the picture is the {X}?'],
  things: [
    'how many things are there?',
    'how many things can you see?',
    'how many things are in the picture?',
  ],
  copies: [
    'how many times is the {X} there?',
    'how many times can you see the {X}?',
    'how many times is there {a X}?',
  ],
  background: bothSpellings([
    'what colour is the background?',
    'which colour is the background?',
    'what is the colour of the background?',
  ]),
  tint: bothSpellings([
    'what colour is the {X}?',
    'which colour is the {X}?',
    'what is the colour of the {X}?',
  ]),
  bigger: [
    'which is {C}, the {X} or the {Y}?',
    'what is {C}, the {X} or the {Y}?',
    'is the {X} or the {Y} {C}?',
  ],
  caption: ['describe the picture.', 'describe the image.'],
  event: ['what does the {X} do?', 'what does it do?'],
  direction: [
    'which way does the {X} move?',
    'where does the {X} move?',
    'which way does it move?',
  ],
  happens: ['what happens?', 'what happens in the picture?'],
} as const satisfies Record<string, readonly string[]>;

export const comparatives = ['bigger', 'smaller'] as const;

export const pairOf = '{a X} and {a Y}';

/** " on a red background", after what stands on it. */
export const onGround = (colour: string) => ` on ${caption(colour)} background`;

/** What a clip shows, in a sentence. */
export function happening(event: string, direction?: Direction): string {
  return direction ? `the {X} ${event} ${direction}` : `the {X} ${event}`;
}

/** The form with names in it. */
export function fill(form: string, x?: string, y?: string): string {
  return form.replace(/\{(a )?([XY])\}/g, (_, article, slot) => {
    const label = slot === 'X' ? x : y;
    if (label === undefined) throw new Error(`fill: expected a name for ${slot} in "${form}"`);
    return article ? caption(label) : label;
  });
}

/** What `emu caption` makes an instruct model's answer begin with, by the official code. */
function captionOpening(): string {
  const request = {task: 'caption', mode: 'instruct', numImageTokens: 1} as const;
  return buildPrompt({...request, items: [{type: 'image'}]}).split('[ASSISTANT]:')[1]!;
}

/** Texts that hold every word of questions and answers but names. */
export function questionWords(): string[] {
  return [
    ...Object.values(forms).flat(),
    ...[...relations, ...Object.values(sides), ...Object.values(sideWords), ...comparatives],
    ...[...numbers, ...Object.values(categoryAnswers), ...cells, ...colourNames, yes, no],
    ...[
      captionOpening(),
      pairOf,
      refusal,
      onGround('white'),
      ...directions,
      ...events.map((e) => happening(e)),
    ],
  ].map((text) => text.replace(/\{[^}]*\}/g, ' '));
}
