// Pictures of any kind to RGB pixels, with sharp. For PNG, JPEG (CMYK too), WebP and GIF the pixels are
// those that PIL's `Image.open(f).convert('RGB')` gives, which is what the official code feeds the model:
//   - alpha is dropped, not composited: transparent pixels keep the colour stored under them;
//   - colour profiles are ignored, as PIL ignores them; CMYK is converted by PIL's formula;
//   - 16 bits become 8 by their high byte (PIL does so for colour; its 16-bit grey saturates to white).
// Ours, where PIL has no say: SVG is drawn on white; EXIF rotation is applied unless told not to.
import sharp from 'sharp';
import {InputError} from '../errors.js';
import {isGif, readGifFacts} from './gif.js';
import {MEDIA_HEAD_BYTES, type MediaKind, mediaKind} from './mediaKind.js';
import type {Picture} from './picture.js';
import {readSource, type SourceOptions} from './source.js';

export type {Picture} from './picture.js';

export interface DecodeOptions {
  /** Turn the picture as its EXIF orientation says. Default true; the official code does not. */
  readonly useExif?: boolean;
  /** Most pixels of a picture, checked before it is decoded. Default 100 million. */
  readonly maxPixels?: number;
}

export interface ReadImageOptions extends DecodeOptions, SourceOptions {}

export const DEFAULT_MAX_PIXELS = 100e6;
const MAX_DECODE_SECONDS = 60;
// SVG has no pixels of its own: a 24 x 24 icon is drawn larger, so that it is not a blur at 224 x 224.
const SVG_MIN_SIZE = 512;
const SVG_DENSITY = 72;
const SVG_MAX_DENSITY = 100_000; // sharp's limit

const kinds = 'png, jpeg, webp, gif, avif, tiff or svg';

/** What is wrong with bytes that no decoder takes. */
function unknownFormat(label: string, kind: MediaKind): InputError {
  const wayOut = `give a ${kinds} file`;
  return kind === 'image' // it begins like one: a TIFF has its directory at the end, HEIC is not read
    ? new InputError(label, 'is cut off or damaged, or of a kind that cannot be read', wayOut)
    : new InputError(label, 'is not a picture', wayOut);
}

/** sharp's message for bytes it cannot decode, as one line with a way out. */
function undecodable(label: string, error: unknown, format?: string): InputError {
  const message = (error as Error).message;
  if (/timeout/i.test(message)) {
    return new InputError(label, `takes longer than ${MAX_DECODE_SECONDS} s to decode`);
  }
  const lines = message.split('\n').map((line) => line.trim());
  const detail = lines.find((line) => !/^source: |treated as error/.test(line)) ?? lines[0];
  const what = format ? `${format} data` : 'data';
  return new InputError(label, `is cut off or damaged (${what}: ${detail})`, 'get the file again');
}

export interface ImageInfo {
  readonly format: string;
  /** Size of one frame before rotation. */
  readonly width: number;
  readonly height: number;
  /** More than 1 for animated GIF and WebP only; pages of a TIFF are not frames. */
  readonly numFrames: number;
  readonly isCmyk: boolean;
}

/**
 * What the header says; no pixel is decoded.
 * @throws InputError when it is no picture, or has more than `maxPixels` pixels
 */
export async function inspectImage(
  bytes: Uint8Array,
  label: string,
  maxPixels = DEFAULT_MAX_PIXELS,
): Promise<ImageInfo> {
  const kind = mediaKind(bytes.subarray(0, MEDIA_HEAD_BYTES));
  if (kind === 'video') {
    throw new InputError(label, 'is a video, not a picture', 'use it where a video is asked for');
  }
  const metadata = await sharp(bytes, {limitInputPixels: false})
    .metadata()
    .catch((error) => {
      const isUnknown = /unsupported image format/i.test((error as Error).message);
      throw isUnknown ? unknownFormat(label, kind) : undecodable(label, error);
    });
  const {format, width} = metadata;
  const height = metadata.pageHeight ?? metadata.height;
  if (width * height > maxPixels) {
    const size = `${width} x ${height}, ${(width * height) / 1e6} megapixels`;
    throw new InputError(
      label,
      `has too many pixels (${size}; at most ${maxPixels / 1e6})`,
      'make it smaller',
    );
  }
  const isAnimation = format === 'gif' || format === 'webp';
  return {
    format,
    width,
    height,
    numFrames: isAnimation ? (metadata.pages ?? 1) : 1,
    isCmyk: metadata.space === 'cmyk' && metadata.depth === 'uchar',
  };
}

/** Density at which the longer side of a small SVG gets SVG_MIN_SIZE pixels. */
function svgDensity({width, height}: ImageInfo): number {
  const enlarge = Math.max(1, SVG_MIN_SIZE / Math.max(width, height));
  return Math.min(SVG_DENSITY * enlarge, SVG_MAX_DENSITY);
}

/** CMYK [n, 4] -> RGB [n, 3], as Pillow's cmyk2rgb (libImaging/Convert.c): k - ink * k / 255. */
function cmykToRgb(cmyk: Uint8Array, channels: number): Uint8Array {
  const numPixels = cmyk.length / channels;
  const rgb = new Uint8Array(numPixels * 3);
  for (let i = 0; i < numPixels; i++) {
    const light = 255 - cmyk[i * channels + 3]!;
    for (let c = 0; c < 3; c++) {
      const product = cmyk[i * channels + c]! * light + 128;
      rgb[3 * i + c] = Math.max(light - (((product >> 8) + product) >> 8), 0);
    }
  }
  return rgb;
}

/** RGBA [n, 4] -> RGB [n, 3]; fully transparent pixels get `transparent`. */
function dropAlpha(rgba: Uint8Array, transparent: readonly [number, number, number]): Uint8Array {
  const numPixels = rgba.length / 4;
  const rgb = new Uint8Array(numPixels * 3);
  for (let i = 0; i < numPixels; i++) {
    const isTransparent = rgba[4 * i + 3] === 0;
    for (let c = 0; c < 3; c++) rgb[3 * i + c] = isTransparent ? transparent[c]! : rgba[4 * i + c]!;
  }
  return rgb;
}

/**
 * Frame `frame` of a picture whose header was read by `inspectImage`.
 * @throws InputError when the data is cut off or damaged
 */
export async function decodeFrame(
  bytes: Uint8Array,
  label: string,
  info: ImageInfo,
  frame: number,
  options: DecodeOptions = {},
): Promise<Picture> {
  const gif = isGif(bytes) ? readGifFacts(bytes) : undefined;
  if (gif?.isTruncated) throw undecodable(label, new Error('unexpected end of file'), 'gif');
  let pipeline = sharp(bytes, {
    failOn: 'truncated',
    ignoreIcc: true,
    limitInputPixels: options.maxPixels ?? DEFAULT_MAX_PIXELS,
    ...(info.numFrames > 1 && {page: frame}),
    ...(info.format === 'svg' && {density: svgDensity(info)}),
  }).timeout({seconds: MAX_DECODE_SECONDS});
  if (options.useExif ?? true) pipeline = pipeline.autoOrient();
  if (info.format === 'svg') pipeline = pipeline.flatten({background: '#ffffff'});
  if (info.isCmyk) pipeline = pipeline.pipelineColourspace('cmyk').toColourspace('cmyk');
  else pipeline = pipeline.toColourspace('srgb');
  // A GIF keeps nothing under its transparent pixels; everything else does, and drops alpha here.
  if (!gif) pipeline = pipeline.removeAlpha();

  const {data, info: raw} = await pipeline
    .raw({depth: 'uchar'})
    .toBuffer({resolveWithObject: true})
    .catch((error) => {
      throw undecodable(label, error, info.format);
    });
  let rgb: Uint8Array = data;
  if (info.isCmyk) rgb = cmykToRgb(data, raw.channels);
  else if (raw.channels === 4) rgb = dropAlpha(data, gif?.transparentColor ?? [0, 0, 0]);
  if (rgb.length !== raw.width * raw.height * 3) {
    throw new InputError(label, `has ${raw.channels} channels after decoding, expected 3`);
  }
  return {width: raw.width, height: raw.height, data: rgb};
}

/**
 * Reads a picture: a path, its bytes, `-` (standard input), an `https://` or `data:` URL. Of an
 * animation the first frame. Needs about 3 bytes a pixel, up to 11 while a 16-bit file is decoded.
 * @throws InputError, one line, when it cannot be read or is no picture
 */
export async function readImage(
  source: string | Uint8Array,
  options: ReadImageOptions = {},
): Promise<Picture> {
  const {bytes, label} = await readSource(source, options);
  const info = await inspectImage(bytes, label, options.maxPixels);
  return decodeFrame(bytes, label, info, 0, options);
}
