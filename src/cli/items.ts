import {Flags, type Interfaces} from '@oclif/core';
import {readWord, type Word} from './pictures.js';

/** Items whose kind is said rather than found out. */
export const itemFlags = {
  text: Flags.string({
    description: 'an item that is text, whatever it looks like',
    multiple: true,
    multipleNonGreedy: true,
    helpGroup: 'ITEMS',
  }),
  image: Flags.string({
    description: 'an item that is a picture or video',
    multiple: true,
    multipleNonGreedy: true,
    helpGroup: 'ITEMS',
  }),
};

type RawInput = Interfaces.ParserOutput<object, object, object>['raw'];

/** The items of a command line in the order in which they were given, flags and plain words mixed. */
export function readWords(raw: RawInput): Word[] {
  return raw.flatMap((token): Word[] => {
    if (token.type === 'arg') return [readWord(token.input)];
    if (token.flag === 'text') return [{type: 'text', value: token.input}];
    if (token.flag === 'image') return [{type: 'file', value: token.input}];
    return [];
  });
}
