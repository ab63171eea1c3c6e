// Gathers what each output of a convolution sees into one row of a matrix. Private to
// conv2d.simd.cc.
#ifndef EMU_KERNELS_CONV2D_GATHER_H_
#define EMU_KERNELS_CONV2D_GATHER_H_

#include "../native/simd.h"
#include "../native/threadPool.h"

namespace emu {
namespace EMU_ISA {
namespace {

// One window of taps for each point (i, j) of a grid on each picture. Tap (u, v) is the source's pixel
// (i * step + firstRow + u, j * step + firstCol + v), zeros outside of the picture.
struct Windows {
  const float* source;                     // [batch, height, width, channels]
  size_t batch, height, width, channels;
  size_t gridHeight, gridWidth;
  size_t tapRows, tapCols;
  size_t step;
  ptrdiff_t firstRow, firstCol;

  size_t count() const { return batch * gridHeight * gridWidth; }
  size_t size() const { return tapRows * tapCols * channels; }  // of one window
  // Whether the source is the matrix of all windows already.
  bool isSource() const {
    return tapRows == 1 && tapCols == 1 && step == 1 && firstRow == 0 && firstCol == 0 &&
           gridHeight == height && gridWidth == width;
  }
};

EMU_INLINE void copyFloats(float* out, const float* from, size_t n) {
  size_t i = 0;
  for (; i + kLanes <= n; i += kLanes) store(out + i, load(from + i));
  for (; i < n; ++i) out[i] = from[i];
}

EMU_INLINE void zeroFloats(float* out, size_t n) { memset(out, 0, n * sizeof(float)); }

// One row of taps: the part inside of the picture lies in one piece.
EMU_INLINE void gatherTapRow(const Windows& w, const float* picture, ptrdiff_t row, ptrdiff_t col,
                             float* out) {
  const ptrdiff_t taps = static_cast<ptrdiff_t>(w.tapCols);
  const ptrdiff_t width = static_cast<ptrdiff_t>(w.width);
  const ptrdiff_t height = static_cast<ptrdiff_t>(w.height);
  ptrdiff_t begin = col < 0 ? -col : 0;
  ptrdiff_t end = col + taps > width ? width - col : taps;
  if (row < 0 || row >= height || begin >= end) return zeroFloats(out, w.tapCols * w.channels);
  const size_t channels = w.channels;
  const size_t before = static_cast<size_t>(begin) * channels;
  const size_t inside = static_cast<size_t>(end - begin) * channels;
  if (before > 0) zeroFloats(out, before);
  copyFloats(out + before, picture + static_cast<size_t>(row * width + col + begin) * channels,
             inside);
  const size_t after = w.tapCols * channels - before - inside;
  if (after > 0) zeroFloats(out + before + inside, after);
}

// Windows [first, first + count) -> out [count, w.size()]
void gather(const Windows& w, size_t first, size_t count, float* out) {
  const size_t size = w.size();
  const size_t grain = 16384 / size + 1;  // about 64 KB
  parallelFor(count, grain, [&](size_t begin, size_t end) {
    size_t col = (first + begin) % w.gridWidth;
    size_t row = (first + begin) / w.gridWidth % w.gridHeight;
    size_t item = (first + begin) / (w.gridWidth * w.gridHeight);
    float* to = out + begin * size;
    for (size_t index = begin; index < end; ++index) {
      const float* picture = w.source + item * w.height * w.width * w.channels;
      const ptrdiff_t top = static_cast<ptrdiff_t>(row * w.step) + w.firstRow;
      const ptrdiff_t left = static_cast<ptrdiff_t>(col * w.step) + w.firstCol;
      for (size_t tap = 0; tap < w.tapRows; ++tap) {
        gatherTapRow(w, picture, top + static_cast<ptrdiff_t>(tap), left, to);
        to += w.tapCols * w.channels;
      }
      if (++col == w.gridWidth) {
        col = 0;
        if (++row == w.gridHeight) {
          row = 0;
          ++item;
        }
      }
    }
  });
}

}  // namespace
}  // namespace EMU_ISA
}  // namespace emu

#endif  // EMU_KERNELS_CONV2D_GATHER_H_
