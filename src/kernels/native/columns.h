// Statistics of the columns of a matrix [rows, cols], chunk of rows by chunk of rows. Include only
// from `*.simd.cc`.
//
// The chunks depend on the shape only: partial results that are added in their order do not depend
// on the number of threads.
#ifndef EMU_KERNELS_NATIVE_COLUMNS_H_
#define EMU_KERNELS_NATIVE_COLUMNS_H_

#include "simd.h"

namespace emu {
namespace EMU_ISA {
namespace {

// A chunk of 32 KB stays in the cache between the passes over it.
constexpr size_t kChunkFloats = 8192;
constexpr size_t kMinChunkRows = 16;  // bounds the partial results to 1/8 of x
// Columns are taken kVecs vectors at a time: 4 accumulators hide the latency of an addition.
constexpr int kVecs = 4;

EMU_INLINE size_t chunkRows(size_t cols) {
  const size_t rows = kChunkFloats / cols;
  return rows > kMinChunkRows ? rows : kMinChunkRows;
}

EMU_INLINE size_t numChunks(size_t rows, size_t cols) {
  return (rows + chunkRows(cols) - 1) / chunkRows(cols);
}

// The loads and stores of V vectors of columns: all lanes, or of one vector the first `lanes`.
template <int V, bool kIsFull>
struct Columns {
  static constexpr int kCount = V;
  size_t first;
  size_t lanes;

  Vec read(const float* p, int i) const {
    const float* at = p + first + static_cast<size_t>(i) * kLanes;
    return kIsFull ? load(at) : loadPartial(at, lanes);
  }
  void write(float* p, int i, Vec v) const {
    float* at = p + first + static_cast<size_t>(i) * kLanes;
    if (kIsFull) {
      store(at, v);
    } else {
      storePartial(at, v, lanes);
    }
  }
};

// Calls fn with the groups of columns that make up [0, cols).
template <class Fn>
EMU_INLINE void eachColumns(size_t cols, const Fn& fn) {
  size_t c = 0;
  for (; c + kVecs * kLanes <= cols; c += kVecs * kLanes) fn(Columns<kVecs, true>{c, kLanes});
  for (; c + kLanes <= cols; c += kLanes) fn(Columns<1, true>{c, kLanes});
  if (c < cols) fn(Columns<1, false>{c, cols - c});
}

// mean and sum of squared differences of each column of a chunk
EMU_INLINE void chunkMoments(const float* x, size_t rows, size_t cols, float* mean,
                             float* squares) {
  eachColumns(cols, [=](const auto columns) {
    constexpr int V = decltype(columns)::kCount;
    Vec total[V];
    for (int i = 0; i < V; ++i) total[i] = zero();
    for (size_t row = 0; row < rows; ++row) {
      for (int i = 0; i < V; ++i) total[i] = total[i] + columns.read(x + row * cols, i);
    }
    Vec center[V];
    for (int i = 0; i < V; ++i) {
      center[i] = total[i] * set(1.0f / static_cast<float>(rows));
      columns.write(mean, i, center[i]);
      total[i] = zero();
    }
    for (size_t row = 0; row < rows; ++row) {
      for (int i = 0; i < V; ++i) {
        const Vec difference = columns.read(x + row * cols, i) - center[i];
        total[i] = fma(difference, difference, total[i]);
      }
    }
    for (int i = 0; i < V; ++i) columns.write(squares, i, total[i]);
  });
}

}  // namespace
}  // namespace EMU_ISA
}  // namespace emu

#endif  // EMU_KERNELS_NATIVE_COLUMNS_H_
