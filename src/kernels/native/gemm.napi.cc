#include "gemm.h"

#include "binding.h"
#include "cpu.h"

namespace emu {
namespace {

// Elements that `batch` items span when each lies `stride` after the one before.
size_t span(size_t batch, size_t stride, size_t item) {
  return batch == 0 ? 0 : (batch - 1) * stride + item;
}

}  // namespace

// (a, transposeA, b, encodingB, transposeB, bias | null, c, m, n, k, batch, strideA, strideB,
// accumulate), all matrices dense; strides in elements, 0 shares one matrix; C's items follow each
// other.
EMU_EXPORT(gemm) {
  GemmArgs args;
  args.m = call.size(7);
  args.n = call.size(8);
  args.k = call.size(9);
  args.batch = call.size(10);
  args.strideA = call.size(11);
  args.strideB = call.size(12);
  args.strideC = args.m * args.n;
  args.a = call.floats(0, span(args.batch, args.strideA, args.m * args.k));
  args.transposeA = call.flag(1);
  args.transposeB = call.flag(4);
  args.b = call.weight(2, 3, span(args.batch, args.strideB, args.k * args.n),
                       args.transposeB ? args.k : args.n);
  args.bias = call.optionalFloats(5, args.n);
  args.c = call.floats(6, args.batch * args.strideC);
  args.accumulate = call.flag(13);
  args.inBf16 = computesInBf16();
  args.lda = args.transposeA ? args.m : args.k;
  args.ldb = args.transposeB ? args.k : args.n;
  args.ldc = args.n;
  gemm(args);
}

}  // namespace emu
