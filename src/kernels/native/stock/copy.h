// Moving elements: what transpose, slice, concat, tile, pad, gather and scatter do.
#ifndef EMU_KERNELS_NATIVE_STOCK_COPY_H_
#define EMU_KERNELS_NATIVE_STOCK_COPY_H_

#include <cstddef>
#include <cstdint>

namespace emu {

constexpr size_t kMaxCopyRank = 10;

// out[i . outStrides] = x[i . strides] for every index i of shape; strides in elements.
struct CopyArgs {
  const void* x;
  void* out;
  size_t elementBytes;  // 1 or 4
  size_t rank;          // >= 1
  size_t shape[kMaxCopyRank], strides[kMaxCopyRank], outStrides[kMaxCopyRank];
};
void copyStrided(const CopyArgs& args);

// out[o, i, :] = x[o, indices[i], :]; the indices are inside the axis.
struct GatherArgs {
  const char* x;           // [outer, axisSize, rowBytes]
  const int32_t* indices;  // [count]
  char* out;               // [outer, count, rowBytes]
  size_t outer, axisSize, count, rowBytes;
};
void gather(const GatherArgs& args);

// out[ids[i], :] += x[i, :] from zeros; rows whose id is not in [0, segments) are left out, as in
// tfjs.
struct SegmentSumArgs {
  const float* x;      // [rows, cols]
  const int32_t* ids;  // [rows]
  float* out;          // [segments, cols]
  size_t rows, cols, segments;
};
void segmentSum(const SegmentSumArgs& args);

// Index of the largest along the axis, the first among equals; a NaN is never larger, as in tfjs.
struct ArgMaxArgs {
  const float* x;  // [outer, size, inner], size >= 1
  int32_t* out;    // [outer, inner]
  size_t outer, size, inner;
};
void argMax(const ArgMaxArgs& args);

}  // namespace emu

#endif  // EMU_KERNELS_NATIVE_STOCK_COPY_H_
