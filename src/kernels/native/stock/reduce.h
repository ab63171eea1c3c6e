// Sums, maxima and softmax along one axis of [outer, size, inner].
#ifndef EMU_KERNELS_NATIVE_STOCK_REDUCE_H_
#define EMU_KERNELS_NATIVE_STOCK_REDUCE_H_

#include <cstddef>

#include "../select.h"

namespace emu {

// The values are those of `reduceCodes` in reduce.native.ts.
enum class Reduce : int { kSum = 0, kMax = 1 };

struct ReduceArgs {
  Reduce function;
  const float* x;  // [outer, size, inner], size >= 1
  float* out;      // [outer, inner]
  size_t outer, size, inner;
  float scale;  // factor of the sum: 1, or 1 / size for the mean
};

struct SoftmaxArgs {
  const float* x;  // [rows, cols]
  float* out;      // [rows, cols], may alias x
  size_t rows, cols;
};

EMU_VARIANTS(reduce, ReduceArgs)
EMU_VARIANTS(softmax, SoftmaxArgs)

}  // namespace emu

#endif  // EMU_KERNELS_NATIVE_STOCK_REDUCE_H_
