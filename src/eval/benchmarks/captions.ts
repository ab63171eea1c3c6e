// COCO (Karpathy's split), NoCaps and Flickr30k: a caption of a picture, compared with people's.
import path from 'node:path';
import {z} from 'zod';
import {InputError} from '../../errors.js';
import type {Benchmark, BenchmarkItem, PaperRow, Predicted, Support} from '../benchmark.js';
import {Meteor} from '../metrics/caption/meteor.js';
import {cleanCaption} from '../metrics/caption/postprocess.js';
import {scoreCaptions} from '../metrics/caption/scoreCaptions.js';
import {readJson} from '../readJson.js';
import {WordNet} from '../text/wordnet.js';
import {hasWordnet, wordnetFolder} from '../wordnetFolder.js';
import {captionQuestion} from './officialPrompts.js';

interface CaptionItem extends BenchmarkItem {
  readonly id: number;
  /** By people; none in the server's splits. */
  readonly references: readonly string[];
}

/** COCO's form of captions, in which NoCaps' come too. */
const captionFile = z.object({
  images: z.array(z.object({id: z.number(), file_name: z.string().optional()})),
  annotations: z.array(z.object({image_id: z.number(), caption: z.string()})),
});

/** Captions by the number of their picture. */
function referencesIn(file: string): Map<number, string[]> {
  const references = new Map<number, string[]>();
  for (const {image_id: id, caption} of readJson(file, captionFile).annotations) {
    const own = references.get(id) ?? [];
    own.push(caption);
    references.set(id, own);
  }
  return references;
}

function checkReferences(file: string, items: readonly CaptionItem[]): void {
  const without = items.filter(({references}) => references.length === 0);
  if (without.length === 0) return;
  throw new InputError(
    file,
    `has no captions of ${without.length} of ${items.length} pictures, first ${without[0]!.id}`,
    'download the captions of the same split',
  );
}

interface Facts {
  readonly name: string;
  readonly splits: readonly [string, ...string[]];
  readonly paper: readonly PaperRow[];
  read(root: string, split: string): CaptionItem[];
  readonly support: Omit<Support<CaptionItem>, 'answers'>;
}

function benchmark({name, splits, paper, read, support}: Facts): Benchmark<CaptionItem> {
  const captionOf = ({prediction}: Predicted<CaptionItem>) => cleanCaption(prediction as string);
  return {
    name,
    media: 'picture',
    splits,
    headline: 'CIDEr',
    paper,
    read,
    questions: () => [captionQuestion()],
    support: {
      ...support,
      answers: ({references: [first]}) => (first === undefined ? undefined : [cleanCaption(first)]),
    },
    expected: ({references}) => references,
    submission: (predicted) =>
      predicted.map((one) => ({image_id: one.item.id, caption: captionOf(one)})),
    score: (predicted) => {
      if (predicted.some(({item}) => item.references.length === 0)) return undefined;
      const key = ({item}: Predicted<CaptionItem>) => String(item.id);
      const {corpus, perImage} = scoreCaptions(
        new Map(predicted.map((one) => [key(one), one.item.references])),
        new Map(predicted.map((one) => [key(one), captionOf(one)])),
        // Its synonyms are WordNet's.
        hasWordnet() ? {meteor: new Meteor({wordnet: WordNet.open(wordnetFolder())})} : {},
      );
      const scoresOf = (metric: string) => predicted.map((one) => perImage.get(key(one))![metric]!);
      return {
        values: corpus,
        // BLEU and METEOR of a set are no means of its pictures'.
        perItem: {CIDEr: scoresOf('CIDEr'), ROUGE_L: scoresOf('ROUGE_L')},
        note: `intervals: the pictures' own scores are drawn anew; CIDEr's word weights stay those of the whole set${hasWordnet() ? '' : '. METEOR is left out: it takes WordNet 3.0, the package wordnet-base or a folder in EMU_WORDNET'}`,
      };
    },
  };
}

const karpathy = z.array(z.object({image: z.string()}));

/** A picture's number is what stands after the last underscore of its name, as officially. */
function cocoId(list: string, image: string): number {
  const id = Number(path.parse(image).name.split('_').at(-1));
  if (Number.isSafeInteger(id)) return id;
  throw new InputError(list, `${image}: expected a name that ends in the picture's number`);
}

function readKarpathy(root: string, split: string): CaptionItem[] {
  const folder = path.join(root, 'coco');
  const annotations = path.join(folder, 'annotations');
  const references = path.join(annotations, `coco_karpathy_${split}_gt.json`);
  const captions = referencesIn(references);
  const list = path.join(annotations, `coco_karpathy_${split}.json`);
  const items = readJson(list, karpathy).map(({image}) => {
    const id = cocoId(list, image);
    return {id, file: path.join(folder, 'images', image), references: captions.get(id) ?? []};
  });
  checkReferences(references, items);
  return items;
}

/** The training list has an entry a caption, and no other file. */
function readKarpathyTrain(root: string): CaptionItem[] {
  const list = path.join(root, 'coco', 'annotations', 'coco_karpathy_train.json');
  const entries = z.array(z.object({image: z.string(), caption: z.string()}));
  const items = new Map<string, CaptionItem & {references: string[]}>();
  for (const {image, caption} of readJson(list, entries)) {
    const known = items.get(image);
    if (known) known.references.push(caption);
    else {
      const file = path.join(root, 'coco', 'images', image);
      items.set(image, {id: cocoId(list, image), file, references: [caption]});
    }
  }
  return [...items.values()];
}

/** NoCaps has no training pictures of its own: its models learn from COCO's. */
const cocoSupport: Facts['support'] = {
  splits: ['train', 'val'],
  read: (root, split) => (split === 'train' ? readKarpathyTrain(root) : readKarpathy(root, split)),
};

export const coco = benchmark({
  name: 'coco',
  splits: ['test', 'val'],
  paper: [
    {model: 'Emu', value: 1.124, source: 'arXiv 2312.09251, table 2'},
    {model: 'Emu-I', value: 1.204, source: 'arXiv 2409.17692, table 3'},
  ],
  read: readKarpathy,
  support: cocoSupport,
});

export const nocaps = benchmark({
  name: 'nocaps',
  splits: ['val', 'test'],
  paper: [{model: 'Emu', value: 0.965, source: 'recalled, not verified'}],
  read: (root, split) => {
    const folder = path.join(root, 'nocaps');
    const file = path.join(folder, `nocaps_${split}_4500_captions.json`);
    const captions = split === 'val' ? referencesIn(file) : new Map<number, string[]>();
    const list = split === 'val' ? file : path.join(folder, 'nocaps_test_image_info.json');
    const {images} = readJson(list, captionFile.partial({annotations: true}));
    const items = images.map(({id, file_name: name}) => ({
      id,
      file: path.join(folder, 'images', split, name ?? `${id}.jpg`),
      references: captions.get(id) ?? [],
    }));
    if (split === 'val') checkReferences(file, items);
    return items;
  },
  support: {...cocoSupport, splits: ['train']},
});

const flickrFile = z.object({
  images: z.array(
    z.object({
      filename: z.string(),
      split: z.string(),
      sentences: z.array(z.object({raw: z.string()})),
    }),
  ),
});

function readFlickr(root: string, split: string): CaptionItem[] {
  const folder = path.join(root, 'flickr30k');
  const {images} = readJson(path.join(folder, 'dataset_flickr30k.json'), flickrFile);
  return images
    .filter((image) => image.split === split)
    .map(({filename, sentences}) => ({
      id: Number(path.parse(filename).name),
      file: path.join(folder, 'images', filename),
      references: sentences.map(({raw}) => raw),
    }));
}

export const flickr30k = benchmark({
  name: 'flickr30k',
  splits: ['test', 'val'],
  paper: [{model: 'Emu', value: 0.72, source: 'recalled, not verified'}],
  read: readFlickr,
  support: {splits: ['train', 'val'], read: readFlickr},
});
