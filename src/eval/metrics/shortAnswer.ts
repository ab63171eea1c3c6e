// The short answer in what the model says, as the official evaluation cuts it out (mm_eval,
// datasets/utils.py) before it writes the result files of VQAv2, OKVQA and VizWiz.
import {pythonStrip} from './pythonText.js';

/** What an answer ends at, in the order of the cuts. */
const ends = ['\n', '. ', '"', ', '];

/** What an answer may begin with, each dropped at most once and in this order: "the a" keeps its "a". */
const openings = ['it is ', "it's ", 'a ', 'an ', 'the '];

/** Raw model text -> the short answer, in lower case. */
export function shortAnswer(text: string): string {
  const cut = ends.reduce((rest, end) => rest.split(end)[0]!, text);
  const plain = pythonStrip(cut).toLowerCase().replace(/\.$/, '');
  return openings.reduce(
    (rest, opening) => (rest.startsWith(opening) ? rest.slice(opening.length) : rest),
    plain,
  );
}
