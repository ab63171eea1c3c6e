// Normalization of each group of neighbouring columns of [batch, rows, cols] by its mean and
// variance in that item of the batch.
#ifndef EMU_KERNELS_GROUP_NORM_GROUP_NORM_H_
#define EMU_KERNELS_GROUP_NORM_GROUP_NORM_H_

#include <cstddef>

#include "../native/select.h"

namespace emu {

struct GroupNormShape {
  size_t batch, rows, cols;
  size_t groups;  // divides cols
};

struct GroupNormArgs {
  GroupNormShape shape;
  const float* x;              // [batch, rows, cols]
  const float *weight, *bias;  // [cols]
  float* out;                  // [batch, rows, cols]
  float *mean, *inverseStd;    // [batch, groups]: 1 / sqrt(variance + eps)
  float eps;
  bool hasSilu;
};

struct GroupNormGradArgs {
  GroupNormShape shape;
  const float* x;                  // [batch, rows, cols]
  const float *weight, *bias;      // [cols]
  const float *mean, *inverseStd;  // [batch, groups]
  const float* dy;                 // [batch, rows, cols]
  float* dx;                       // [batch, rows, cols]
  float *dWeight, *dBias;          // [cols]
  bool hasSilu;
};

EMU_VARIANTS(groupNorm, GroupNormArgs)
EMU_VARIANTS(groupNormGrad, GroupNormGradArgs)

}  // namespace emu

#endif  // EMU_KERNELS_GROUP_NORM_GROUP_NORM_H_
