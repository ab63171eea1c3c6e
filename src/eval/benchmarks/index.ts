// Every benchmark by its name.
import type {Benchmark} from '../benchmark.js';
import {coco, flickr30k, nocaps} from './captions.js';
import {easyvqa} from './easyvqa.js';
import {fid} from './fid.js';
import {mini} from './mini.js';
import {mmvet} from './mmvet.js';
import {nextqa} from './nextqa.js';
import {msrvtt, msvd} from './videoQa.js';
import {visdial} from './visdial.js';
import {vizwiz} from './vizwiz.js';
import {okvqa, vqav2} from './vqa.js';

const all = [
  ...[coco, nocaps, flickr30k, vqav2, okvqa, vizwiz, visdial],
  ...[msvd, msrvtt, nextqa, mmvet, fid, mini, easyvqa],
];

export const benchmarks: ReadonlyMap<string, Benchmark> = new Map(
  all.map((benchmark) => [benchmark.name, benchmark as unknown as Benchmark]),
);
