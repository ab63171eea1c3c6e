// What sources say of themselves before they are opened: the words they use and the things they show.
import {EmuError} from '../../errors.js';
import {splitWords} from '../../text/wordTokenizer.js';
import {describeEmoji, describeScenes} from '../emoji/open.js';
import {importPlugin, openDataset, type SourceFacts} from './openDataset.js';
import type {SourceSpec} from './spec.js';

const nothing: SourceFacts = {words: [], numClasses: 0};
/** Texts of a source that are read for its words. */
const MAX_TEXTS = 100_000;

async function describe(spec: SourceSpec, needsWords: boolean): Promise<SourceFacts> {
  if (spec.kind === 'emoji') return describeEmoji(spec);
  if (spec.kind === 'scenes') return describeScenes(spec);
  if (spec.kind !== 'plugin')
    return needsWords ? {words: await wordsOf(spec), numClasses: 0} : nothing;
  const {describe: facts} = await importPlugin(spec.module);
  return facts ? facts(spec.options) : nothing;
}

/** The words of a source's texts: of all, or of 100,000 spread over a larger one; the bad are passed over. */
async function wordsOf(spec: SourceSpec): Promise<string[]> {
  const context = {imageSize: 1, prepare: unseen, seed: 0};
  const dataset = await openDataset(spec, context);
  try {
    const words = new Set<string>();
    const stride = Math.max(1, dataset.size / MAX_TEXTS);
    for (let at = 0; at < dataset.size; at += stride) {
      const text = await dataset.text?.(Math.floor(at)).catch(passOver);
      for (const word of splitWords(text ?? '')) words.add(word);
    }
    return [...words];
  } finally {
    dataset.close();
  }
}

function unseen(): never {
  throw new Error('describe: expected no picture to be read');
}

function passOver(error: unknown): undefined {
  if (!(error instanceof EmuError)) throw error;
}

/** The facts of all sources together; `needsWords`: for a vocabulary of the words of their texts. */
export async function describeSources(
  specs: readonly SourceSpec[],
  needsWords: boolean,
): Promise<SourceFacts> {
  const facts = await Promise.all(specs.map((spec) => describe(spec, needsWords)));
  return {
    words: [...new Set(facts.flatMap(({words}) => words))],
    numClasses: Math.max(0, ...facts.map(({numClasses}) => numClasses)),
  };
}
