// -log softmax(logits)[label] per row.
#ifndef EMU_KERNELS_SOFTMAX_CROSS_ENTROPY_SOFTMAX_CROSS_ENTROPY_H_
#define EMU_KERNELS_SOFTMAX_CROSS_ENTROPY_SOFTMAX_CROSS_ENTROPY_H_

#include <cstddef>
#include <cstdint>

#include "../native/select.h"

namespace emu {

struct SoftmaxCrossEntropyArgs {
  const float* logits;    // [rows, cols]
  const int32_t* labels;  // [rows]; below 0: ignored
  float* losses;          // [rows]
  float* logSumExp;       // [rows]; log of the sum of e^logit, undefined for ignored rows
  size_t rows, cols;
};

struct SoftmaxCrossEntropyGradArgs {
  const float* logits;     // [rows, cols]
  const int32_t* labels;   // [rows]; below 0: ignored
  const float* logSumExp;  // [rows]
  const float* dy;         // [rows]
  float* dLogits;          // [rows, cols]
  size_t rows, cols;
};

EMU_VARIANTS(softmaxCrossEntropy, SoftmaxCrossEntropyArgs)
EMU_VARIANTS(softmaxCrossEntropyGrad, SoftmaxCrossEntropyGradArgs)

}  // namespace emu

#endif  // EMU_KERNELS_SOFTMAX_CROSS_ENTROPY_SOFTMAX_CROSS_ENTROPY_H_
