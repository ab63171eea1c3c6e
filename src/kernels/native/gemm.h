// Matrix product: every dense layer, its gradients, tf.matMul and convolutions end here.
#ifndef EMU_KERNELS_NATIVE_GEMM_H_
#define EMU_KERNELS_NATIVE_GEMM_H_

#include <cstddef>

#include "encoding.h"
#include "select.h"

namespace emu {

// For each item of the batch: C = op(A) op(B) + bias, or C += op(A) op(B).
// op(A) is [m, k], op(B) [k, n], C [m, n]; the last index of every stored matrix is contiguous.
// Each element of C is a sum over k in an order that depends on k alone (and, where m is small, on
// which path the shapes choose), not on the number of threads.
struct GemmArgs {
  size_t m = 0, n = 0, k = 0;
  const float* a = nullptr;  // [m, k], or [k, m] when transposeA
  size_t lda = 0;            // elements from one row to the next
  bool transposeA = false;
  Weight b;  // [k, n], or [n, k] when transposeB; of any encoding, need not be aligned
  size_t ldb = 0;
  bool transposeB = false;
  const float* bias = nullptr;  // [n], the same for the whole batch; not with accumulate
  float* c = nullptr;           // [m, n]
  size_t ldc = 0;
  bool accumulate = false;
  size_t batch = 1;
  size_t strideA = 0, strideB = 0, strideC = 0;  // elements from one item to the next
  // A and B are rounded to bfloat16 first, the sums are float32. Only where canRun(kAvx512Bf16).
  bool inBf16 = false;
};

// May be called inside a piece of parallelFor(); uses the scratch slots kGemmScratch and above.
EMU_VARIANTS(gemm, GemmArgs)

// gemm() of `inBf16`: m, n > 0.
void gemmInBf16(const GemmArgs& args);

}  // namespace emu

#endif  // EMU_KERNELS_NATIVE_GEMM_H_
