// Rows are gathered and multiplied block by block, but where Winograd's way is faster. The blocks depend
// on the shape only, so results do not depend on the number of threads.
#include "conv2d.h"

#include "../native/gemm.h"
#include "../native/simd.h"
#include "../native/threadPool.h"
#include "filters.h"
#include "gather.h"
#include "winograd.h"

namespace emu {
namespace EMU_ISA {
namespace {

constexpr int kBlockScratch = 0;
constexpr int kWeightScratch = 1;
constexpr int kPlaceScratch = 2;
constexpr size_t kMinBlockRows = 64;

constexpr WinogradScratch kWinogradScratch = {kBlockScratch, kPlaceScratch, kFilterScratch};

EMU_INLINE size_t smaller(size_t a, size_t b) { return a < b ? a : b; }

size_t blockRows(const Windows& windows) {
  const size_t rows = kConvBlockFloats / windows.size();
  return smaller(rows > kMinBlockRows ? rows : kMinBlockRows, windows.count());
}

// Calls fn(matrix [rows, windows.size()], first window, rows) until all windows were seen.
template <class Fn>
void eachBlock(const Windows& windows, const Fn& fn) {
  const size_t step = blockRows(windows), size = windows.size();
  const bool isSource = windows.isSource();
  float* block = isSource ? nullptr : scratch(kBlockScratch, step * size);
  for (size_t first = 0; first < windows.count(); first += step) {
    const size_t rows = smaller(step, windows.count() - first);
    if (!isSource) gather(windows, first, rows, block);
    fn(isSource ? windows.source + first * size : block, first, rows);
  }
}

Windows forwardWindows(const Conv2DShape& shape, const float* x) {
  Windows windows;
  windows.source = x;
  windows.batch = shape.batch;
  windows.height = shape.height;
  windows.width = shape.width;
  windows.channels = shape.channels;
  windows.gridHeight = shape.outHeight;
  windows.gridWidth = shape.outWidth;
  windows.tapRows = shape.kernelHeight;
  windows.tapCols = shape.kernelWidth;
  windows.step = shape.stride;
  windows.firstRow = windows.firstCol = -static_cast<ptrdiff_t>(shape.padding);
  return windows;
}

// Taps of one dimension that reach the inputs phase, phase + stride, ...: output i + first + u sees the
// i-th of them through tap lastTap - u * stride, for u < count.
struct Taps {
  size_t count, lastTap;
  ptrdiff_t first;
};

Taps phaseTaps(size_t phase, size_t kernel, size_t stride, size_t padding) {
  const size_t tap = (phase + padding) % stride;
  Taps taps;
  taps.count = tap < kernel ? (kernel - 1 - tap) / stride + 1 : 0;
  taps.lastTap = tap + (taps.count > 0 ? (taps.count - 1) * stride : 0);
  taps.first = (static_cast<ptrdiff_t>(phase + padding) - static_cast<ptrdiff_t>(taps.lastTap)) /
               static_cast<ptrdiff_t>(stride);
  return taps;
}

// The inputs (phaseRow + i * stride, phaseCol + j * stride) of a gradient.
struct Phase {
  size_t row, col;            // of the first input
  size_t gridHeight, gridWidth;
  Taps rows, cols;
};

// Writes rows [first, first + count) of a phase's matrix, or zeros for nullptr, where they belong.
void place(const Conv2DInputGradArgs& args, const Phase& phase, const float* rows, size_t first,
           size_t count) {
  const Conv2DShape& shape = args.shape;
  const size_t channels = shape.channels;
  parallelFor(count, 16384 / channels + 1, [&](size_t begin, size_t end) {
    for (size_t index = begin; index < end; ++index) {
      const size_t col = (first + index) % phase.gridWidth;
      const size_t line = (first + index) / phase.gridWidth;
      const size_t row = line % phase.gridHeight, item = line / phase.gridHeight;
      const size_t pixel = (item * shape.height + phase.row + row * shape.stride) * shape.width +
                           phase.col + col * shape.stride;
      float* out = args.dx + pixel * channels;
      if (rows) {
        copyFloats(out, rows + index * channels, channels);
      } else {
        zeroFloats(out, channels);
      }
    }
  });
}

// A phase is a convolution of dy, stride 1, with the taps that reach it, mirrored.
void inputGradOfPhase(const Conv2DInputGradArgs& args, const Phase& phase) {
  const Conv2DShape& shape = args.shape;
  Windows windows;
  windows.source = args.dy;
  windows.batch = shape.batch;
  windows.height = shape.outHeight;
  windows.width = shape.outWidth;
  windows.channels = shape.outChannels;
  windows.gridHeight = phase.gridHeight;
  windows.gridWidth = phase.gridWidth;
  windows.tapRows = phase.rows.count;
  windows.tapCols = phase.cols.count;
  windows.step = 1;
  windows.firstRow = phase.rows.first;
  windows.firstCol = phase.cols.first;
  const size_t size = windows.size();
  if (size == 0) return place(args, phase, nullptr, 0, windows.count());

  // [taps, outChannels, channels]
  float* weights = scratch(kWeightScratch, size * shape.channels);
  const size_t area = shape.kernelHeight * shape.kernelWidth;
  eachFilter(shape, args.weight, [&](size_t n, const float* filter, float* /*room*/) {
    for (size_t u = 0; u < windows.tapRows; ++u) {
      for (size_t v = 0; v < windows.tapCols; ++v) {
        const size_t tap = (phase.rows.lastTap - u * shape.stride) * shape.kernelWidth +
                           phase.cols.lastTap - v * shape.stride;
        float* out =
            weights + ((u * windows.tapCols + v) * shape.outChannels + n) * shape.channels;
        for (size_t c = 0; c < shape.channels; ++c) out[c] = filter[c * area + tap];
      }
    }
  });

  const bool isDense = shape.stride == 1;
  float* placed = nullptr;
  if (!isDense) placed = scratch(kPlaceScratch, blockRows(windows) * shape.channels);
  eachBlock(windows, [&](const float* matrix, size_t first, size_t rows) {
    GemmArgs product;
    product.m = rows;
    product.n = shape.channels;
    product.k = size;
    product.a = matrix;
    product.lda = size;
    product.b.data = weights;
    product.ldb = shape.channels;
    product.c = isDense ? args.dx + first * shape.channels : placed;
    product.ldc = shape.channels;
    product.inBf16 = shape.inBf16;
    gemm(product);
    if (!isDense) place(args, phase, placed, first, rows);
  });
}

}  // namespace

void conv2d(const Conv2DArgs& args) {
  const Conv2DShape& shape = args.shape;
  if (suitsWinograd(shape)) {
    float* filters = scratch(kWeightScratch, transformedSize(shape));
    transformFilters(shape, args.weight, false, filters);
    const Tiles tiles = {shape.batch,     shape.height,   shape.width,
                         shape.outHeight, shape.outWidth, static_cast<ptrdiff_t>(shape.padding)};
    return winogradConvolve(tiles, {args.x, shape.channels}, {filters, true}, args.bias,
                            {args.out, shape.outChannels}, shape.inBf16, kWinogradScratch);
  }
  const Windows windows = forwardWindows(shape, args.x);
  const size_t size = windows.size(), area = shape.kernelHeight * shape.kernelWidth;
  // [outChannels, taps, channels]
  float* weights = scratch(kWeightScratch, size * shape.outChannels);
  eachFilter(shape, args.weight, [&](size_t n, const float* filter, float* /*room*/) {
    float* out = weights + n * size;
    for (size_t tap = 0; tap < area; ++tap) {
      for (size_t c = 0; c < shape.channels; ++c) *out++ = filter[c * area + tap];
    }
  });
  eachBlock(windows, [&](const float* matrix, size_t first, size_t rows) {
    GemmArgs product;
    product.m = rows;
    product.n = shape.outChannels;
    product.k = size;
    product.a = matrix;
    product.lda = size;
    product.b.data = weights;
    product.ldb = size;
    product.transposeB = true;
    product.bias = args.bias;
    product.c = args.out + first * shape.outChannels;
    product.ldc = shape.outChannels;
    product.inBf16 = shape.inBf16;
    gemm(product);
  });
}

void conv2dInputGrad(const Conv2DInputGradArgs& args) {
  const Conv2DShape& shape = args.shape;
  if (suitsWinograd(shape)) {
    float* filters = scratch(kWeightScratch, transformedSize(shape));
    transformFilters(shape, args.weight, true, filters);
    const Tiles tiles = {shape.batch,  shape.outHeight, shape.outWidth,
                         shape.height, shape.width,     2 - static_cast<ptrdiff_t>(shape.padding)};
    return winogradConvolve(tiles, {args.dy, shape.outChannels}, {filters, false}, nullptr,
                            {args.dx, shape.channels}, shape.inBf16, kWinogradScratch);
  }
  const size_t stride = shape.stride;
  Phase phase;
  for (phase.row = 0; phase.row < smaller(stride, shape.height); ++phase.row) {
    phase.gridHeight = (shape.height - phase.row + stride - 1) / stride;
    phase.rows = phaseTaps(phase.row, shape.kernelHeight, stride, shape.padding);
    for (phase.col = 0; phase.col < smaller(stride, shape.width); ++phase.col) {
      phase.gridWidth = (shape.width - phase.col + stride - 1) / stride;
      phase.cols = phaseTaps(phase.col, shape.kernelWidth, stride, shape.padding);
      inputGradOfPhase(args, phase);
    }
  }
}

// dWeight = dy^T windows, summed block by block.
void conv2dWeightGrad(const Conv2DWeightGradArgs& args) {
  const Conv2DShape& shape = args.shape;
  if (suitsWinograd(shape)) {
    float* sums = scratch(kWeightScratch, transformedSize(shape));
    const Tiles tiles = {shape.batch,     shape.height,   shape.width,
                         shape.outHeight, shape.outWidth, static_cast<ptrdiff_t>(shape.padding)};
    winogradWeightSums(tiles, {args.x, shape.channels}, {args.dy, shape.outChannels}, sums,
                       shape.inBf16, kWinogradScratch);
    return writeFilterGradients(sums, shape.channels, shape.outChannels, args.dWeight);
  }
  const Windows windows = forwardWindows(shape, args.x);
  const size_t size = windows.size(), area = shape.kernelHeight * shape.kernelWidth;
  // [outChannels, taps, channels]
  float* sums = scratch(kWeightScratch, size * shape.outChannels);
  eachBlock(windows, [&](const float* matrix, size_t first, size_t rows) {
    GemmArgs product;
    product.m = shape.outChannels;
    product.n = size;
    product.k = rows;
    product.a = args.dy + first * shape.outChannels;
    product.lda = shape.outChannels;
    product.transposeA = true;
    product.b.data = matrix;
    product.ldb = size;
    product.c = sums;
    product.ldc = size;
    product.accumulate = first > 0;
    product.inBf16 = shape.inBf16;
    gemm(product);
  });
  parallelFor(shape.outChannels, 32768 / size + 1, [&](size_t begin, size_t end) {
    for (size_t n = begin; n < end; ++n) {
      const float* from = sums + n * size;
      float* out = args.dWeight + n * size;
      for (size_t tap = 0; tap < area; ++tap) {
        for (size_t c = 0; c < shape.channels; ++c) out[c * area + tap] = *from++;
      }
    }
  });
}

}  // namespace EMU_ISA
}  // namespace emu
