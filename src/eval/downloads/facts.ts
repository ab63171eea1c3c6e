// Where each benchmark's files come from, word for word what their pages call them, and how many entries
// they have officially. What is not known is left out.

export interface NeededFile {
  /** Under the benchmarks' folder. */
  readonly path: string;
  /** Its page's name, and its name there where that is another. */
  readonly from: string;
  readonly splits: readonly string[];
  /** Not needed for a run without more. */
  readonly isOptional?: boolean;
}

export interface NeededMedia {
  readonly folder: string;
  readonly from: string;
  readonly splits: readonly string[];
  /** Files in the whole archive: a split may use only some. */
  readonly count?: number;
  /** Of the download. */
  readonly size?: string;
}

export interface DownloadFacts {
  readonly title: string;
  readonly licence: string;
  /** Items by split. */
  readonly items: Readonly<Record<string, number>>;
  /** Pictures or videos that the items of a split are about. */
  readonly media: Readonly<Record<string, number>>;
  readonly files: readonly NeededFile[];
  readonly archives: readonly NeededMedia[];
  readonly note?: string;
}

const PICTURES = "pictures: Flickr's terms, each its own licence";
const COCO_LICENCE = `annotations: Creative Commons BY 4.0; ${PICTURES}`;
const COCO = 'COCO, page Download';
const KARPATHY = "Karpathy's split of COCO in the form that BLIP and LAVIS publish it";

function cocoPictures(splits: readonly string[]): NeededMedia {
  return {
    folder: 'coco/images/val2014',
    from: `${COCO}: 2014 Val images`,
    splits,
    count: 40_504,
    size: '6 GB',
  };
}

/** For prompts with examples (`--shots`) only. */
function forExamples(path: string, from: string): NeededFile {
  return {path, from: `${from} (for --shots)`, splits: ['train'], isOptional: true};
}

const cocoTrainPictures: NeededMedia = {
  folder: 'coco/images/train2014',
  from: `${COCO}: 2014 Train images (for --shots)`,
  splits: ['train'],
  count: 82_783,
  size: '13 GB',
};

const coco: DownloadFacts = {
  title: "COCO captions, Karpathy's split",
  licence: COCO_LICENCE,
  items: {test: 5000, val: 5000},
  media: {test: 5000, val: 5000},
  files: [
    ...['test', 'val'].flatMap((split) => [
      {path: `coco/annotations/coco_karpathy_${split}.json`, from: KARPATHY, splits: [split]},
      {path: `coco/annotations/coco_karpathy_${split}_gt.json`, from: KARPATHY, splits: [split]},
    ]),
    forExamples('coco/annotations/coco_karpathy_train.json', KARPATHY),
  ],
  archives: [cocoPictures(['test', 'val']), cocoTrainPictures],
};

const nocaps: DownloadFacts = {
  title: 'NoCaps',
  licence: 'pictures: Open Images, Creative Commons BY 2.0; annotations: not known',
  items: {val: 4500, test: 10_600},
  media: {val: 4500, test: 10_600},
  files: [
    {
      path: 'nocaps/nocaps_val_4500_captions.json',
      from: "NoCaps' page: validation",
      splits: ['val'],
    },
    {path: 'nocaps/nocaps_test_image_info.json', from: "NoCaps' page: test", splits: ['test']},
    forExamples('coco/annotations/coco_karpathy_train.json', KARPATHY),
  ],
  archives: [
    {folder: 'nocaps/images/val', from: 'Open Images, by the ids of the list', splits: ['val']},
    {folder: 'nocaps/images/test', from: 'Open Images, by the ids of the list', splits: ['test']},
  ],
};

const flickr30k: DownloadFacts = {
  title: "Flickr30k, Karpathy's split",
  licence: "pictures: Flickr's terms, for research only; captions: not known",
  items: {test: 1000, val: 1014},
  media: {test: 1000, val: 1014},
  files: [
    {
      path: 'flickr30k/dataset_flickr30k.json',
      from: "Karpathy's page of caption data sets",
      splits: ['test', 'val'],
    },
  ],
  archives: [
    {
      folder: 'flickr30k/images',
      from: 'Flickr30k, by the request form of its page',
      splits: ['test', 'val'],
      count: 31_783,
    },
  ],
};

const vqav2: DownloadFacts = {
  title: 'VQA v2',
  licence: `questions and answers: Creative Commons BY 4.0; ${PICTURES}`,
  items: {val: 214_354, test: 447_793},
  media: {val: 40_504, test: 81_434},
  files: [
    {
      path: 'coco/annotations/vqa_test.json',
      from: 'VQA in the form that BLIP and LAVIS publish it',
      splits: ['test'],
    },
    {
      path: 'coco/annotations/vqa_val_eval.json',
      from: 'VQA in the form that BLIP and LAVIS publish it',
      splits: ['val'],
    },
    {
      path: 'coco/annotations/v2_mscoco_val2014_annotations.json',
      from: 'VQA, page Download: Validation annotations 2017 v2.0',
      splits: ['val'],
    },
    forExamples(
      'coco/annotations/vqa_train.json',
      'VQA in the form that BLIP and LAVIS publish it',
    ),
  ],
  archives: [
    cocoPictures(['val']),
    {
      folder: 'coco/images/test2015',
      from: `${COCO}: 2015 Test images`,
      splits: ['test'],
      count: 81_434,
      size: '12 GB',
    },
    cocoTrainPictures,
  ],
  note: "test-dev is 107,394 of test's questions; the server scores either from one submission",
};

const okvqa: DownloadFacts = {
  title: 'OK-VQA',
  licence: `questions and answers: not known; ${PICTURES}`,
  items: {val: 5046},
  media: {},
  files: [
    {
      path: 'okvqa/annotations/vqa_val_eval.json',
      from: 'OK-VQA in the form that LAVIS publishes it',
      splits: ['val'],
    },
    {
      path: 'okvqa/annotations/mscoco_val2014_annotations.json',
      from: 'OK-VQA, page Download: Testing annotations v1.1',
      splits: ['val'],
    },
    forExamples('okvqa/annotations/okvqa_train.json', 'OK-VQA in the form that LAVIS publishes it'),
  ],
  archives: [cocoPictures(['val']), cocoTrainPictures],
};

const vizwiz: DownloadFacts = {
  title: 'VizWiz VQA',
  licence: 'Creative Commons BY 4.0',
  items: {test: 8000, val: 4319},
  media: {test: 8000, val: 4319},
  files: [
    ...['test', 'val'].map((split) => ({
      path: `vizwiz/annotations/${split}.json`,
      from: 'VizWiz, page Visual Question Answering: Annotations',
      splits: [split],
    })),
    forExamples(
      'vizwiz/annotations/train.json',
      'VizWiz, page Visual Question Answering: Annotations',
    ),
  ],
  archives: ['test', 'val'].map((split) => ({
    folder: `vizwiz/images/${split}`,
    from: 'VizWiz, page Visual Question Answering: Images',
    splits: [split],
    count: split === 'test' ? 8000 : 4319,
  })),
};

const visdial: DownloadFacts = {
  title: 'VisDial v1.0',
  licence: `dialogs: Creative Commons BY 4.0; pictures: Flickr's terms`,
  items: {val: 20_640},
  media: {val: 2064},
  files: [
    {
      path: 'visdial/visdial_1.0_val.json',
      from: 'Visual Dialog, page Data: v1.0 Validation',
      splits: ['val'],
    },
    {
      path: 'visdial/visdial_1.0_val_dense_annotations.json',
      from: 'Visual Dialog, page Data: v1.0 Validation dense annotations',
      splits: ['val'],
      isOptional: true,
    },
    forExamples('visdial/visdial_1.0_test.json', 'Visual Dialog, page Data: v1.0 Test'),
  ],
  archives: [
    {
      folder: 'visdial/VisualDialog_val2018',
      from: 'Visual Dialog, page Data: v1.0 Validation images',
      splits: ['val'],
      count: 2064,
    },
  ],
  note: '2,064 dialogs of 10 rounds; without the dense annotations there is no NDCG',
};

const msvd: DownloadFacts = {
  title: 'MSVD-QA',
  licence: 'not known',
  items: {test: 13_157},
  media: {},
  files: [
    {
      path: 'msvd-qa/test_qa.json',
      from: 'repository of Video Question Answering via Gradually Refined Attention (xudejing): MSVD-QA',
      splits: ['test'],
    },
    forExamples('msvd-qa/train_qa.json', 'the same archive'),
    {path: 'msvd-qa/youtube_mapping.txt', from: 'the same archive', splits: ['test']},
  ],
  archives: [
    {
      folder: 'msvd-qa/video',
      from: 'Microsoft Research Video Description Corpus, files named vid<number>.avi as in youtube_mapping.txt',
      splits: ['test'],
      count: 1970,
    },
  ],
};

const msrvtt: DownloadFacts = {
  title: 'MSRVTT-QA',
  licence: 'not known',
  items: {test: 72_821},
  media: {},
  files: [
    {
      path: 'msrvtt-qa/test_qa.json',
      from: 'repository of Video Question Answering via Gradually Refined Attention (xudejing): MSRVTT-QA',
      splits: ['test'],
    },
    forExamples('msrvtt-qa/train_qa.json', 'the same archive'),
  ],
  archives: [
    {folder: 'msrvtt-qa/video', from: 'MSR-VTT 2016: test videos', splits: ['test'], count: 10_000},
  ],
};

const nextqa: DownloadFacts = {
  title: 'NExT-QA, open-ended',
  licence: 'questions: MIT; videos: VidOR, of YFCC100M, each its own Creative Commons licence',
  items: {test: 9178},
  media: {},
  files: [
    ...['test', 'val'].map((split) => ({
      path: `nextqa/${split}.csv`,
      from: 'repository NExT-OE: dataset/nextqa',
      splits: [split],
    })),
    forExamples('nextqa/train.csv', 'repository NExT-OE: dataset/nextqa'),
    {
      path: 'nextqa/map_vid_vidorID.json',
      from: 'repository NExT-QA: dataset/nextqa',
      splits: ['test', 'val'],
    },
    ...['test', 'val'].map((split) => ({
      path: `nextqa/add_reference_answer_${split}.json`,
      from: 'repository NExT-OE: dataset/nextqa',
      splits: [split],
      isOptional: true,
    })),
  ],
  archives: [
    {folder: 'nextqa/videos', from: "NExT-QA's page: raw videos of VidOR", splits: ['test', 'val']},
  ],
  note: 'scoring takes WordNet 3.0: Debian’s package wordnet-base, or a folder in EMU_WORDNET',
};

const mmvet: DownloadFacts = {
  title: 'MM-Vet',
  licence: 'not known',
  items: {all: 218},
  media: {all: 200},
  files: [
    {path: 'mm-vet/mm-vet.json', from: "MM-Vet's repository: archive mm-vet", splits: ['all']},
  ],
  archives: [
    {
      folder: 'mm-vet/images',
      from: "MM-Vet's repository: archive mm-vet",
      splits: ['all'],
      count: 200,
    },
  ],
};

const fid: DownloadFacts = {
  title: 'FID on captions of COCO',
  licence: COCO_LICENCE,
  items: {val2014: 30_000},
  media: {},
  files: [
    {
      path: 'coco/annotations/captions_val2014.json',
      from: `${COCO}: 2014 Train/Val annotations`,
      splits: ['val2014'],
    },
  ],
  archives: [cocoPictures(['val2014'])],
  note: 'the pictures are for the reference features, which are made with an Inception network elsewhere',
};

const PACKAGES = 'node_modules/@iconify-json';
const BY_EMU = 'npm: `emu eval mini` fetches it';
const DRAWN = 11_800;

const mini: DownloadFacts = {
  title: "emu-mini's own: drawings named, questions about scenes and clips of them",
  licence:
    'OpenMoji, EmojiOne v1: CC-BY-SA 4.0; Streamline, Twemoji, EmojiTwo, FxEmoji: CC-BY 4.0; Noto: Apache-2.0; Fluent: MIT; stamps: each its own',
  items: {
    openmoji: DRAWN,
    'openmoji-all': 13_106,
    streamline: 11_534,
    'streamline-all': 11_930,
    validation: 11_652,
    'validation-all': 12_518,
    unseen: 1200,
    photos: 92,
    clips: 257,
  },
  media: {},
  files: [
    ...[
      ['openmoji', ['openmoji', 'openmoji-all', 'unseen']],
      ['streamline-emojis', ['streamline', 'streamline-all']],
      ['emojione-v1', ['validation', 'validation-all']],
    ].map(([vendor, splits]) => ({
      path: `${PACKAGES}/${vendor as string}/icons.json`,
      from: BY_EMU,
      splits: splits as string[],
    })),
    ...['noto', 'noto-v1', 'twemoji', 'fluent-emoji-flat', 'emojione', 'fxemoji'].map((vendor) => ({
      path: `${PACKAGES}/${vendor}/icons.json`,
      from: `${BY_EMU}, for the nearest neighbours`,
      splits: [],
    })),
  ],
  archives: [
    {
      folder: 'node_modules/@lobehub',
      from: 'split clips: npm, fetched only for it',
      splits: ['clips'],
      count: 3395,
      size: '700 MB',
    },
    {
      folder: 'animals',
      from: 'split photos: the stamps of Debian’s package tuxpaint-stamps-default',
      splits: ['photos'],
      size: '161 MB',
    },
  ],
  note: 'the packages are looked for in the cache folder, the stamps where Debian puts them; --data names another folder for the split',
};

const easyvqa: DownloadFacts = {
  title: 'easy-VQA 1.0',
  licence: 'MIT',
  items: {test: 9673},
  media: {},
  files: [
    {
      path: 'easyvqa/easy_vqa-1.0-py3-none-any.whl',
      from: 'PyPI: pip download easy-vqa==1.0 --no-deps -d DIR/easyvqa',
      splits: ['test'],
    },
  ],
  archives: [],
  note: '1,000 pictures of 64x64; the wheel is read as it is, or unpacked; --data may name it, or its folder',
};

export const downloadFacts: ReadonlyMap<string, DownloadFacts> = new Map(
  Object.entries({
    ...{coco, nocaps, flickr30k, vqav2, okvqa, vizwiz, visdial},
    ...{msvd, msrvtt, nextqa, mmvet, fid, mini, easyvqa},
  }),
);

/** How many items the published split has, where known. */
export function officialCount(benchmark: string, split: string): number | undefined {
  return downloadFacts.get(benchmark)?.items[split];
}
