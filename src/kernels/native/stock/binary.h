// Element-wise functions of two arguments, with broadcasting.
#ifndef EMU_KERNELS_NATIVE_STOCK_BINARY_H_
#define EMU_KERNELS_NATIVE_STOCK_BINARY_H_

#include <cstddef>

#include "../select.h"

namespace emu {

// The values are those of `binaryCodes` in binary.native.ts.
enum class Binary : int {
  kAdd = 0,
  kSub = 1,
  kMultiply = 2,
  kDivide = 3,
  kMaximum = 4,
  kMinimum = 5,
  kSquaredDifference = 6,
};

constexpr size_t kMaxRank = 8;

struct BinaryArgs {
  Binary function;
  const float *a, *b;
  float* out;  // dense, may alias an argument of the same size
  // Of the result; the arguments' strides in elements are 0 where they are broadcast. Rank >= 1,
  // every size >= 1; the last dimension of each argument has stride 0 or 1.
  size_t rank;
  size_t shape[kMaxRank], stridesA[kMaxRank], stridesB[kMaxRank];
};

EMU_VARIANTS(binary, BinaryArgs)

}  // namespace emu

#endif  // EMU_KERNELS_NATIVE_STOCK_BINARY_H_
