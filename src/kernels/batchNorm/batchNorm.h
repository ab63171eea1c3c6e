// Normalization of each column of [rows, cols] by the mean and variance of that column.
#ifndef EMU_KERNELS_BATCH_NORM_BATCH_NORM_H_
#define EMU_KERNELS_BATCH_NORM_BATCH_NORM_H_

#include <cstddef>

#include "../native/select.h"

namespace emu {

struct BatchNormMomentsArgs {
  const float* x;   // [rows, cols]
  float* mean;      // [cols]
  float* variance;  // [cols], biased: divided by rows
  size_t rows, cols;
};

struct BatchNormArgs {
  const float* x;                  // [rows, cols]
  const float *mean, *variance;    // [cols]
  const float *weight, *bias;      // [cols]
  float* out;                      // [rows, cols], may alias x
  size_t rows, cols;
  float eps;
  bool hasRelu;
};

struct BatchNormGradArgs {
  const float* x;                  // [rows, cols]
  const float *mean, *variance;    // [cols]
  const float *weight, *bias;      // [cols]
  const float* dy;                 // [rows, cols]
  float* dx;                       // [rows, cols]
  float *dWeight, *dBias;          // [cols]
  size_t rows, cols;
  float eps;
  bool hasRelu;
  bool isTraining;  // whether mean and variance are functions of x
};

EMU_VARIANTS(batchNormMoments, BatchNormMomentsArgs)
EMU_VARIANTS(batchNorm, BatchNormArgs)
EMU_VARIANTS(batchNormGrad, BatchNormGradArgs)

}  // namespace emu

#endif  // EMU_KERNELS_BATCH_NORM_BATCH_NORM_H_
