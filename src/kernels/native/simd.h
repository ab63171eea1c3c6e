// A vector of floats, one type per ISA under one name, so that a kernel is written once.
//
// Include it only from `*.simd.cc` (and the `*.avx2.cc`, `*.avx512.cc` files of one ISA). All of it
// lives in `namespace emu::EMU_ISA`; kernels do too, and use no std templates (std::vector,
// std::function, ...): the linker would keep one copy for all ISAs, maybe the AVX-512 one.
#ifndef EMU_KERNELS_NATIVE_SIMD_H_
#define EMU_KERNELS_NATIVE_SIMD_H_

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>

#if defined(__AVX2__)
#include <immintrin.h>
#endif

#define EMU_INLINE static inline __attribute__((always_inline))

namespace emu {
namespace EMU_ISA {

#if defined(__AVX512F__)

constexpr size_t kLanes = 16;
using Raw = __m512;
using Mask = __mmask16;

#elif defined(__AVX2__)

constexpr size_t kLanes = 8;
using Raw = __m256;
using Mask = __m256;

#else

constexpr size_t kLanes = 4;
typedef float Raw __attribute__((vector_size(16)));
typedef int32_t Mask __attribute__((vector_size(16)));  // all ones where true

#endif

struct Vec {
  Raw raw;
};

#if defined(__AVX512F__)

EMU_INLINE __mmask16 firstLanes(size_t n) { return static_cast<__mmask16>((1u << n) - 1u); }

EMU_INLINE Vec set(float value) { return {_mm512_set1_ps(value)}; }
EMU_INLINE Vec load(const float* p) { return {_mm512_loadu_ps(p)}; }
EMU_INLINE void store(float* p, Vec v) { _mm512_storeu_ps(p, v.raw); }
// Lanes n and above are 0 and their memory is not touched; 0 <= n <= kLanes.
EMU_INLINE Vec loadPartial(const float* p, size_t n) {
  return {_mm512_maskz_loadu_ps(firstLanes(n), p)};
}
EMU_INLINE void storePartial(float* p, Vec v, size_t n) {
  _mm512_mask_storeu_ps(p, firstLanes(n), v.raw);
}
EMU_INLINE Vec operator+(Vec a, Vec b) { return {_mm512_add_ps(a.raw, b.raw)}; }
EMU_INLINE Vec operator-(Vec a, Vec b) { return {_mm512_sub_ps(a.raw, b.raw)}; }
EMU_INLINE Vec operator*(Vec a, Vec b) { return {_mm512_mul_ps(a.raw, b.raw)}; }
EMU_INLINE Vec operator/(Vec a, Vec b) { return {_mm512_div_ps(a.raw, b.raw)}; }
// a * b + c, and c - a * b
EMU_INLINE Vec fma(Vec a, Vec b, Vec c) { return {_mm512_fmadd_ps(a.raw, b.raw, c.raw)}; }
EMU_INLINE Vec fnma(Vec a, Vec b, Vec c) { return {_mm512_fnmadd_ps(a.raw, b.raw, c.raw)}; }
// NaN in `b` comes through.
EMU_INLINE Vec max(Vec a, Vec b) { return {_mm512_max_ps(a.raw, b.raw)}; }
EMU_INLINE Vec min(Vec a, Vec b) { return {_mm512_min_ps(a.raw, b.raw)}; }
EMU_INLINE Vec sqrt(Vec a) { return {_mm512_sqrt_ps(a.raw)}; }
EMU_INLINE Vec abs(Vec a) { return {_mm512_abs_ps(a.raw)}; }
// |a| with the sign of b
EMU_INLINE Vec copySign(Vec a, Vec b) {
  const __m512i sign = _mm512_set1_epi32(INT32_MIN);
  const __m512i magnitude = _mm512_andnot_si512(sign, _mm512_castps_si512(a.raw));
  return {_mm512_castsi512_ps(
      _mm512_or_si512(magnitude, _mm512_and_si512(sign, _mm512_castps_si512(b.raw))))};
}
EMU_INLINE Mask less(Vec a, Vec b) { return _mm512_cmp_ps_mask(a.raw, b.raw, _CMP_LT_OQ); }
EMU_INLINE Mask equal(Vec a, Vec b) { return _mm512_cmp_ps_mask(a.raw, b.raw, _CMP_EQ_OQ); }
// mask ? a : b
EMU_INLINE Vec pick(Mask mask, Vec a, Vec b) { return {_mm512_mask_blend_ps(mask, b.raw, a.raw)}; }
// To the nearest integer, ties to even.
EMU_INLINE Vec round(Vec a) {
  return {_mm512_roundscale_ps(a.raw, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC)};
}
// 2^n for integral n in [-126, 127]
EMU_INLINE Vec powerOfTwo(Vec n) {
  const __m512i exponent = _mm512_add_epi32(_mm512_cvtps_epi32(n.raw), _mm512_set1_epi32(127));
  return {_mm512_castsi512_ps(_mm512_slli_epi32(exponent, 23))};
}
EMU_INLINE float sum(Vec v) { return _mm512_reduce_add_ps(v.raw); }
EMU_INLINE float maxLane(Vec v) { return _mm512_reduce_max_ps(v.raw); }
EMU_INLINE Vec loadF16(const uint16_t* p) {
  return {_mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)))};
}
EMU_INLINE Vec loadBf16(const uint16_t* p) {
  const __m256i half = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
  return {_mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(half), 16))};
}

// Rows become columns.
EMU_INLINE void transpose(Vec (&rows)[kLanes]) {
  __m512 t[16], u[16];
#pragma GCC unroll 16
  for (int i = 0; i < 16; i += 2) {
    t[i] = _mm512_unpacklo_ps(rows[i].raw, rows[i + 1].raw);
    t[i + 1] = _mm512_unpackhi_ps(rows[i].raw, rows[i + 1].raw);
  }
#pragma GCC unroll 4
  for (int i = 0; i < 16; i += 4) {  // u[i + j]: in each 128 bits, column j of rows i..i+3
    u[i] = _mm512_shuffle_ps(t[i], t[i + 2], 0x44);
    u[i + 1] = _mm512_shuffle_ps(t[i], t[i + 2], 0xee);
    u[i + 2] = _mm512_shuffle_ps(t[i + 1], t[i + 3], 0x44);
    u[i + 3] = _mm512_shuffle_ps(t[i + 1], t[i + 3], 0xee);
  }
#pragma GCC unroll 4
  for (int j = 0; j < 4;
       ++j) {  // 128-bit blocks: block b of u[4 r + j] goes to block r of row 4 b + j
    const __m512 low = _mm512_shuffle_f32x4(u[j], u[4 + j], 0x88);  // blocks 0 2 | 0 2
    const __m512 high = _mm512_shuffle_f32x4(u[8 + j], u[12 + j], 0x88);
    const __m512 lowOdd = _mm512_shuffle_f32x4(u[j], u[4 + j], 0xdd);  // blocks 1 3 | 1 3
    const __m512 highOdd = _mm512_shuffle_f32x4(u[8 + j], u[12 + j], 0xdd);
    rows[j].raw = _mm512_shuffle_f32x4(low, high, 0x88);
    rows[8 + j].raw = _mm512_shuffle_f32x4(low, high, 0xdd);
    rows[4 + j].raw = _mm512_shuffle_f32x4(lowOdd, highOdd, 0x88);
    rows[12 + j].raw = _mm512_shuffle_f32x4(lowOdd, highOdd, 0xdd);
  }
}

#elif defined(__AVX2__)

EMU_INLINE __m256i firstLanes(size_t n) {
  alignas(32) static const int32_t kMask[16] = {-1, -1, -1, -1, -1, -1, -1, -1,
                                                0,  0,  0,  0,  0,  0,  0,  0};
  return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(kMask + 8 - n));
}

EMU_INLINE Vec set(float value) { return {_mm256_set1_ps(value)}; }
EMU_INLINE Vec load(const float* p) { return {_mm256_loadu_ps(p)}; }
EMU_INLINE void store(float* p, Vec v) { _mm256_storeu_ps(p, v.raw); }
EMU_INLINE Vec loadPartial(const float* p, size_t n) {
  return {_mm256_maskload_ps(p, firstLanes(n))};
}
EMU_INLINE void storePartial(float* p, Vec v, size_t n) {
  _mm256_maskstore_ps(p, firstLanes(n), v.raw);
}
EMU_INLINE Vec operator+(Vec a, Vec b) { return {_mm256_add_ps(a.raw, b.raw)}; }
EMU_INLINE Vec operator-(Vec a, Vec b) { return {_mm256_sub_ps(a.raw, b.raw)}; }
EMU_INLINE Vec operator*(Vec a, Vec b) { return {_mm256_mul_ps(a.raw, b.raw)}; }
EMU_INLINE Vec operator/(Vec a, Vec b) { return {_mm256_div_ps(a.raw, b.raw)}; }
EMU_INLINE Vec fma(Vec a, Vec b, Vec c) { return {_mm256_fmadd_ps(a.raw, b.raw, c.raw)}; }
EMU_INLINE Vec fnma(Vec a, Vec b, Vec c) { return {_mm256_fnmadd_ps(a.raw, b.raw, c.raw)}; }
EMU_INLINE Vec max(Vec a, Vec b) { return {_mm256_max_ps(a.raw, b.raw)}; }
EMU_INLINE Vec min(Vec a, Vec b) { return {_mm256_min_ps(a.raw, b.raw)}; }
EMU_INLINE Vec sqrt(Vec a) { return {_mm256_sqrt_ps(a.raw)}; }
EMU_INLINE Vec abs(Vec a) { return {_mm256_andnot_ps(_mm256_set1_ps(-0.0f), a.raw)}; }
EMU_INLINE Vec copySign(Vec a, Vec b) {
  const __m256 sign = _mm256_set1_ps(-0.0f);
  return {_mm256_or_ps(_mm256_andnot_ps(sign, a.raw), _mm256_and_ps(sign, b.raw))};
}
EMU_INLINE Mask less(Vec a, Vec b) { return _mm256_cmp_ps(a.raw, b.raw, _CMP_LT_OQ); }
EMU_INLINE Mask equal(Vec a, Vec b) { return _mm256_cmp_ps(a.raw, b.raw, _CMP_EQ_OQ); }
EMU_INLINE Vec pick(Mask mask, Vec a, Vec b) { return {_mm256_blendv_ps(b.raw, a.raw, mask)}; }
EMU_INLINE Vec round(Vec a) {
  return {_mm256_round_ps(a.raw, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC)};
}
EMU_INLINE Vec powerOfTwo(Vec n) {
  const __m256i exponent = _mm256_add_epi32(_mm256_cvtps_epi32(n.raw), _mm256_set1_epi32(127));
  return {_mm256_castsi256_ps(_mm256_slli_epi32(exponent, 23))};
}
EMU_INLINE float sum(Vec v) {
  __m128 half = _mm_add_ps(_mm256_castps256_ps128(v.raw), _mm256_extractf128_ps(v.raw, 1));
  half = _mm_add_ps(half, _mm_movehl_ps(half, half));
  return _mm_cvtss_f32(_mm_add_ss(half, _mm_movehdup_ps(half)));
}
EMU_INLINE float maxLane(Vec v) {
  __m128 half = _mm_max_ps(_mm256_castps256_ps128(v.raw), _mm256_extractf128_ps(v.raw, 1));
  half = _mm_max_ps(half, _mm_movehl_ps(half, half));
  return _mm_cvtss_f32(_mm_max_ss(half, _mm_movehdup_ps(half)));
}
EMU_INLINE Vec loadF16(const uint16_t* p) {
  return {_mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)))};
}
EMU_INLINE Vec loadBf16(const uint16_t* p) {
  const __m128i half = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
  return {_mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(half), 16))};
}

EMU_INLINE void transpose(Vec (&rows)[kLanes]) {
  __m256 t[8], u[8];
#pragma GCC unroll 8
  for (int i = 0; i < 8; i += 2) {
    t[i] = _mm256_unpacklo_ps(rows[i].raw, rows[i + 1].raw);
    t[i + 1] = _mm256_unpackhi_ps(rows[i].raw, rows[i + 1].raw);
  }
#pragma GCC unroll 2
  for (int i = 0; i < 8; i += 4) {  // u[i + j]: in each 128 bits, column j of rows i..i+3
    u[i] = _mm256_shuffle_ps(t[i], t[i + 2], 0x44);
    u[i + 1] = _mm256_shuffle_ps(t[i], t[i + 2], 0xee);
    u[i + 2] = _mm256_shuffle_ps(t[i + 1], t[i + 3], 0x44);
    u[i + 3] = _mm256_shuffle_ps(t[i + 1], t[i + 3], 0xee);
  }
#pragma GCC unroll 4
  for (int j = 0; j < 4; ++j) {
    rows[j].raw = _mm256_permute2f128_ps(u[j], u[4 + j], 0x20);
    rows[4 + j].raw = _mm256_permute2f128_ps(u[j], u[4 + j], 0x31);
  }
}

#else  // portable

EMU_INLINE float halfToFloat(uint16_t half) {
  const uint32_t sign = static_cast<uint32_t>(half & 0x8000) << 16;
  const uint32_t magnitude = half & 0x7fff;
  float value;
  if (magnitude >= 0x7c00) {  // infinity, NaN
    const uint32_t bits = 0x7f800000u | (magnitude & 0x3ff) << 13;
    memcpy(&value, &bits, 4);
  } else {  // exponent moved by 112: multiplying by 2^112 makes subnormal halves right too
    const uint32_t bits = magnitude << 13;
    memcpy(&value, &bits, 4);
    value *= 0x1p112f;
  }
  uint32_t bits;
  memcpy(&bits, &value, 4);
  bits |= sign;
  memcpy(&value, &bits, 4);
  return value;
}

EMU_INLINE Vec set(float value) { return {Raw{value, value, value, value}}; }
EMU_INLINE Vec load(const float* p) {
  Vec v;
  memcpy(&v.raw, p, sizeof(v.raw));
  return v;
}
EMU_INLINE void store(float* p, Vec v) { memcpy(p, &v.raw, sizeof(v.raw)); }
EMU_INLINE Vec loadPartial(const float* p, size_t n) {
  float lanes[kLanes] = {};
  for (size_t i = 0; i < n; ++i) lanes[i] = p[i];
  return load(lanes);
}
EMU_INLINE void storePartial(float* p, Vec v, size_t n) {
  for (size_t i = 0; i < n; ++i) p[i] = v.raw[i];
}
EMU_INLINE Vec operator+(Vec a, Vec b) { return {a.raw + b.raw}; }
EMU_INLINE Vec operator-(Vec a, Vec b) { return {a.raw - b.raw}; }
EMU_INLINE Vec operator*(Vec a, Vec b) { return {a.raw * b.raw}; }
EMU_INLINE Vec operator/(Vec a, Vec b) { return {a.raw / b.raw}; }
EMU_INLINE Vec fma(Vec a, Vec b, Vec c) { return {a.raw * b.raw + c.raw}; }
EMU_INLINE Vec fnma(Vec a, Vec b, Vec c) { return {c.raw - a.raw * b.raw}; }
EMU_INLINE Mask less(Vec a, Vec b) { return a.raw < b.raw; }
EMU_INLINE Mask equal(Vec a, Vec b) { return a.raw == b.raw; }
EMU_INLINE Vec pick(Mask mask, Vec a, Vec b) {
  return {reinterpret_cast<Raw>((mask & reinterpret_cast<Mask>(a.raw)) |
                                (~mask & reinterpret_cast<Mask>(b.raw)))};
}
EMU_INLINE Vec max(Vec a, Vec b) { return pick(less(b, a), a, b); }
EMU_INLINE Vec min(Vec a, Vec b) { return pick(less(a, b), a, b); }
EMU_INLINE Vec sqrt(Vec a) {
  return {Raw{__builtin_sqrtf(a.raw[0]), __builtin_sqrtf(a.raw[1]), __builtin_sqrtf(a.raw[2]),
              __builtin_sqrtf(a.raw[3])}};
}
EMU_INLINE Vec abs(Vec a) {
  return {reinterpret_cast<Raw>(reinterpret_cast<Mask>(a.raw) & INT32_MAX)};
}
EMU_INLINE Vec copySign(Vec a, Vec b) {
  return {reinterpret_cast<Raw>((reinterpret_cast<Mask>(a.raw) & INT32_MAX) |
                                (reinterpret_cast<Mask>(b.raw) & INT32_MIN))};
}
EMU_INLINE Vec round(Vec a) {        // right for |a| < 2^22
  const float kMagic = 12582912.0f;  // 1.5 * 2^23: adding it rounds to an integer
  Raw rounded = a.raw + kMagic;
  __asm__("" : "+m"(rounded));  // keeps the compiler from cancelling the two
  return {rounded - kMagic};
}
EMU_INLINE Vec powerOfTwo(Vec n) {
  return {reinterpret_cast<Raw>((__builtin_convertvector(n.raw, Mask) + 127) << 23)};
}
EMU_INLINE float sum(Vec v) { return (v.raw[0] + v.raw[2]) + (v.raw[1] + v.raw[3]); }
EMU_INLINE float maxLane(Vec v) {
  const float a = v.raw[0] > v.raw[1] ? v.raw[0] : v.raw[1];
  const float b = v.raw[2] > v.raw[3] ? v.raw[2] : v.raw[3];
  return a > b ? a : b;
}
EMU_INLINE Vec loadF16(const uint16_t* p) {
  return {Raw{halfToFloat(p[0]), halfToFloat(p[1]), halfToFloat(p[2]), halfToFloat(p[3])}};
}
EMU_INLINE Vec loadBf16(const uint16_t* p) {
  return {reinterpret_cast<Raw>(Mask{p[0], p[1], p[2], p[3]} << 16)};
}

EMU_INLINE void transpose(Vec (&rows)[kLanes]) {
  const Raw a = rows[0].raw, b = rows[1].raw, c = rows[2].raw, d = rows[3].raw;
  rows[0].raw = Raw{a[0], b[0], c[0], d[0]};
  rows[1].raw = Raw{a[1], b[1], c[1], d[1]};
  rows[2].raw = Raw{a[2], b[2], c[2], d[2]};
  rows[3].raw = Raw{a[3], b[3], c[3], d[3]};
}

#endif

EMU_INLINE Vec zero() { return set(0.0f); }
EMU_INLINE Vec operator-(Vec a) { return zero() - a; }

// e^x to about 1 unit in the last place; 0 below -104, infinity above 88.8, NaN for NaN.
EMU_INLINE Vec exp(Vec x) {
  x = min(set(89.0f), max(set(-104.5f), x));
  const Vec n = round(x * set(1.44269504088896341f));
  Vec r = fnma(n, set(0.693359375f), x);  // ln 2 in two parts
  r = fnma(n, set(-2.12194440e-4f), r);
  // Cephes expf: e^r = 1 + r + r^2 p(r) on [-ln2/2, ln2/2]
  Vec p = set(1.9875691500e-4f);
  p = fma(p, r, set(1.3981999507e-3f));
  p = fma(p, r, set(8.3334519073e-3f));
  p = fma(p, r, set(4.1665795894e-2f));
  p = fma(p, r, set(1.6666665459e-1f));
  p = fma(p, r, set(5.0000001201e-1f));
  p = fma(p, r * r, r + set(1.0f));
  // 2^n in two factors: n reaches -151 (subnormal results) and 128 (overflow to infinity).
  const Vec half = round(n * set(0.5f));
  return p * powerOfTwo(half) * powerOfTwo(n - half);
}

EMU_INLINE Vec sigmoid(Vec x) {
  const Vec one = set(1.0f);
  return one / (one + exp(-x));
}

}  // namespace EMU_ISA
}  // namespace emu

#endif  // EMU_KERNELS_NATIVE_SIMD_H_
