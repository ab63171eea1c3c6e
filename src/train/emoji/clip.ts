// Clips of one object that does one thing: eight frames, each of them a scene.
import type {Random} from '../../random.js';
import type {Scene, SceneMaker, SceneObject} from './scene.js';

export const CLIP_FRAMES = 8;

export const events = ['moves', 'appears', 'disappears', 'grows', 'shrinks', 'stays'] as const;

export type ClipEvent = (typeof events)[number];

export const directions = ['left', 'right', 'up', 'down'] as const;

export type Direction = (typeof directions)[number];

export interface Clip {
  readonly event: ClipEvent;
  /** Which way it moves, where it does. */
  readonly direction?: Direction;
  readonly concept: number;
  readonly frames: readonly Scene[];
}

/** Longer side of what does not change its size, as a share of the canvas. */
const SIZES = [0.38, 0.5] as const;
const SMALL = [0.22, 0.28] as const;
const LARGE = [0.6, 0.7] as const;

/** A clip of this event; its object, ground and path are drawn. */
export function drawClip(maker: SceneMaker, event: ClipEvent, random: Random): Clip {
  const scene = maker.draw({layout: 'single', tinted: false}, random);
  const object = scene.objects[0]!;
  const direction = event === 'moves' ? random.pick(directions) : undefined;
  const changes = paths[event](random, direction);
  const frames = Array.from({length: CLIP_FRAMES}, (_, i) => {
    const change = changes(i / (CLIP_FRAMES - 1));
    return {...scene, objects: change ? [{...object, ...change}] : []};
  });
  return {event, concept: object.concept, frames, ...(direction ? {direction} : {})};
}

/** What changes about the object at a time from 0 to 1; undefined while it is not there. */
type Path = (time: number) => Partial<SceneObject> | undefined;

function somewhere(size: number, random: Random): {x: number; y: number; size: number} {
  const centre = () => random.between(size / 2, 1 - size / 2);
  return {x: centre(), y: centre(), size};
}

function resized(from: readonly [number, number], to: readonly [number, number], random: Random) {
  const [first, last] = [random.between(...from), random.between(...to)];
  const {x, y} = somewhere(Math.max(first, last), random);
  return (time: number) => ({x, y, size: first + time * (last - first)});
}

const paths: Record<ClipEvent, (random: Random, direction?: Direction) => Path> = {
  moves(random, direction) {
    const place = somewhere(random.between(...SIZES), random);
    const near = place.size / 2 + random.between(0, 0.08);
    const far = 1 - place.size / 2 - random.between(0, 0.08);
    const isForward = direction === 'right' || direction === 'down';
    const [from, to] = isForward ? [near, far] : [far, near];
    const axis = direction === 'left' || direction === 'right' ? 'x' : 'y';
    return (time) => ({...place, [axis]: from + time * (to - from)});
  },
  appears(random) {
    const place = somewhere(random.between(...SIZES), random);
    const from = random.between(0.35, 0.65);
    return (time) => (time < from ? undefined : place);
  },
  disappears(random) {
    const place = somewhere(random.between(...SIZES), random);
    const until = random.between(0.35, 0.65);
    return (time) => (time < until ? place : undefined);
  },
  grows: (random) => resized(SMALL, LARGE, random),
  shrinks: (random) => resized(LARGE, SMALL, random),
  stays(random) {
    const place = somewhere(random.between(...SIZES), random);
    return () => place;
  },
};
