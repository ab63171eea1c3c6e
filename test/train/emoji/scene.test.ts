// A scene's picture shows what its description says.
import {suite} from 'uvu';
import * as assert from 'uvu/assert';
import type {Picture} from '../../../src/data/picture.js';
import {processImage} from '../../../src/data/preprocess.js';
import {Random} from '../../../src/random.js';
import {Canvas} from '../../../src/train/emoji/canvas.js';
import {directions, drawClip, events} from '../../../src/train/emoji/clip.js';
import {colourNames, drawShade, nearestColour, tintMap} from '../../../src/train/emoji/colours.js';
import {compose, plain} from '../../../src/train/emoji/compose.js';
import {cellOf, cells, relationOf} from '../../../src/train/emoji/places.js';
import {
  type Layout,
  type Scene,
  type SceneWishes,
  scenePicture,
  scenePixels,
} from '../../../src/train/emoji/scene.js';
import {disc, shapeMaker} from './shapes.js';

const test = suite('scene');
const SIZE = 64;
const maker = shapeMaker();
const still = (scene: Scene): Scene => ({...scene, grain: {deviation: 0, start: 0}});

function scenes(wishes: SceneWishes, count = 80): Scene[] {
  const random = new Random(11);
  return Array.from({length: count}, () => maker.draw(wishes, random));
}

interface Mass {
  /** Pixels that differ from the ground. */
  readonly area: number;
  /** Their centre, as shares of the canvas. */
  readonly x: number;
  readonly y: number;
  /** Medians: edges are mixed with the ground. */
  readonly rgb: readonly [number, number, number];
}

/** What a picture shows that another does not. */
function difference(picture: Picture, ground: Picture): Mass {
  let [area, sumX, sumY] = [0, 0, 0];
  const channels: [number[], number[], number[]] = [[], [], []];
  for (let i = 0; i < SIZE * SIZE; i++) {
    const at = (channel: number) => picture.data[3 * i + channel]!;
    const far = [0, 1, 2].map((channel) => at(channel) - ground.data[3 * i + channel]!);
    if (Math.hypot(...far) < 30) continue;
    area++;
    sumX += (i % SIZE) + 0.5;
    sumY += Math.floor(i / SIZE) + 0.5;
    for (const [channel, list] of channels.entries()) list.push(at(channel));
  }
  const median = (list: number[]) => list.sort((a, b) => a - b)[list.length >> 1]!;
  const rgb = channels.map(median) as [number, number, number];
  return {area, x: sumX / area / SIZE, y: sumY / area / SIZE, rgb};
}

/** What each object alone adds to the ground. */
function masses(scene: Scene): Mass[] {
  const of = (objects: Scene['objects']) => scenePicture(still({...scene, objects}), SIZE);
  return scene.objects.map((object) => difference(of([object]), of([])));
}

test('the ground has the colour of its name', () => {
  const seen = new Set<string>();
  for (const scene of scenes({layout: 'pair'}, 300)) {
    const {data} = scenePicture(scene, SIZE);
    const sums = [0, 0, 0];
    let count = 0;
    for (let y = 0; y < SIZE; y++)
      for (let x = 0; x < SIZE; x++) {
        if (Math.min(x, SIZE - 1 - x) > 3 || Math.min(y, SIZE - 1 - y) > 3) continue; // four corners
        for (const channel of [0, 1, 2]) sums[channel]! += data[3 * (y * SIZE + x) + channel]!;
        count++;
      }
    const mean = sums.map((sum) => sum / count) as [number, number, number];
    assert.is(nearestColour(mean), scene.ground.colour, `${mean} ${scene.ground.style}`);
    seen.add(`${scene.ground.colour} ${scene.ground.style}`);
  }
  assert.ok(seen.size > 28, `${seen.size} of 33 grounds`);
});

for (const layout of ['single', 'cells', 'pair', 'things', 'copies'] as const satisfies Layout[])
  test(`objects are where the description has them: ${layout}`, () => {
    for (const scene of scenes({layout})) {
      for (const [i, mass] of masses(scene).entries()) {
        const object = scene.objects[i]!;
        assert.ok(Math.hypot(mass.x - object.x, mass.y - object.y) < 0.03);
        if (layout === 'cells')
          assert.is(cellOf({...object, x: mass.x, y: mass.y}), cellOf(object));
        // The whole disc, with soft edges and a contour.
        const across = Math.sqrt(mass.area / (Math.PI / 4)) - object.size * SIZE;
        assert.ok(across > -1 && across < 3 + 0.1 * object.size * SIZE, `${across} pixels wider`);
        const reach = object.size / 2 - 1e-9;
        for (const centre of [object.x, object.y])
          assert.ok(centre >= reach && centre <= 1 - reach, 'no object is cut off');
      }
    }
  });

test('two objects stand as their relation says, also in the whole picture', () => {
  for (const scene of scenes({layout: 'pair'})) {
    const [first, second] = masses(scene) as [Mass, Mass];
    const [one, other] = scene.objects;
    const relation = relationOf(one!, other!);
    const before = relation === 'left of' || relation === 'above';
    const axis = relation === 'left of' || relation === 'right of' ? 'x' : 'y';
    assert.is(first[axis] < second[axis], before);
    // The nearer edges are apart, so nothing overlaps along the axis.
    const gap = Math.abs(one![axis] - other![axis]) - (one!.size + other!.size) / 2;
    assert.ok(gap > 0, `${gap}`);
    const whole = difference(
      scenePicture(still(scene), SIZE),
      scenePicture(still({...scene, objects: []}), SIZE),
    );
    assert.ok(whole.area > 0.9 * (first.area + second.area));
  }
});

test('what is called bigger covers more', () => {
  for (const scene of scenes({layout: 'pair', unequal: true})) {
    const [first, second] = masses(scene) as [Mass, Mass];
    assert.is(first.area > 2 * second.area, scene.objects[0]!.size > scene.objects[1]!.size);
    assert.is(second.area > 2 * first.area, scene.objects[1]!.size > scene.objects[0]!.size);
  }
});

test('painted objects have the colour of their name, and not the ground’s', () => {
  for (const scene of scenes({layout: 'pair', tinted: true}))
    for (const [i, {rgb}] of masses(scene).entries()) {
      const {tint} = scene.objects[i]!;
      assert.is(nearestColour(rgb), tint);
      assert.is.not(tint, scene.ground.colour);
    }
});

test('every shade is nearest to its own name', () => {
  const random = new Random(2);
  for (const name of colourNames)
    for (let i = 0; i < 200; i++) assert.is(nearestColour(drawShade(name, random)), name);
});

test('clips do what their event says', () => {
  const random = new Random(4);
  const turned = {left: ['x', -1], right: ['x', 1], up: ['y', -1], down: ['y', 1]} as const;
  const seen = new Set<string>();
  for (const event of events)
    for (let i = 0; i < 12; i++) {
      const clip = drawClip(maker, event, random);
      const shown = clip.frames.map((frame) => masses(frame)[0]);
      const present = shown.flatMap((mass) => mass ?? []);
      const [first, last] = [present[0]!, present.at(-1)!];
      assert.is(shown.length, 8);
      assert.is(shown[0] !== undefined, event !== 'appears');
      assert.is(shown[7] !== undefined, event !== 'disappears');
      assert.is(present.length === 8, event !== 'appears' && event !== 'disappears');
      const growth = last.area / first.area;
      if (event === 'grows') assert.ok(growth > 3);
      else if (event === 'shrinks') assert.ok(growth < 1 / 3);
      else assert.ok(Math.abs(growth - 1) < 0.15);
      assert.is(clip.direction !== undefined, event === 'moves');
      const [axis, sign] = turned[clip.direction ?? 'left'];
      if (clip.direction) assert.ok(sign * (last[axis] - first[axis]) > 0.3);
      else assert.ok(Math.hypot(last.x - first.x, last.y - first.y) < 0.03);
      if (clip.direction) seen.add(clip.direction);
    }
  assert.is(seen.size, directions.length);
});

test('the same stream gives the same pixels, whatever was drawn in between', () => {
  const draw = () => scenePixels(maker.draw({layout: 'pair'}, new Random(5)), SIZE);
  const first = draw();
  scenes({layout: 'things'}, 3).map((scene) => scenePixels(scene, SIZE));
  assert.equal(draw(), first);
  const other = scenePixels(maker.draw({layout: 'pair'}, new Random(6)), SIZE);
  assert.not.equal(other, first);
});

test('pixels are those that the library makes of the picture, any size', () => {
  for (const size of [16, 64, 96]) {
    const scene = maker.draw({layout: 'cells'}, new Random(7));
    const pixels = scenePixels(scene, size);
    const processed = processImage(scenePicture(scene, size), size);
    assert.is(pixels.length, 3 * size * size);
    // Half a level of 255, over the smallest standard deviation.
    const far = Math.max(...pixels.map((value, i) => Math.abs(value - processed[i]!)));
    assert.ok(far <= 0.5 / 255 / 0.26 + 1e-6, `${far}`);
  }
});

test('a drawing keeps its colour and area at any size', () => {
  for (const size of [6, 14, 31, 60]) {
    const canvas = new Canvas(SIZE);
    canvas.fill([255, 255, 255]);
    const placement = {centreX: 32, centreY: 32, size, angle: 0.3, stretch: 1, mirror: 1} as const;
    canvas.paint(disc(0, [200, 0, 0]), placement, {colours: tintMap([0, 0, 0]), outline: false});
    const {data} = canvas.picture({deviation: 0, start: 0});
    let dark = 0;
    for (let i = 0; i < SIZE * SIZE; i++) dark += 1 - data[3 * i]! / 255;
    const expected = (Math.PI / 4) * size ** 2;
    assert.ok(Math.abs(dark / expected - 1) < 0.06, `size ${size}: ${dark} of ${expected}`);
  }
});

test('a single picture stays within its canvas, on white when plain', () => {
  const out = new Float32Array(2 * 3 * SIZE * SIZE).fill(9);
  compose(disc(0, [200, 0, 0]), plain, new Random(1), SIZE, out, 3 * SIZE * SIZE);
  assert.ok(
    out.subarray(0, 3 * SIZE * SIZE).every((value) => value === 9),
    'before the offset',
  );
  const white = processImage({width: 1, height: 1, data: new Uint8Array([255, 255, 255])}, 1);
  assert.ok(Math.abs(out[3 * SIZE * SIZE]! - white[0]!) < 1e-6);
});

test('cells are drawn evenly, and names that share a word never meet', () => {
  const counts = new Map<string, number>(cells.map((cell) => [cell, 0]));
  for (const {objects} of scenes({layout: 'cells'}, 3000))
    counts.set(cellOf(objects[0]!), counts.get(cellOf(objects[0]!))! + 1);
  for (const [cell, count] of counts)
    assert.ok(Math.abs(count - 3000 / 9) < 5 * Math.sqrt(3000 / 9), `${cell}: ${count}`);
  const rabbits = new Set([2, 3]);
  for (const {objects} of [...scenes({layout: 'pair'}, 500), ...scenes({layout: 'copies'}, 500)]) {
    const kinds = new Set(objects.map(({concept}) => concept).filter((i) => rabbits.has(i)));
    assert.ok(kinds.size < 2);
  }
});

test('too few names that share no word are one line', () => {
  const few = shapeMaker(['red box', 'blue box'].map((label) => ({hex: label, label, icons: {}})));
  assert.throws(
    () => few.draw({layout: 'pair', tinted: false}, new Random(1)),
    /share a word with/,
  );
});

test.run();
