// Latents to pictures in overlapping tiles, so that memory does not grow with the picture: the autoencoder's
// widest activations are a thousand times a picture's bytes. The idea is diffusers' (AutoencoderKL.tiled_decode);
// here every pixel is a weighted mean of the tiles that show it.
import tf from '#tfjs';
import type {Vae} from './vae.js';

/** Latent pixels of a tile's edge, and of the overlap of two: 512 and 128 pixels in Stable Diffusion. */
const TILE = 64;
const OVERLAP = 16;

/** Where tiles of a length begin: evenly apart, overlapping by OVERLAP or more, the last ending with the edge. */
function starts(length: number): number[] {
  if (length <= TILE) return [0];
  const count = Math.ceil((length - OVERLAP) / (TILE - OVERLAP));
  return Array.from({length: count}, (_, i) => Math.round((i * (length - TILE)) / (count - 1)));
}

/** Weights along a tile's edge, in pixels: rising over the overlap on the sides that have a neighbour. */
function ramp(length: number, overlap: number, hasBefore: boolean, hasAfter: boolean) {
  return Float32Array.from({length}, (_, i) => {
    const before = hasBefore ? (i + 0.5) / overlap : 1;
    const after = hasAfter ? (length - i - 0.5) / overlap : 1;
    return Math.min(1, before, after);
  });
}

/**
 * Latents as the UNet sees them [1, L, h, w] -> the picture [H, W, 3] in [0, 1]. Up to TILE latent pixels a side
 * that is one pass, whose result is the official code's.
 */
export async function decodeTiled(
  vae: Pick<Vae, 'factor' | 'toPictures'>,
  latents: tf.Tensor4D,
): Promise<Float32Array> {
  const [, channels, rows, columns] = latents.shape;
  const {factor} = vae;
  const [height, width] = [rows * factor, columns * factor];
  if (rows <= TILE && columns <= TILE) return read(vae.toPictures(latents));
  const sums = new Float32Array(height * width * 3);
  const weights = new Float32Array(height * width);
  for (const top of starts(rows))
    for (const left of starts(columns)) {
      const shape = [1, channels, Math.min(TILE, rows), Math.min(TILE, columns)];
      const [, , tileRows, tileColumns] = shape as [number, number, number, number];
      const pixels = await read(
        tf.tidy(() => vae.toPictures(tf.slice4d(latents, [0, 0, top, left], shape as never))),
      );
      const overlap = OVERLAP * factor;
      const tileWidth = tileColumns * factor;
      const tileHeight = tileRows * factor;
      const down = ramp(tileHeight, overlap, top > 0, top + tileRows < rows);
      const across = ramp(tileWidth, overlap, left > 0, left + tileColumns < columns);
      for (let y = 0; y < tileHeight; y++)
        for (let x = 0; x < tileWidth; x++) {
          const weight = down[y]! * across[x]!;
          const from = 3 * (y * tileWidth + x);
          const to = (top * factor + y) * width + left * factor + x;
          weights[to] = weights[to]! + weight;
          for (let c = 0; c < 3; c++)
            sums[3 * to + c] = sums[3 * to + c]! + weight * pixels[from + c]!;
        }
    }
  return sums.map((sum, i) => sum / weights[Math.floor(i / 3)]!);
}

/** The values of a tensor, which is disposed. */
async function read(tensor: tf.Tensor): Promise<Float32Array> {
  try {
    return Float32Array.from(await tensor.data<'float32'>());
  } finally {
    tensor.dispose();
  }
}
