// What sources say of themselves before they are opened: the words they use and the things they show.
import {describeEmoji, describeScenes} from '../emoji/open.js';
import {importPlugin, type SourceFacts} from './openDataset.js';
import type {SourceSpec} from './spec.js';

const nothing: SourceFacts = {words: [], numClasses: 0};

async function describe(spec: SourceSpec): Promise<SourceFacts> {
  if (spec.kind === 'emoji') return describeEmoji(spec);
  if (spec.kind === 'scenes') return describeScenes(spec);
  if (spec.kind !== 'plugin') return nothing;
  const {describe: facts} = await importPlugin(spec.module);
  return facts ? facts(spec.options) : nothing;
}

/** The facts of all sources together. */
export async function describeSources(specs: readonly SourceSpec[]): Promise<SourceFacts> {
  const facts = await Promise.all(specs.map(describe));
  return {
    words: [...new Set(facts.flatMap(({words}) => words))],
    numClasses: Math.max(0, ...facts.map(({numClasses}) => numClasses)),
  };
}
