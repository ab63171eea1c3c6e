// A recipe small enough for a test: two phases of a few steps, a model of a few thousand weights.
import {mkdirSync, writeFileSync} from 'node:fs';
import path from 'node:path';

export const tinyRecipe = `
seed: 3
model:
  vision:
    {imageSize: 16, patchSize: 8, layers: 1, width: 16, headWidth: 8, mlpRatio: 2,
     stem: {channels: [4, 6, 8], blocks: [0, 1, 0]}}
  causalFormer: {numTokens: 2, layers: 1, hiddenSize: 12, numHeads: 2, headDim: 4, intermediateSize: 16}
  llama: {hiddenSize: 16, layers: 1, numHeads: 2, intermediateSize: 24, contextLength: 64}
vocabulary: words
data:
  sources:
    drawings: &drawings
      kind: emoji
      concepts: concepts.json
      vendors: [noto, twemoji]
      artSize: 16
      augmentation: {plain: 0.5, rotation: 5, scale: [0.7, 1], aspect: 0.1, flip: 0.5, recolour: 0.3, grey: 0.1, outline: 0.3, ground: 0.3, noise: 1}
    documents:
      <<: *drawings
      documents: {caption: 2, question: 1, draw: 1, interleaved: 1}
phases:
  - name: see
    objective: classify
    steps: 6
    batch: 4
    learningRates: {vision: 0.002}
    warmupSteps: 2
    sources: {drawings: 1}
  - name: read
    objective: documents
    steps: 4
    batch: 3
    learningRates: {causalFormer: 0.001, llama: 0.001}
    sources: {documents: 1}
logEvery: 1
`;

/** Puts the recipe, its concepts and drawings of two made-up vendors into `folder`; the recipe's file. */
export function writeTinyRecipe(folder: string): string {
  const shapes: Record<string, string> = {
    disc: '<circle cx="8" cy="8" r="7" fill="COLOUR"/>',
    box: '<rect x="2" y="3" width="12" height="10" fill="COLOUR"/>',
    bar: '<path d="M1 13 L13 1 L15 3 L3 15 Z" fill="COLOUR"/>',
  };
  for (const [vendor, colour] of [
    ['noto', '#c33'],
    ['twemoji', '#36c'],
  ] as const) {
    const icons = Object.fromEntries(
      Object.entries(shapes).map(([name, body]) => [name, {body: body.replace('COLOUR', colour)}]),
    );
    const home = path.join(folder, 'art/node_modules/@iconify-json', vendor);
    mkdirSync(home, {recursive: true});
    writeFileSync(path.join(home, 'icons.json'), JSON.stringify({width: 16, height: 16, icons}));
  }
  const concepts = Object.keys(shapes).map((name) => ({
    hex: name,
    label: `${name} shape`,
    icons: {noto: name, twemoji: name},
  }));
  writeFileSync(path.join(folder, 'concepts.json'), JSON.stringify(concepts));
  const file = path.join(folder, 'recipe.yaml');
  writeFileSync(file, tinyRecipe);
  return file;
}
