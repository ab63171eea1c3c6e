// Matrix products of float32. Those in bfloat16: gemm.avx512bf16.cc.
#include "gemm.h"

#include "encoded.h"
#include "gemmBlocks.h"
#include "gemmFewRows.h"
#include "simd.h"

namespace emu {
namespace EMU_ISA {
namespace {

struct Float32 {
  static constexpr size_t kPerUnit = 1;

  // Units of one line from element `index` on: all lanes, or the first n.
  template <Encoding E>
  EMU_INLINE Vec along(const void* data, size_t index) {
    return loadAs<E>(data, index);
  }
  template <Encoding E>
  EMU_INLINE Vec alongPartial(const void* data, size_t index, size_t n) {
    return loadPartialAs<E>(data, index, n);
  }
  // One unit of each of n lines that lie side by side.
  template <Encoding E>
  EMU_INLINE Vec across(const void* data, size_t index, size_t /*ld*/, size_t n, size_t /*left*/) {
    return n == kLanes ? loadAs<E>(data, index) : loadPartialAs<E>(data, index, n);
  }
  EMU_INLINE Vec multiplyAdd(Vec a, Vec b, Vec sum) { return fma(a, b, sum); }
};

}  // namespace

void gemm(const GemmArgs& args) {
  if (args.m == 0 || args.n == 0) return;
  // Few rows are bound by reading the weight: rounding them gains nothing.
  if (args.inBf16 && !suitsFewRows(args)) return gemmInBf16(args);
  eachItem(args, [&](const float* a, const void* b, float* c) {
    if (suitsFewRows(args)) {
      multiplyFewRows(args, a, b, c);
    } else {
      multiplyItem<Float32>(args, a, b, c);
    }
  });
}

}  // namespace EMU_ISA
}  // namespace emu
