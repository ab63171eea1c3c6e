// emu-mini's own benchmark: naming and questions about scenes and clips, composed at run time of drawings by
// artists that were never trained on, beside what can be had without looking.
import {existsSync} from 'node:fs';
import path from 'node:path';
import {InputError} from '../../errors.js';
import {artFolder, type Concept, fetchArt, fetchPackages} from '../../train/emoji/art.js';
import type {Benchmark, Predicted} from '../benchmark.js';
import {groupScores} from '../groupScores.js';
import {ANIMATED_VERSION, animated} from './mini/animated.js';
import {
  Art,
  concepts853,
  isHeldOut,
  naming200,
  readClip,
  readOnWhite,
  trainVendors,
} from './mini/art.js';
import {MatchTask} from './mini/matchTask.js';
import {type Named, NamingTask} from './mini/namingTask.js';
import {photos} from './mini/photos.js';
import {allKinds, describer, SceneTask} from './mini/sceneTask.js';
import {type MiniItem, once, type Task} from './mini/task.js';

/** Pixels of a drawing's side: as scenes are composed of it, and of those that were trained on. */
const ART_SIZE = 128;
const TRAINING_SIZE = 64;
/** Of a single picture that is to be named. */
const NAMING_SIZE = 256;
const FRAMES = 8;

/** Where Debian's package puts its stamps. */
const STAMPS = '/usr/share/tuxpaint/stamps';

interface Split {
  /** Of npm's packages, or of the stamps. */
  readonly ownRoot: () => string;
  /** Vendors whose drawings are asked about. */
  readonly vendors: readonly string[];
  tasks(root: string): readonly Task[];
  fetch?(root: string, onProgress: (line: string) => void): void;
}

const training = (concepts: readonly Concept[], folder: string) =>
  new Art(concepts, trainVendors, TRAINING_SIZE, folder);

const in200 = once(() => new Set(naming200().map(({hex}) => hex)));

/** Naming of a vendor's drawings on white, and questions about scenes and clips of them. */
function vendorSplit(vendor: string, list: () => readonly Concept[]): Split {
  return {
    ownRoot: artFolder,
    vendors: [vendor],
    tasks(root) {
      const art = new Art(list(), [vendor], ART_SIZE, root);
      const learnt = training(list(), root);
      const isAll = list().length > naming200().length;
      const named = art.concepts.map((concept): Named => {
        const part = in200().has(concept.hex) ? '-200' : isHeldOut(concept) ? '-unseen' : undefined;
        return {
          id: concept.hex,
          label: concept.label,
          pictures: async () => [await art.onWhite(concept, NAMING_SIZE)],
          ...(isAll && part ? {parts: [`naming${part}`]} : {}),
        };
      });
      const plainly = named.map(({parts: _, ...one}) => one);
      const maker = describer(art);
      return [
        new NamingTask({kind: 'naming', named, question: '', training: learnt}),
        new NamingTask({
          kind: 'asked',
          named: plainly,
          question: 'what is this?',
          training: learnt,
        }),
        ...allKinds.map((kind) => new SceneTask(kind, maker, art, learnt)),
      ];
    },
  };
}

const unseen: Split = {
  ownRoot: artFolder,
  vendors: ['twemoji', 'openmoji'],
  tasks(root) {
    const concepts = concepts853().filter(isHeldOut);
    const [shown, asked] = ['twemoji', 'openmoji'].map(
      (vendor) => new Art(concepts, [vendor], ART_SIZE, root),
    );
    return [new MatchTask(2, shown!, asked!), new MatchTask(4, shown!, asked!)];
  },
};

const photoSplit: Split = {
  ownRoot: () => STAMPS,
  vendors: [],
  fetch(root) {
    const missing = photos.find(({file}) => !existsSync(path.join(root, file)));
    if (missing)
      throw new InputError(
        path.join(root, missing.file),
        'no such file',
        `install Debian’s package tuxpaint-stamps-default, or name the folder of its stamps with --data`,
      );
  },
  tasks(root) {
    const labels = new Set(photos.map(({label}) => label));
    const shown = concepts853().filter(({label}) => labels.has(label));
    const known = new Set(shown.filter(({hex}) => in200().has(hex)).map(({label}) => label));
    const named = photos.map(
      ({label, file}): Named => ({
        id: file,
        label,
        pictures: async () => [await readOnWhite(path.join(root, file), NAMING_SIZE)],
        ...(known.has(label) ? {parts: ['naming-200']} : {}),
      }),
    );
    return [
      new NamingTask({kind: 'naming', named, question: '', training: training(shown, artFolder())}),
    ];
  },
};

const clipSplit: Split = {
  ownRoot: artFolder,
  vendors: [],
  fetch(root, onProgress) {
    const missing = animated.filter(
      (one) => !existsSync(path.join(root, 'node_modules', one.package, 'package.json')),
    );
    const specs = missing.map((one) => `${one.package}@${ANIMATED_VERSION}`);
    fetchPackages(specs, onProgress, root);
  },
  tasks(root) {
    const key = (hex: string) => hex.toUpperCase().replaceAll('-FE0F', '');
    const byKey = new Map(concepts853().map((concept) => [key(concept.hex), concept]));
    const all = animated.flatMap((one) =>
      one.assets.map((asset) => ({
        concept: byKey.get(key(asset))!,
        file: path.join(root, 'node_modules', one.package, 'assets', `${asset}.webp`),
      })),
    );
    // The first emu-mini's names come first.
    const [known, others] = [true, false].map((isKnown) =>
      all.filter(({concept}) => in200().has(concept.hex) === isKnown),
    );
    const shown = [...known!, ...others!];
    const named = shown.map(
      ({concept, file}): Named => ({
        id: concept.hex,
        label: concept.label,
        pictures: () => readClip(file, FRAMES, NAMING_SIZE),
        ...(in200().has(concept.hex) ? {parts: ['naming-200']} : {}),
      }),
    );
    const concepts = shown.map(({concept}) => concept);
    const learnt = training(concepts, root);
    return [
      new NamingTask({
        kind: 'naming',
        named,
        question: 'what is this?',
        training: learnt,
        isClip: true,
      }),
    ];
  },
};

/** By the names of docs/evaluation.md; without -all over the first emu-mini's 200 names. */
const splits: Readonly<Record<string, Split>> = {
  openmoji: vendorSplit('openmoji', naming200),
  'openmoji-all': vendorSplit('openmoji', concepts853),
  streamline: vendorSplit('streamline-emojis', naming200),
  'streamline-all': vendorSplit('streamline-emojis', concepts853),
  validation: vendorSplit('emojione-v1', naming200),
  'validation-all': vendorSplit('emojione-v1', concepts853),
  unseen,
  photos: photoSplit,
  clips: clipSplit,
};

/** One of each task, then the next of each, so that the first of all are of all kinds. */
function inTurn(tasks: readonly Task[]): MiniItem[] {
  const longest = Math.max(...tasks.map(({items}) => items.length));
  return Array.from({length: longest}, (_, i) => tasks.flatMap(({items}) => items[i] ?? [])).flat();
}

/** Every item with other pictures than its own. */
function controlsOf(task: Task): MiniItem[] {
  const {items} = task;
  return items.flatMap((item, rank) => {
    const other = items[(rank + 1) % items.length]!;
    return Object.entries(task.controls(item, other)).map(([name, changed]): MiniItem => {
      const {id} = item;
      return {...item, ...changed, id: `${id}:${name}`, control: {name, of: id, rank}};
    });
  });
}

export const mini: Benchmark<MiniItem> = {
  name: 'mini',
  media: 'picture',
  splits: Object.keys(splits) as [string, ...string[]],
  headline: 'accuracy',
  paper: [],
  ownRoot: (split) => splits[split]!.ownRoot(),
  fetch(root, name, onProgress) {
    const split = splits[name]!;
    split.fetch?.(root, onProgress);
    const folder = split.ownRoot() === artFolder() ? root : artFolder();
    fetchArt([...new Set([...split.vendors, ...trainVendors])], onProgress, folder);
  },
  read(root, split) {
    const tasks = splits[split]!.tasks(root);
    return [...inTurn(tasks), ...tasks.flatMap(controlsOf)];
  },
  questions: (item) => [item.task.ask(item)],
  expected: ({asked}) => [asked.answer],
  submission: () => undefined,
  score(predicted) {
    const baselines = new Map<string, Readonly<Record<string, number>>>();
    for (const {item} of predicted)
      for (const metric of item.metrics)
        if (!baselines.has(metric)) baselines.set(metric, item.task.baselines());
    return groupScores(
      predicted.map(({item, prediction}: Predicted<MiniItem>) => ({
        metrics: ['accuracy', ...item.metrics],
        isRight: item.task.isRight(item, prediction),
        ...(item.control ? {control: item.control.name} : {}),
      })),
      baselines,
    );
  },
  async nearest(items) {
    const right = new Map<string, boolean[]>();
    for (const task of new Set(items.map((item) => item.task))) {
      const own = items.filter((item) => item.task === task);
      const answers = await task.nearest(own);
      for (const [i, {metrics}] of own.entries())
        for (const metric of metrics)
          right.set(metric, [...(right.get(metric) ?? []), answers[i]!]);
    }
    return new Map(
      [...right].map(([metric, all]) => [metric, (100 * all.filter(Boolean).length) / all.length]),
    );
  },
};
