// emu-mini's sources as a recipe names them.
import {readFileSync} from 'node:fs';
import {fileProblem} from '../../data/source.js';
import {InputError} from '../../errors.js';
import {splitWords} from '../../text/wordTokenizer.js';
import type {DatasetContext, SourceFacts} from '../data/openDataset.js';
import {type Concept, loadDrawings} from './art.js';
import {EmojiDocuments} from './documents.js';
import {questionWords} from './forms.js';
import {SceneMaker} from './scene.js';
import {SceneSource} from './sceneSource.js';
import type {EmojiSpec, SceneSpec} from './spec.js';
import {documentWords} from './words.js';

/** A list of concepts, as recipes/*.json hold it. */
export function readConcepts(file: string): Concept[] {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw fileProblem(file, error);
  }
  try {
    return JSON.parse(text) as Concept[];
  } catch (error) {
    throw new InputError(file, `is no list of concepts (${(error as Error).message})`);
  }
}

const drawingsOf = ({vendors, artSize}: EmojiSpec | SceneSpec, concepts: readonly Concept[]) =>
  loadDrawings(concepts, vendors, artSize, (line) => console.error(`emu: ${line}`));

export async function openEmoji(
  spec: EmojiSpec,
  {imageSize, targetSize}: DatasetContext,
): Promise<EmojiDocuments> {
  const concepts = readConcepts(spec.concepts);
  const drawings = await drawingsOf(spec, concepts);
  return new EmojiDocuments(concepts, drawings, {...spec, imageSize, targetSize});
}

export async function openScenes(
  spec: SceneSpec,
  {imageSize, targetSize}: DatasetContext,
): Promise<SceneSource> {
  const concepts = readConcepts(spec.concepts);
  const maker = new SceneMaker(concepts, await drawingsOf(spec, concepts), spec.augmentation);
  const {questions, ...options} = spec;
  return new SceneSource(maker, {
    ...options,
    imageSize,
    targetSize,
    ...(questions ? {weights: questions} : {}),
  });
}

/** Every word of documents about these concepts. */
export function describeEmoji(spec: EmojiSpec): SourceFacts {
  return factsOf(spec, documentWords);
}

/** Every word of questions about these concepts, and of their answers. */
export function describeScenes(spec: SceneSpec): SourceFacts {
  return factsOf(spec, [...documentWords, ...questionWords()]);
}

function factsOf(spec: {concepts: string}, texts: readonly string[]): SourceFacts {
  const labels = readConcepts(spec.concepts).map(({label}) => label);
  return {
    words: [...new Set([...labels, ...texts].flatMap(splitWords))],
    numClasses: labels.length,
  };
}
