#include "copy.h"

#include <algorithm>
#include <cstring>

#include "../threadPool.h"

namespace emu {
namespace {

constexpr size_t kGrain = 16384;  // elements a piece
constexpr size_t kChunk = 65536;  // of one long line
constexpr size_t kTile = 16;      // 16 x 16 floats: 16 cache lines on either side

// Columns of x become rows of out: out[r * outStride + c] = x[c * stride + r].
template <class T>
void transposeTile(const T* x, size_t stride, T* out, size_t outStride, size_t rows, size_t cols) {
  for (size_t r = 0; r < rows; ++r) {
    for (size_t c = 0; c < cols; ++c) out[r * outStride + c] = x[c * stride + r];
  }
}

template <class T>
void copyAs(const CopyArgs& args) {
  // The inner loop runs along the dimension that is contiguous in the result.
  size_t along = args.rank - 1;
  for (size_t axis = 0; axis < args.rank; ++axis) {
    if (args.outStrides[axis] == 1 && args.shape[axis] > 1) along = axis;
  }
  // Where that is not contiguous in x but another dimension is, both are walked in tiles.
  size_t across = along;
  if (args.strides[along] > 1 && args.outStrides[along] == 1) {
    for (size_t axis = 0; axis < args.rank; ++axis) {
      if (axis != along && args.strides[axis] == 1 && args.shape[axis] > 1) across = axis;
    }
  }
  const bool isTransposed = across != along;
  size_t rest[kMaxCopyRank], restRank = 0, restCount = 1;
  for (size_t axis = 0; axis < args.rank; ++axis) {
    if (axis == along || axis == across) continue;
    rest[restRank++] = axis;
    restCount *= args.shape[axis];
  }
  const size_t cols = args.shape[along], rows = isTransposed ? args.shape[across] : 1;
  const size_t bands = (rows + kTile - 1) / kTile;
  const size_t chunk = isTransposed ? cols : std::min(cols, kChunk);
  const size_t chunks = (cols + chunk - 1) / chunk;
  const size_t grain = 1 + kGrain / (chunk * std::min(rows, kTile));
  parallelFor(restCount * bands * chunks, grain, [&](size_t begin, size_t end) {
    for (size_t piece = begin; piece < end; ++piece) {
      const size_t first = piece % chunks * chunk, count = std::min(chunk, cols - first);
      const size_t row = piece / chunks % bands * kTile;
      size_t index = piece / chunks / bands;
      size_t offset = first * args.strides[along], outOffset = first * args.outStrides[along];
      for (size_t i = restRank; i-- > 0;) {
        const size_t axis = rest[i], position = index % args.shape[axis];
        index /= args.shape[axis];
        offset += position * args.strides[axis];
        outOffset += position * args.outStrides[axis];
      }
      const T* x = static_cast<const T*>(args.x) + offset;
      T* out = static_cast<T*>(args.out) + outOffset;
      const size_t stride = args.strides[along], outStride = args.outStrides[along];
      if (isTransposed) {
        const size_t height = std::min(kTile, rows - row), lineStride = args.outStrides[across];
        for (size_t col = 0; col < cols; col += kTile) {
          transposeTile(x + row + col * stride, stride, out + row * lineStride + col, lineStride,
                        height, std::min(kTile, cols - col));
        }
      } else if (stride == 1 && outStride == 1) {
        std::memcpy(out, x, count * sizeof(T));
      } else {
        for (size_t i = 0; i < count; ++i) out[i * outStride] = x[i * stride];
      }
    }
  });
}

}  // namespace

void copyStrided(const CopyArgs& args) {
  for (size_t axis = 0; axis < args.rank; ++axis) {
    if (args.shape[axis] == 0) return;
  }
  if (args.elementBytes == 4) {
    copyAs<uint32_t>(args);
  } else {
    copyAs<uint8_t>(args);
  }
}

void gather(const GatherArgs& args) {
  if (args.rowBytes == 0) return;
  parallelFor(
      args.outer * args.count, 1 + 4 * kGrain / args.rowBytes, [&](size_t begin, size_t end) {
        for (size_t row = begin; row < end; ++row) {
          const size_t outer = row / args.count;
          const size_t index = static_cast<size_t>(args.indices[row % args.count]);
          std::memcpy(args.out + row * args.rowBytes,
                      args.x + (outer * args.axisSize + index) * args.rowBytes, args.rowBytes);
        }
      });
}

void segmentSum(const SegmentSumArgs& args) {
  std::memset(args.out, 0, args.segments * args.cols * sizeof(float));
  if (args.rows == 0) return;
  // Each piece owns columns, so that a segment's rows are added in order whoever does it.
  parallelFor(args.cols, std::max<size_t>(64, kGrain / args.rows), [&](size_t begin, size_t end) {
    for (size_t row = 0; row < args.rows; ++row) {
      const size_t id = static_cast<size_t>(args.ids[row]);
      if (id >= args.segments) continue;
      const float* x = args.x + row * args.cols;
      float* out = args.out + id * args.cols;
      for (size_t col = begin; col < end; ++col) out[col] += x[col];
    }
  });
}

void argMax(const ArgMaxArgs& args) {
  parallelFor(args.outer * args.inner, 1 + kGrain / args.size, [&](size_t begin, size_t end) {
    for (size_t i = begin; i < end; ++i) {
      const float* x = args.x + i / args.inner * args.size * args.inner + i % args.inner;
      size_t best = 0;
      float top = x[0];
      for (size_t j = 1; j < args.size; ++j) {
        const float value = x[j * args.inner];
        if (value > top) {
          top = value;
          best = j;
        }
      }
      args.out[i] = static_cast<int32_t>(best);
    }
  });
}

}  // namespace emu
