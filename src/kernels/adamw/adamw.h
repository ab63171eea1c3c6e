// One update of AdamW (arXiv 1711.05101), and the squared norm that gradient clipping needs.
#ifndef EMU_KERNELS_ADAMW_ADAMW_H_
#define EMU_KERNELS_ADAMW_ADAMW_H_

#include <cstddef>

#include "../native/select.h"

namespace emu {

// The formulas stand at adamwStep() in adamw.ts.
struct AdamwArgs {
  const float *parameter, *m, *v;  // [n]
  const float* grad;               // [n]
  float *newParameter, *newM, *newV;  // [n], each may alias its input
  size_t n;
  float beta2, eps;
  float gain1, gain2;  // 1 - beta1, 1 - beta2
  float decay;         // 1 - lr * weightDecay
  float rate;          // lr / (1 - beta1^t)
  float correction;    // 1 / sqrt(1 - beta2^t)
  float scale;         // of the gradient
};

struct SumOfSquaresArgs {
  const float* x;  // [n]
  size_t n;
  double* out;  // one number
};

EMU_VARIANTS(adamw, AdamwArgs)
EMU_VARIANTS(sumOfSquares, SumOfSquaresArgs)

}  // namespace emu

#endif  // EMU_KERNELS_ADAMW_ADAMW_H_
