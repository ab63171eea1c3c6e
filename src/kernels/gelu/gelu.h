// gelu(x) = x Phi(x), where Phi is the cumulative distribution of the standard normal.
#ifndef EMU_KERNELS_GELU_GELU_H_
#define EMU_KERNELS_GELU_GELU_H_

#include <cstddef>

#include "../native/select.h"

namespace emu {

struct GeluArgs {
  const float* x;   // [n]
  const float* dy;  // [n]; only geluGrad
  float* out;       // [n]: y, or dx
  size_t n;
};

EMU_VARIANTS(gelu, GeluArgs)
EMU_VARIANTS(geluGrad, GeluArgs)

}  // namespace emu

#endif  // EMU_KERNELS_GELU_GELU_H_
