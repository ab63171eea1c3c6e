// 3x3 convolutions of stride 1 by Winograd's minimal filtering F(2x2, 3x3) (arXiv 1509.09308): tiles of
// 2x2 outputs take 16 multiplications a pair of channels where the sum over taps takes 36.
//   y = Aᵀ [(G g Gᵀ) ∘ (Bᵀ d B)] A;   dg = Gᵀ [(A dy Aᵀ) ∘ (Bᵀ d B)] G
// The sums over channels (for dg: over tiles) are 16 matrix products, one a place of the 4x4 tile.
// Private to conv2d.simd.cc.
#ifndef EMU_KERNELS_CONV2D_WINOGRAD_H_
#define EMU_KERNELS_CONV2D_WINOGRAD_H_

#include "../native/gemm.h"
#include "../native/simd.h"
#include "../native/threadPool.h"
#include "filters.h"

namespace emu {
namespace EMU_ISA {
namespace {

constexpr size_t kPlaces = 16;  // of a 4x4 tile
// Transforming the weights costs as much as about 32 tiles save.
constexpr size_t kMinTiles = 128;
// Transformed weights take up to 32 MB.
constexpr size_t kMaxTransformed = size_t{8} << 20;
// Rows of a product, so that threads share the products of few blocks.
constexpr size_t kProductRows = 256;
// Floats between the matrices of two places, so that the places of a tile lie in different sets of the
// cache.
constexpr size_t kPlaceGap = 16;

// A picture that is read in 4x4 windows and written, or read beside it, in tiles of 2x2.
struct Tiles {
  size_t batch, height, width;        // of the windows' picture
  size_t outHeight, outWidth;         // of the tiles' picture
  ptrdiff_t padding;                  // zeros above and to the left of the windows' picture
  size_t down() const { return (outHeight + 1) / 2; }
  size_t across() const { return (outWidth + 1) / 2; }
  size_t count() const { return batch * down() * across(); }
};

EMU_INLINE bool suitsWinograd(const Conv2DShape& shape) {
  const Tiles tiles = {shape.batch, shape.height, shape.width, shape.outHeight, shape.outWidth, 0};
  return shape.kernelHeight == 3 && shape.kernelWidth == 3 && shape.stride == 1 &&
         shape.padding <= 2 && shape.channels >= kLanes && shape.outChannels >= kLanes &&
         tiles.count() >= kMinTiles &&
         kPlaces * shape.channels * shape.outChannels <= kMaxTransformed;
}

// d -> Bᵀ d of one line of four
EMU_INLINE void windowLine(const Vec (&d)[4], Vec (&out)[4]) {
  out[0] = d[0] - d[2];
  out[1] = d[1] + d[2];
  out[2] = d[2] - d[1];
  out[3] = d[1] - d[3];
}

// dy -> A dy
EMU_INLINE void gradientLine(const Vec (&dy)[2], Vec (&out)[4]) {
  out[0] = dy[0];
  out[1] = dy[0] + dy[1];
  out[2] = dy[0] - dy[1];
  out[3] = zero() - dy[1];
}

// m -> Aᵀ m
EMU_INLINE void outputLine(const Vec (&m)[4], Vec (&out)[2]) {
  out[0] = m[0] + m[1] + m[2];
  out[1] = m[1] - m[2] - m[3];
}

// g -> G g
EMU_INLINE void filterLine(const Vec (&g)[3], Vec (&out)[4]) {
  const Vec half = set(0.5f);
  const Vec ends = (g[0] + g[2]) * half, middle = g[1] * half;
  out[0] = g[0];
  out[1] = ends + middle;
  out[2] = ends - middle;
  out[3] = g[2];
}

// u -> Gᵀ u
EMU_INLINE void filterGradientLine(const Vec (&u)[4], Vec (&out)[3]) {
  const Vec half = set(0.5f);
  const Vec sum = (u[1] + u[2]) * half;
  out[0] = u[0] + sum;
  out[1] = (u[1] - u[2]) * half;
  out[2] = sum + u[3];
}

// Applies `line` to the columns, then the rows of a tile [I][I] -> [O][O].
template <size_t I, size_t O, class Line>
EMU_INLINE void transformTile(const Vec (&in)[I][I], Vec (&out)[O][O], const Line& line) {
  Vec middle[O][I];
#pragma GCC unroll 4
  for (size_t j = 0; j < I; ++j) {
    Vec column[I], result[O];
    for (size_t i = 0; i < I; ++i) column[i] = in[i][j];
    line(column, result);
    for (size_t i = 0; i < O; ++i) middle[i][j] = result[i];
  }
#pragma GCC unroll 4
  for (size_t i = 0; i < O; ++i) line(middle[i], out[i]);
}

EMU_INLINE Vec loadUpTo(const float* p, size_t n) {
  return n >= kLanes ? load(p) : loadPartial(p, n);
}
EMU_INLINE void storeUpTo(float* p, Vec v, size_t n) {
  if (n >= kLanes) {
    store(p, v);
  } else {
    storePartial(p, v, n);
  }
}

// Where a tile's S x S pixels from (row, col) on lie in a picture [height, width, channels]; `outside` for
// those beyond it.
template <size_t S, class Pointer>
EMU_INLINE void locate(Pointer picture, size_t height, size_t width, size_t channels, ptrdiff_t row,
                       ptrdiff_t col, Pointer outside, Pointer (&pixels)[S][S]) {
  for (size_t i = 0; i < S; ++i) {
    for (size_t j = 0; j < S; ++j) {
      const size_t y = static_cast<size_t>(row + static_cast<ptrdiff_t>(i));
      const size_t x = static_cast<size_t>(col + static_cast<ptrdiff_t>(j));
      // Negative ones are large.
      pixels[i][j] = y < height && x < width ? picture + (y * width + x) * channels : outside;
    }
  }
}

// Calls fn(index in the block, picture, row and column of the tile's first output) for tiles
// [first, first + count).
template <class Fn>
void eachTile(const Tiles& tiles, size_t first, size_t count, const Fn& fn) {
  parallelFor(count, 16, [&](size_t begin, size_t end) {
    for (size_t index = begin; index < end; ++index) {
      const size_t tile = first + index, line = tile / tiles.across();
      fn(index, line / tiles.down(), line % tiles.down() * 2, tile % tiles.across() * 2);
    }
  });
}

// Floats from one place of a block's matrices [count, channels] to the next.
EMU_INLINE size_t placeStride(size_t count, size_t channels) { return count * channels + kPlaceGap; }

// Floats of all transformed filters.
EMU_INLINE size_t transformedSize(const Conv2DShape& shape) {
  return kPlaces * placeStride(shape.outChannels, shape.channels);
}

// Transformed tiles of S x S pixels -> out[place][tile][channel].
template <size_t S, class Line>
EMU_INLINE void transformPixels(const float* const (&pixels)[S][S], size_t channels, float* out,
                                size_t stride, const Line& line) {
  for (size_t c = 0; c < channels; c += kLanes) {
    const size_t left = channels - c;
    Vec in[S][S], result[4][4];
    for (size_t i = 0; i < S; ++i) {
      for (size_t j = 0; j < S; ++j) in[i][j] = loadUpTo(pixels[i][j] + c, left);
    }
    transformTile<S, 4>(in, result, line);
    for (size_t place = 0; place < kPlaces; ++place) {
      storeUpTo(out + place * stride + c, result[place / 4][place % 4], left);
    }
  }
}

void transformWindows(const Tiles& tiles, const float* x, size_t channels, const float* zeros,
                      size_t first, size_t count, float* out) {
  const size_t stride = placeStride(count, channels);
  eachTile(tiles, first, count, [&](size_t index, size_t item, size_t row, size_t col) {
    const float* pixels[4][4];
    locate<4>(x + item * tiles.height * tiles.width * channels, tiles.height, tiles.width, channels,
              static_cast<ptrdiff_t>(row) - tiles.padding,
              static_cast<ptrdiff_t>(col) - tiles.padding, zeros, pixels);
    transformPixels(pixels, channels, out + index * channels, stride,
                    [](const Vec(&d)[4], Vec(&to)[4]) { windowLine(d, to); });
  });
}

void transformGradients(const Tiles& tiles, const float* dy, size_t channels, const float* zeros,
                        size_t first, size_t count, float* out) {
  const size_t stride = placeStride(count, channels);
  eachTile(tiles, first, count, [&](size_t index, size_t item, size_t row, size_t col) {
    const float* pixels[2][2];
    locate<2>(dy + item * tiles.outHeight * tiles.outWidth * channels, tiles.outHeight,
              tiles.outWidth, channels, static_cast<ptrdiff_t>(row), static_cast<ptrdiff_t>(col),
              zeros, pixels);
    transformPixels(pixels, channels, out + index * channels, stride,
                    [](const Vec(&d)[2], Vec(&to)[4]) { gradientLine(d, to); });
  });
}

// Products [place][tile][channel] -> tiles of `out`.
void writeOutputs(const Tiles& tiles, const float* products, size_t channels, const float* bias,
                  size_t first, size_t count, float* out) {
  const size_t stride = placeStride(count, channels);
  eachTile(tiles, first, count, [&](size_t index, size_t item, size_t row, size_t col) {
    float* pixels[2][2];
    locate<2, float*>(out + item * tiles.outHeight * tiles.outWidth * channels, tiles.outHeight,
                      tiles.outWidth, channels, static_cast<ptrdiff_t>(row),
                      static_cast<ptrdiff_t>(col), nullptr, pixels);
    const float* from = products + index * channels;
    for (size_t c = 0; c < channels; c += kLanes) {
      const size_t left = channels - c;
      Vec in[4][4], result[2][2];
      for (size_t place = 0; place < kPlaces; ++place) {
        in[place / 4][place % 4] = loadUpTo(from + place * stride + c, left);
      }
      transformTile<4, 2>(in, result, [](const Vec(&m)[4], Vec(&to)[2]) { outputLine(m, to); });
      const Vec added = bias ? loadUpTo(bias + c, left) : zero();
      for (size_t i = 0; i < 2; ++i) {
        for (size_t j = 0; j < 2; ++j) {
          if (pixels[i][j]) storeUpTo(pixels[i][j] + c, result[i][j] + added, left);
        }
      }
    }
  });
}

// Filters -> out[place][outChannel][channel]; mirrored for the gradient of the input.
void transformFilters(const Conv2DShape& shape, const Weight& weight, bool isMirrored, float* out) {
  const size_t channels = shape.channels, stride = placeStride(shape.outChannels, channels);
  eachFilter(shape, weight, [&](size_t n, const float* filter, float* taps) {
    for (size_t tap = 0; tap < 9; ++tap) {  // [tap][channel]
      const size_t from = isMirrored ? 8 - tap : tap;
      for (size_t c = 0; c < channels; ++c) taps[tap * channels + c] = filter[c * 9 + from];
    }
    const float* lines[3][3];
    for (size_t tap = 0; tap < 9; ++tap) lines[tap / 3][tap % 3] = taps + tap * channels;
    transformPixels(lines, channels, out + n * channels, stride,
                    [](const Vec(&g)[3], Vec(&to)[4]) { filterLine(g, to); });
  });
}

// Tiles of a block: its matrices take about kConvBlockFloats.
EMU_INLINE size_t blockTiles(const Tiles& tiles, size_t channels) {
  const size_t count = kConvBlockFloats / (kPlaces * channels);
  const size_t least = count > 64 ? count : 64;
  return least < tiles.count() ? least : tiles.count();
}

struct WinogradScratch {
  int windows, products, zeros;
};

// Pixels [.., channels].
template <class Pointer>
struct Pixels {
  Pointer data;
  size_t channels;
};

// [place][k][n], or with the last two swapped.
struct Filters {
  const float* data;
  bool isTransposed;
};

void winogradConvolve(const Tiles& tiles, const Pixels<const float*>& x, const Filters& filters,
                      const float* bias, const Pixels<float*>& out, bool inBf16,
                      const WinogradScratch& slots) {
  const size_t channels = x.channels, outChannels = out.channels;
  const size_t block = blockTiles(tiles, channels + outChannels);
  float* windows = scratch(slots.windows, kPlaces * placeStride(block, channels));
  float* products = scratch(slots.products, kPlaces * placeStride(block, outChannels));
  float* zeros = scratch(slots.zeros, channels);
  memset(zeros, 0, channels * sizeof(float));
  for (size_t first = 0; first < tiles.count(); first += block) {
    const size_t count = tiles.count() - first < block ? tiles.count() - first : block;
    transformWindows(tiles, x.data, channels, zeros, first, count, windows);
    const size_t chunks = (count + kProductRows - 1) / kProductRows;
    parallelFor(kPlaces * chunks, 1, [&](size_t begin, size_t end) {
      for (size_t piece = begin; piece < end; ++piece) {
        const size_t place = piece / chunks, row = piece % chunks * kProductRows;
        GemmArgs product;
        product.m = count - row < kProductRows ? count - row : kProductRows;
        product.n = outChannels;
        product.k = channels;
        product.a = windows + place * placeStride(count, channels) + row * channels;
        product.lda = channels;
        product.b.data = filters.data + place * placeStride(outChannels, channels);
        product.ldb = filters.isTransposed ? channels : outChannels;
        product.transposeB = filters.isTransposed;
        product.c = products + place * placeStride(count, outChannels) + row * outChannels;
        product.ldc = outChannels;
        product.inBf16 = inBf16;
        gemm(product);
      }
    });
    writeOutputs(tiles, products, outChannels, bias, first, count, out.data);
  }
}

// sums[place][outChannel][channel] of the products of all tiles' gradients and windows.
void winogradWeightSums(const Tiles& tiles, const Pixels<const float*>& x,
                        const Pixels<const float*>& dy, float* sums, bool inBf16,
                        const WinogradScratch& slots) {
  const size_t channels = x.channels, outChannels = dy.channels;
  const size_t block = blockTiles(tiles, channels + outChannels);
  float* windows = scratch(slots.windows, kPlaces * placeStride(block, channels));
  float* gradients = scratch(slots.products, kPlaces * placeStride(block, outChannels));
  const size_t widest = channels > outChannels ? channels : outChannels;
  float* zeros = scratch(slots.zeros, widest);
  memset(zeros, 0, widest * sizeof(float));
  for (size_t first = 0; first < tiles.count(); first += block) {
    const size_t count = tiles.count() - first < block ? tiles.count() - first : block;
    transformWindows(tiles, x.data, channels, zeros, first, count, windows);
    transformGradients(tiles, dy.data, outChannels, zeros, first, count, gradients);
    parallelFor(kPlaces, 1, [&](size_t begin, size_t end) {
      for (size_t place = begin; place < end; ++place) {
        GemmArgs product;
        product.m = outChannels;
        product.n = channels;
        product.k = count;
        product.a = gradients + place * placeStride(count, outChannels);
        product.lda = outChannels;
        product.transposeA = true;
        product.b.data = windows + place * placeStride(count, channels);
        product.ldb = channels;
        product.c = sums + place * placeStride(outChannels, channels);
        product.ldc = channels;
        product.accumulate = first > 0;
        product.inBf16 = inBf16;
        gemm(product);
      }
    });
  }
}

// sums[place][outChannel][channel] -> dWeight [outChannels, channels, 3, 3]
void writeFilterGradients(const float* sums, size_t channels, size_t outChannels, float* dWeight) {
  const size_t stride = placeStride(outChannels, channels);
  parallelFor(outChannels, 8192 / channels + 1, [&](size_t begin, size_t end) {
    float taps[9][kLanes];
    for (size_t n = begin; n < end; ++n) {
      for (size_t c = 0; c < channels; c += kLanes) {
        const size_t left = channels - c < kLanes ? channels - c : kLanes;
        Vec in[4][4], result[3][3];
        for (size_t place = 0; place < kPlaces; ++place) {
          in[place / 4][place % 4] = loadUpTo(sums + place * stride + n * channels + c, left);
        }
        transformTile<4, 3>(in, result,
                            [](const Vec(&u)[4], Vec(&to)[3]) { filterGradientLine(u, to); });
        for (size_t tap = 0; tap < 9; ++tap) store(taps[tap], result[tap / 3][tap % 3]);
        float* to = dWeight + (n * channels + c) * 9;
        for (size_t lane = 0; lane < left; ++lane) {
          for (size_t tap = 0; tap < 9; ++tap) *to++ = taps[tap][lane];
        }
      }
    }
  });
}

}  // namespace
}  // namespace EMU_ISA
}  // namespace emu

#endif  // EMU_KERNELS_CONV2D_WINOGRAD_H_
