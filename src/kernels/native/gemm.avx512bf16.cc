// Matrix products of numbers rounded to bfloat16, with sums in float32: VDPBF16PS adds the products of
// two pairs to each lane.
#include "gemm.h"

#include "encoded.h"
#include "gemmBlocks.h"
#include "simd.h"

namespace emu {
namespace EMU_ISA {
namespace {

// A unit is a pair of neighbours of the depth, the first in its lower half.
struct Bfloat16Pairs {
  static constexpr size_t kPerUnit = 2;

  EMU_INLINE Vec pairs(Vec low, Vec high) {
    return {reinterpret_cast<__m512>(_mm512_cvtne2ps_pbh(high.raw, low.raw))};
  }
  // Units of one line from element `index` on: all lanes, or those of the first n elements.
  template <Encoding E>
  EMU_INLINE Vec along(const void* data, size_t index) {
    return pairs(loadAs<E>(data, index), loadAs<E>(data, index + kLanes));
  }
  template <Encoding E>
  EMU_INLINE Vec alongPartial(const void* data, size_t index, size_t n) {
    if (n <= kLanes) return pairs(loadPartialAs<E>(data, index, n), zero());
    return pairs(loadAs<E>(data, index), loadPartialAs<E>(data, index + kLanes, n - kLanes));
  }
  // One unit of each of n lines that lie side by side; `left`: elements of the depth from here on.
  template <Encoding E>
  EMU_INLINE Vec across(const void* data, size_t index, size_t ld, size_t n, size_t left) {
    const auto read = [&](size_t at) {
      return n == kLanes ? loadAs<E>(data, at) : loadPartialAs<E>(data, at, n);
    };
    const Vec first = read(index), second = left > 1 ? read(index + ld) : zero();
    const __m512i low = _mm512_cvtepu16_epi32(reinterpret_cast<__m256i>(_mm512_cvtneps_pbh(first.raw)));
    const __m512i high =
        _mm512_cvtepu16_epi32(reinterpret_cast<__m256i>(_mm512_cvtneps_pbh(second.raw)));
    return {_mm512_castsi512_ps(_mm512_or_si512(low, _mm512_slli_epi32(high, 16)))};
  }
  EMU_INLINE Vec multiplyAdd(Vec a, Vec b, Vec sum) {
    return {_mm512_dpbf16_ps(sum.raw, reinterpret_cast<__m512bh>(a.raw),
                             reinterpret_cast<__m512bh>(b.raw))};
  }
};

}  // namespace

void gemmInBf16(const GemmArgs& args) {
  eachItem(args, [&](const float* a, const void* b, float* c) {
    multiplyItem<Bfloat16Pairs>(args, a, b, c);
  });
}

}  // namespace EMU_ISA
}  // namespace emu
