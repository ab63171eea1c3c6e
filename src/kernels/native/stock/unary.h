// Element-wise functions of one argument.
#ifndef EMU_KERNELS_NATIVE_STOCK_UNARY_H_
#define EMU_KERNELS_NATIVE_STOCK_UNARY_H_

#include <cstddef>

#include "../select.h"

namespace emu {

// The values are those of `unaryCodes` in unary.native.ts.
enum class Unary : int {
  kNeg = 0,
  kAbs = 1,
  kSquare = 2,
  kSqrt = 3,
  kRsqrt = 4,
  kExp = 5,
  kRelu = 6,
  kReciprocal = 7,
  kSigmoid = 8,
  kStep = 9,  // x > 0 ? 1 : alpha
  kLog = 10,
  kTanh = 11,
};

struct UnaryArgs {
  Unary function;
  const float* x;  // [n]
  float* out;      // [n], may alias x
  size_t n;
  float alpha;
};

EMU_VARIANTS(unary, UnaryArgs)

}  // namespace emu

#endif  // EMU_KERNELS_NATIVE_STOCK_UNARY_H_
