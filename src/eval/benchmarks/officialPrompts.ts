// What the official evaluation asks (mm_eval: models/emu.py and the dataset classes), word for word and blank
// for blank; {IMAGE} is where the picture stands. `fewShot`: what a public copy of the authors' script says to a
// pretrained model; their prompts with examples are not released.
import {type Question, type SearchSettings, shortSearch} from '../benchmark.js';

const SHORT_ANSWER =
  'based on the content of the image and common sense, please provide an accurate answer consisting of only one word or phrase.';

/** VQAv2, OKVQA, VizWiz, and the videos' questions. */
export function shortQuestion(question: string, search: SearchSettings = shortSearch): Question {
  return {
    text: `{IMAGE} ${SHORT_ANSWER} ${question}`,
    opening: ' the answer is:',
    plain: question,
    fewShot: ` based on the picture, ${question} short answer:`,
    search,
  };
}

/** VizWiz's first one: whether the picture lets it be answered. */
export function answerabilityQuestion(question: string): Question {
  const asked = `${question}, is the answer known?`;
  return {
    text: `{IMAGE} ${SHORT_ANSWER} ${asked}`,
    plain: asked,
    fewShot: ` based on the picture, ${asked} short answer:`,
    search: {numBeams: 5, maxNewTokens: 50, minLength: 1, lengthPenalty: 0},
    choices: ['yes.', 'no.'],
  };
}

/** COCO's captions. */
export function captionQuestion(): Question {
  return {
    text: '{IMAGE} please provide an accurate and concise description of the given image.',
    opening: ' the image depicts a photo of',
    plain: '',
    fewShot: ' describing the image in detail. the image shows',
    search: {numBeams: 5, maxNewTokens: 20, minLength: 8, lengthPenalty: -1},
  };
}
