// FID: pictures drawn from captions of COCO against photographs, by features of an Inception network. The
// network isn't part of emu: features come from elsewhere, in files.
import path from 'node:path';
import {z} from 'zod';
import {Random} from '../../random.js';
import {InputError} from '../../errors.js';
import {type Benchmark, type BenchmarkItem, shortSearch} from '../benchmark.js';
import {readJson} from '../readJson.js';

export interface FidItem extends BenchmarkItem {
  readonly id: number;
  readonly caption: string;
}

/** As many as the paper draws. */
const NUM_PROMPTS = 30_000;
/** The choice is the same for every run: models are compared on the same captions. */
const SEED = 0;

const captionFile = z.object({
  annotations: z.array(z.object({image_id: z.number(), caption: z.string()})),
});

/** One caption each of 30,000 pictures, both drawn at random; of fewer pictures, of all. */
function readPrompts(root: string): FidItem[] {
  const file = path.join(root, 'coco', 'annotations', 'captions_val2014.json');
  const captions = new Map<number, string[]>();
  for (const {image_id: id, caption} of readJson(file, captionFile).annotations) {
    const own = captions.get(id);
    if (own) own.push(caption);
    else captions.set(id, [caption]);
  }
  if (captions.size === 0) throw new InputError(file, 'holds no captions', 'download it again');
  // From the ids' own order, not the file's: the same captions in another order give the same prompts.
  const ids = [...captions.keys()].sort((a, b) => a - b);
  const random = new Random(SEED);
  for (let i = ids.length - 1; i > 0; i--) {
    const j = random.below(i + 1);
    [ids[i], ids[j]] = [ids[j]!, ids[i]!];
  }
  return ids.slice(0, NUM_PROMPTS).map((id) => {
    const caption = random.pick(captions.get(id)!.toSorted()).trim();
    return {id, caption};
  });
}

/** Numbers for SD v1.5 differ between papers, so it isn't here. */
const source = 'arXiv 2312.09251';

export const fid: Benchmark<FidItem> = {
  name: 'fid',
  media: 'none',
  splits: ['val2014'],
  headline: 'FID',
  paper: [
    {model: 'Emu', value: 11.66, source},
    {model: 'GILL', value: 12.2, source},
    {model: 'CM3Leon-7B', value: 10.82, source},
    {model: 'Kosmos-G', value: 10.99, source},
  ],
  read: readPrompts,
  /** What is drawn: the caption alone. */
  questions: ({caption}) => [{text: caption, plain: caption, search: shortSearch}],
  expected: ({caption}) => [caption],
  /** A prediction is the name of the picture that was drawn. */
  submission: (predicted) =>
    predicted.map(({item, prediction}) => ({
      image_id: item.id,
      caption: item.caption,
      picture: prediction,
    })),
  score: () => undefined,
};
