// The AVX-512 intrinsics that simd.h uses, as plain loops after Intel's Intrinsics Guide, so that a
// processor without AVX-512 can check the code written for it. Included before all else by
// simd.test.ts, with __AVX512F__ defined.
#ifndef EMU_TEST_AVX512_EMULATION_H_
#define EMU_TEST_AVX512_EMULATION_H_

#include <cmath>
#include <cstdint>
#include <cstring>

#if defined(__SSE2__)
#include <emmintrin.h>  // has __m128i and its load
#else
struct alignas(16) __m128i {
  uint8_t b[16];
};
static inline __m128i _mm_loadu_si128(const __m128i* p) { return *p; }
#endif

struct alignas(64) __m512 {
  float f[16];
};
struct alignas(64) __m512i {
  int32_t i[16];
};
struct alignas(32) __m256i {
  uint16_t h[16];
};
using __mmask16 = uint16_t;

enum { _CMP_EQ_OQ = 0, _CMP_LT_OQ = 17, _MM_FROUND_TO_NEAREST_INT = 0, _MM_FROUND_NO_EXC = 8 };

// Defines an intrinsic that computes each lane k of its result.
#define EMULATE(Type, member, name, parameters, lane)       \
  static inline Type name parameters {                      \
    Type result;                                            \
    for (int k = 0; k < 16; ++k) result.member[k] = (lane); \
    return result;                                          \
  }
#define EMULATE_PS(name, parameters, lane) EMULATE(__m512, f, name, parameters, lane)
#define EMULATE_SI(name, parameters, lane) EMULATE(__m512i, i, name, parameters, lane)

EMULATE_PS(_mm512_set1_ps, (float v), v)
EMULATE_PS(_mm512_loadu_ps, (const float* p), p[k])
EMULATE_PS(_mm512_maskz_loadu_ps, (__mmask16 m, const float* p), m >> k & 1 ? p[k] : 0.0f)
EMULATE_PS(_mm512_add_ps, (__m512 a, __m512 b), a.f[k] + b.f[k])
EMULATE_PS(_mm512_sub_ps, (__m512 a, __m512 b), a.f[k] - b.f[k])
EMULATE_PS(_mm512_mul_ps, (__m512 a, __m512 b), a.f[k] * b.f[k])
EMULATE_PS(_mm512_div_ps, (__m512 a, __m512 b), a.f[k] / b.f[k])
EMULATE_PS(_mm512_max_ps, (__m512 a, __m512 b), a.f[k] > b.f[k] ? a.f[k] : b.f[k])
EMULATE_PS(_mm512_min_ps, (__m512 a, __m512 b), a.f[k] < b.f[k] ? a.f[k] : b.f[k])
EMULATE_PS(_mm512_fmadd_ps, (__m512 a, __m512 b, __m512 c), std::fma(a.f[k], b.f[k], c.f[k]))
EMULATE_PS(_mm512_fnmadd_ps, (__m512 a, __m512 b, __m512 c), std::fma(-a.f[k], b.f[k], c.f[k]))
EMULATE_PS(_mm512_sqrt_ps, (__m512 a), std::sqrt(a.f[k]))
EMULATE_PS(_mm512_abs_ps, (__m512 a), std::fabs(a.f[k]))
EMULATE_PS(_mm512_roundscale_ps, (__m512 a, int), std::nearbyint(a.f[k]))
EMULATE_PS(_mm512_mask_blend_ps, (__mmask16 m, __m512 a, __m512 b), m >> k & 1 ? b.f[k] : a.f[k])
// Within each 128 bits: k & ~3 is the first lane of k's quarter.
EMULATE_PS(_mm512_unpacklo_ps, (__m512 a, __m512 b), (k & 1 ? b : a).f[(k & ~3) + (k >> 1 & 1)])
EMULATE_PS(_mm512_unpackhi_ps, (__m512 a, __m512 b), (k & 1 ? b : a).f[(k & ~3) + 2 + (k >> 1 & 1)])
EMULATE_PS(_mm512_shuffle_ps, (__m512 a, __m512 b, int control),
           (k & 2 ? b : a).f[(k & ~3) + (control >> 2 * (k & 3) & 3)])
EMULATE_PS(_mm512_shuffle_f32x4, (__m512 a, __m512 b, int control),
           (k & 8 ? b : a).f[4 * (control >> 2 * (k >> 2) & 3) + (k & 3)])
EMULATE_SI(_mm512_set1_epi32, (int v), v)
EMULATE_SI(_mm512_and_si512, (__m512i a, __m512i b), a.i[k] & b.i[k])
EMULATE_SI(_mm512_or_si512, (__m512i a, __m512i b), a.i[k] | b.i[k])
EMULATE_SI(_mm512_andnot_si512, (__m512i a, __m512i b), ~a.i[k] & b.i[k])
EMULATE_SI(_mm512_add_epi32, (__m512i a, __m512i b), a.i[k] + b.i[k])
EMULATE_SI(_mm512_slli_epi32, (__m512i a, int n),
           static_cast<int32_t>(static_cast<uint32_t>(a.i[k]) << n))
// Out of range, as NaN, becomes the "integer indefinite".
EMULATE_SI(_mm512_cvtps_epi32, (__m512 a),
           std::fabs(a.f[k]) < 2147483648.0f ? static_cast<int32_t>(std::nearbyint(a.f[k]))
                                             : INT32_MIN)
EMULATE_SI(_mm512_cvtepu16_epi32, (__m256i a), a.h[k])
static inline uint8_t emulatedByte(const __m128i& v, int k) {
  uint8_t bytes[16];
  std::memcpy(bytes, &v, sizeof(bytes));
  return bytes[k];
}
EMULATE_SI(_mm512_cvtepu8_epi32, (__m128i a), emulatedByte(a, k))
EMULATE_SI(_mm512_cvtepi8_epi32, (__m128i a), static_cast<int8_t>(emulatedByte(a, k)))
EMULATE_SI(_mm512_srli_epi32, (__m512i a, unsigned n),
           static_cast<int32_t>(static_cast<uint32_t>(a.i[k]) >> n))
EMULATE_PS(_mm512_cvtepi32_ps, (__m512i a), static_cast<float>(a.i[k]))
EMULATE_PS(_mm512_permutexvar_ps, (__m512i index, __m512 a), a.f[index.i[k] & 15])
EMULATE(__m256i, h, _mm256_loadu_si256, (const __m256i* p), p->h[k])

static inline float emulatedHalf(uint16_t bits) {
  const int exponent = bits >> 10 & 31, fraction = bits & 1023;
  float value = std::ldexp(1 + fraction / 1024.0f, exponent - 15);
  if (exponent == 0) value = std::ldexp(static_cast<float>(fraction), -24);
  if (exponent == 31) value = fraction ? NAN : INFINITY;
  return bits & 0x8000 ? -value : value;
}
static inline float _cvtsh_ss(uint16_t half) { return emulatedHalf(half); }
EMULATE_PS(_mm512_cvtph_ps, (__m256i a), emulatedHalf(a.h[k]))

template <class... Floats>
static inline __m512 _mm512_setr_ps(Floats... values) {
  static_assert(sizeof...(values) == 16, "16 lanes");
  return {{static_cast<float>(values)...}};
}
static inline __m512i _mm512_castps_si512(__m512 a) {
  __m512i result;
  std::memcpy(&result, &a, sizeof(a));
  return result;
}
static inline __m512 _mm512_castsi512_ps(__m512i a) {
  __m512 result;
  std::memcpy(&result, &a, sizeof(a));
  return result;
}
static inline void _mm512_storeu_ps(float* p, __m512 v) { std::memcpy(p, &v, sizeof(v)); }
static inline void _mm512_mask_storeu_ps(float* p, __mmask16 m, __m512 v) {
  for (int k = 0; k < 16; ++k) {
    if (m >> k & 1) p[k] = v.f[k];
  }
}
static inline __mmask16 _mm512_cmp_ps_mask(__m512 a, __m512 b, int op) {
  unsigned mask = 0;
  for (int k = 0; k < 16; ++k) {
    const bool isTrue = op == _CMP_LT_OQ ? a.f[k] < b.f[k] : a.f[k] == b.f[k];
    mask |= static_cast<unsigned>(isTrue) << k;
  }
  return static_cast<__mmask16>(mask);
}
static inline float _mm512_reduce_add_ps(__m512 a) {
  for (int width = 8; width > 0; width /= 2) {
    for (int k = 0; k < width; ++k) a.f[k] += a.f[k + width];
  }
  return a.f[0];
}
static inline float _mm512_reduce_max_ps(__m512 a) {
  float top = a.f[0];
  for (float value : a.f) top = value > top ? value : top;
  return top;
}

#endif  // EMU_TEST_AVX512_EMULATION_H_
