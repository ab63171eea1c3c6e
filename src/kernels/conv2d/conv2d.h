// Two-dimensional convolution, channels last, as matrix products of gathered rows (im2col).
//
// Scratch memory: a block of gathered rows of at most kConvBlockFloats floats (but at least 64
// rows), as much again for a stride above 1 backwards, and the weights as float32.
#ifndef EMU_KERNELS_CONV2D_CONV2D_H_
#define EMU_KERNELS_CONV2D_CONV2D_H_

#include <cstddef>

#include "../native/encoding.h"
#include "../native/select.h"

namespace emu {

// 4 MB: in the L3 cache between gathering and multiplying.
constexpr size_t kConvBlockFloats = size_t{1} << 20;

struct Conv2DShape {
  size_t batch, height, width, channels;  // x [batch, height, width, channels]
  size_t outChannels, kernelHeight, kernelWidth;
  size_t stride;
  size_t padding, paddingEnd;  // zeros above and to the left, below and to the right
  size_t outHeight, outWidth;  // y [batch, outHeight, outWidth, outChannels]
  bool inBf16;                 // whether products are rounded to bfloat16 (GemmArgs)
};

struct Conv2DArgs {
  Conv2DShape shape;
  const float* x;
  Weight weight;      // [outChannels, channels, kernelHeight, kernelWidth]
  const float* bias;  // [outChannels] or nullptr
  float* out;
};

struct Conv2DInputGradArgs {
  Conv2DShape shape;
  const float* dy;
  Weight weight;
  float* dx;
};

struct Conv2DWeightGradArgs {
  Conv2DShape shape;
  const float* x;
  const float* dy;
  float* dWeight;
};

EMU_VARIANTS(conv2d, Conv2DArgs)
EMU_VARIANTS(conv2dInputGrad, Conv2DInputGradArgs)
EMU_VARIANTS(conv2dWeightGrad, Conv2DWeightGradArgs)

}  // namespace emu

#endif  // EMU_KERNELS_CONV2D_CONV2D_H_
