import {createHash} from 'node:crypto';
import {gzipSync} from 'node:zlib';
import sharp from 'sharp';
import {suite} from 'uvu';
import * as assert from 'uvu/assert';
import {readImage} from '../../src/data/image.js';
import type {Picture} from '../../src/data/picture.js';
import {expectInputError, fixture, fixtureBytes} from './fixtures.js';

const test = suite('readImage');

const hash = (picture: Picture) =>
  createHash('sha256').update(picture.data).digest('hex').slice(0, 16);

const pixel = ({data, width}: Picture, x: number, y: number) => [
  ...data.subarray(3 * (y * width + x), 3 * (y * width + x) + 3),
];

const svg = (text: string) => Buffer.from(text);
const svgStart =
  '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"';

// Width, height and sha256 (16 digits) of `Image.open(f).convert('RGB').tobytes()` by Pillow 9.4.0
// (PyPI wheel, libjpeg-turbo 2.1.4), which is what the official code feeds the model.
const pillow: Record<string, [number, number, string]> = {
  'anim-cat.webp': [96, 96, 'eb3bf5a6eb2f469b'],
  'anim-rocket.gif': [64, 64, 'b997c22862beac92'],
  'anim-rocket.webp': [96, 96, '1b59db2656130de0'],
  'anim-soccer.webp': [96, 96, 'ed9454b823b09ce9'],
  'astronaut.jpg': [256, 256, '7bfa5e2d4d312b15'],
  'camera-gray.png': [128, 128, '392b9620e0a7c262'],
  'cat-cmyk.jpg': [200, 133, '1e9bc8cfb1be8bfc'],
  'cat.jpg': [451, 300, '4da92108a15695ec'],
  'coffee-16bit.png': [96, 64, '1b5746f8ac96529b'],
  'coffee.png': [256, 171, 'dee37faf2f2a8ba7'],
  'horse-alpha.png': [200, 164, '77217e533864dd69'],
  'interlaced.png': [96, 64, 'a1d072942b23d9d1'],
  'palette.png': [128, 128, 'a90ecebb339c8cd1'],
  'progressive.jpg': [200, 133, '3f3815259be77e5b'],
  'rocket-exif6.jpg': [160, 240, 'f314118b2c6b42eb'],
  'rocket.jpg': [320, 214, 'eb141a172788b90c'],
  'streamline-cherries.png': [256, 256, 'd12f3e2dc700ec17'],
  'streamline-tiger.png': [256, 256, 'f3732db3c4736eaf'],
  'streamline-umbrella.png': [256, 256, 'e9a549f3b99d6ae0'],
  'temple-ccby.jpg': [320, 214, '9ff9164980ec401b'],
  'tiny-1x1.png': [1, 1, 'bf7cbe09d71a1bcc'],
  'wide-1000x20.png': [1000, 20, 'fc541ea5e14b1e04'],
};

for (const [name, [width, height, digest]] of Object.entries(pillow)) {
  test(`${name} has the pixels that PIL gives`, async () => {
    const picture = await readImage(fixture(name), {useExif: false});
    assert.equal([picture.width, picture.height, hash(picture)], [width, height, digest]);
  });
}

test('EXIF orientation is applied unless told not to', async () => {
  const [upright, stored] = [
    await readImage(fixture('rocket-exif6.jpg')),
    await readImage(fixture('rocket-exif6.jpg'), {useExif: false}),
  ];
  assert.equal([upright.width, upright.height], [stored.height, stored.width]);
  // Orientation 6: the stored left column, read upwards, is the first row.
  assert.equal(pixel(upright, 0, 0), pixel(stored, 0, stored.height - 1));
  assert.equal(pixel(upright, upright.width - 1, 0), pixel(stored, 0, 0));
});

test('16-bit grey becomes 8 bits by the high byte', async () => {
  const picture = await readImage(fixture('moon-gray16.png'));
  const {data} = await sharp(fixture('moon-gray16.png'))
    .pipelineColourspace('grey16')
    .toColourspace('grey16')
    .raw({depth: 'ushort'})
    .toBuffer({resolveWithObject: true});
  const wide = new Uint16Array(Uint8Array.from(data).buffer);
  const expected = Uint8Array.from(
    [...wide].flatMap((value) => [value >> 8, value >> 8, value >> 8]),
  );
  assert.equal(Buffer.from(picture.data), Buffer.from(expected));
});

test('avif', async () => {
  const picture = await readImage(fixture('flower-ccby.avif'));
  assert.equal([picture.width, picture.height], [256, 171]);
  const [red, green, blue] = pixel(picture, 128, 85) as [number, number, number];
  assert.ok(red > 100 && red > blue && green < red, `the flower is red, got ${[red, green, blue]}`);
});

test('tiff: the first page, and a cut one is an error', async () => {
  const expected = await readImage(fixture('coffee.png'));
  for (const compression of ['none', 'lzw', 'deflate'] as const) {
    const bytes = await sharp(fixture('coffee.png')).tiff({compression}).toBuffer();
    assert.equal(hash(await readImage(bytes)), hash(expected), compression);
    const cut = bytes.subarray(0, bytes.length / 2);
    await expectInputError(readImage(cut), `data of ${cut.length} bytes`, /cut off or damaged/);
  }
});

test('a colour profile is ignored, as PIL does', async () => {
  const bytes = await sharp(fixture('coffee.png')).withIccProfile('p3').png().toBuffer();
  const plain = await sharp(bytes, {ignoreIcc: true}).removeAlpha().raw().toBuffer();
  assert.equal(Buffer.from((await readImage(bytes)).data), plain);
});

test('alpha is dropped: transparent pixels keep their colour', async () => {
  const raw = Buffer.from([10, 20, 30, 0, 40, 50, 60, 128, 70, 80, 90, 255]);
  const image = sharp(raw, {raw: {width: 3, height: 1, channels: 4}});
  const expected = [10, 20, 30, 40, 50, 60, 70, 80, 90];
  assert.equal([...(await readImage(await image.png().toBuffer())).data], expected);
  assert.equal(
    [...(await readImage(await image.tiff({compression: 'none'}).toBuffer())).data],
    expected,
  );
});

test('grey with alpha', async () => {
  const raw = Buffer.from([10, 0, 200, 255]);
  const bytes = await sharp(raw, {raw: {width: 2, height: 1, channels: 2}})
    .toColourspace('b-w')
    .png()
    .toBuffer();
  assert.equal([...(await readImage(bytes)).data], [10, 10, 10, 200, 200, 200]);
});

test('svg: drawn on white, small ones enlarged', async () => {
  const bytes = svg(
    `${svgStart} width="24" height="12"><rect width="6" height="12" fill="#f00"/></svg>`,
  );
  const picture = await readImage(bytes);
  assert.equal([picture.width, picture.height], [512, 256]);
  assert.equal(pixel(picture, 40, 100), [255, 0, 0]);
  assert.equal(pixel(picture, 300, 100), [255, 255, 255]);
  assert.equal(hash(await readImage(gzipSync(bytes))), hash(picture), 'svgz');
});

test('svg: nothing outside is read', async () => {
  const expected = await readImage(svg(`${svgStart} width="600" height="400"></svg>`));
  const cat = fixture('cat.jpg');
  for (const reference of [cat, `file://${cat}`, 'cat.jpg', 'https://pictures.test/cat.jpg']) {
    const text = `${svgStart} width="600" height="400"><image xlink:href="${reference}" width="600" height="400"/></svg>`;
    assert.equal(hash(await readImage(svg(text))), hash(expected), reference);
  }
  const entity = `<!DOCTYPE svg [<!ENTITY x SYSTEM "file://${fixture('not-an-image.png')}">]>${svgStart} width="600" height="400"><text y="100" font-size="99">&x;</text></svg>`;
  const outcome = await readImage(svg(entity)).then(hash, (error) => error.message);
  assert.ok(outcome === hash(expected) || /cut off or damaged/.test(outcome), outcome);
});

test('svg: one that reads a file of its own folder does not get it', async () => {
  const {mkdtempSync, copyFileSync, writeFileSync, rmSync} = await import('node:fs');
  const {tmpdir} = await import('node:os');
  const path = await import('node:path');
  const folder = mkdtempSync(path.join(tmpdir(), 'emu-test-svg-'));
  try {
    copyFileSync(fixture('cat.jpg'), path.join(folder, 'cat.jpg'));
    const file = path.join(folder, 'a.svg');
    writeFileSync(
      file,
      `${svgStart} width="600" height="400"><image xlink:href="cat.jpg" width="600" height="400"/></svg>`,
    );
    assert.equal(pixel(await readImage(file), 300, 200), [255, 255, 255]);
  } finally {
    rmSync(folder, {recursive: true});
  }
});

test('svg: bombs end in an error', async () => {
  const nested = Array.from({length: 7}, (_, i) => {
    const inner = i === 0 ? 'aaaaaaaaaaaaaaaa' : `&e${i - 1};`.repeat(8);
    return `<!ENTITY e${i} "${inner}">`;
  }).join('');
  const bytes = svg(
    `<!DOCTYPE svg [${nested}]>${svgStart} width="20" height="20"><text>&e6;</text></svg>`,
  );
  await expectInputError(readImage(bytes), `data of ${bytes.length} bytes`, /cut off or damaged/);
});

test('an animation gives its first frame', async () => {
  const first = await sharp(fixture('anim-cat.webp'), {page: 0}).removeAlpha().raw().toBuffer();
  assert.equal(Buffer.from((await readImage(fixture('anim-cat.webp'))).data), first);
});

test('20000 x 10 and 10 x 20000', async () => {
  for (const [width, height] of [
    [20000, 10],
    [10, 20000],
  ] as const) {
    const background = {r: 9, g: 8, b: 7};
    const bytes = await sharp({create: {width, height, channels: 3, background}})
      .png()
      .toBuffer();
    const picture = await readImage(bytes);
    assert.equal([picture.width, picture.height], [width, height]);
    assert.equal(pixel(picture, width - 1, height - 1), [9, 8, 7]);
  }
});

test('the limit of pixels is checked before decoding', async () => {
  const cat = fixture('cat.jpg');
  await expectInputError(readImage(cat, {maxPixels: 135_299}), cat, /451 x 300.*at most 0.135299/);
  assert.is((await readImage(cat, {maxPixels: 135_300})).width, 451);
  // A PNG header that promises 10,001 x 10,000 pixels and holds none.
  const png = Buffer.from(fixtureBytes('tiny-1x1.png'));
  png.writeUInt32BE(10_001, 16);
  png.writeUInt32BE(10_000, 20);
  const started = performance.now();
  const huge = svg(`${svgStart} width="20000" height="20000"/>`);
  await expectInputError(readImage(huge), `data of ${huge.length} bytes`, /400 megapixels/);
  const outcome = await readImage(png).catch((error) => error.message);
  assert.match(outcome, /too many pixels|cut off or damaged/);
  assert.ok(performance.now() - started < 1000);
});

test('not a picture', async () => {
  const file = fixture('not-an-image.png');
  await expectInputError(readImage(file), file, /is not a picture; give a png, jpeg, /);
  const html = Buffer.from('<!doctype html><p>404 not found</p>');
  await expectInputError(readImage(html), `data of ${html.length} bytes`, /not a picture/);
  const video = fixture('city-cc0.mp4');
  await expectInputError(readImage(video), video, /is a video, not a picture/);
});

test('truncated.jpg', async () => {
  const file = fixture('truncated.jpg');
  await expectInputError(readImage(file), file, /cut off or damaged .*; get the file again/);
});

for (const name of [
  'coffee.png',
  'interlaced.png',
  'palette.png',
  'cat.jpg',
  'progressive.jpg',
  'cat-cmyk.jpg',
  'anim-rocket.gif',
  'anim-rocket.webp',
  'anim-soccer.webp',
  'flower-ccby.avif',
]) {
  test(`${name} cut off anywhere is an error`, async () => {
    const bytes = fixtureBytes(name);
    for (const share of [0.001, 0.1, 0.3, 0.5, 0.7, 0.9, 0.99]) {
      const cut = bytes.subarray(0, Math.ceil(bytes.length * share));
      await expectInputError(
        readImage(cut),
        `data of ${cut.length} bytes`,
        /cut off or damaged|not a picture/,
      );
    }
  });
}

test.run();
