// Normalization over the last dimension: layer norm, and without mean and bias RMS norm.
#ifndef EMU_KERNELS_NORM_NORM_H_
#define EMU_KERNELS_NORM_NORM_H_

#include <cstddef>

#include "../native/select.h"

namespace emu {

struct NormArgs {
  const float* x;       // [rows, cols]
  const float* weight;  // [cols]
  const float* bias;    // [cols]; nullptr: RMS norm
  float* out;           // [rows, cols]
  size_t rows, cols;
  float eps;
};

struct NormGradArgs {
  const float* x;       // [rows, cols]
  const float* weight;  // [cols]
  const float* dy;      // [rows, cols]
  float* dx;            // [rows, cols]
  float* dWeight;       // [cols]
  float* dBias;         // [cols]; nullptr: RMS norm
  size_t rows, cols;
  float eps;
};

EMU_VARIANTS(norm, NormArgs)
EMU_VARIANTS(normGrad, NormGradArgs)

}  // namespace emu

#endif  // EMU_KERNELS_NORM_NORM_H_
