// Small integers, and the scale that multiplies them, as vectors of floats: what quantized blocks
// are made of. Include only from `*.simd.cc` and the files of one ISA.
#ifndef EMU_KERNELS_NATIVE_INTEGERS_H_
#define EMU_KERNELS_NATIVE_INTEGERS_H_

#include "simd.h"

#if !defined(__AVX2__) && defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace emu {
namespace EMU_ISA {

#if defined(__AVX512F__)

// Whether loadNibbles() subtracts at no cost.
constexpr bool kZeroIsFree = true;

// The f16 `half` in all lanes.
EMU_INLINE Vec setF16(uint16_t half) { return set(_cvtsh_ss(half)); }
// Signed bytes.
EMU_INLINE Vec loadInt8(const uint8_t* p) {
  const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
  return {_mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(bytes))};
}
// The four bits of each byte from `kShift` (0 or 4) on, less kZero.
template <int kShift, int kZero>
EMU_INLINE Vec loadNibbles(const uint8_t* p) {
  const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
  const __m512i words = _mm512_cvtepu8_epi32(bytes);
  // A table's index is the lowest four bits of a lane: no mask, no conversion.
  const __m512 table = _mm512_setr_ps(
      0 - kZero, 1 - kZero, 2 - kZero, 3 - kZero, 4 - kZero, 5 - kZero, 6 - kZero, 7 - kZero,
      8 - kZero, 9 - kZero, 10 - kZero, 11 - kZero, 12 - kZero, 13 - kZero, 14 - kZero, 15 - kZero);
  return {_mm512_permutexvar_ps(kShift ? _mm512_srli_epi32(words, kShift) : words, table)};
}

#elif defined(__AVX2__)

constexpr bool kZeroIsFree = false;

EMU_INLINE Vec setF16(uint16_t half) { return set(_cvtsh_ss(half)); }
EMU_INLINE Vec loadInt8(const uint8_t* p) {
  const __m128i bytes = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(p));
  return {_mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(bytes))};
}
template <int kShift, int kZero>
EMU_INLINE Vec loadNibbles(const uint8_t* p) {
  const __m128i bytes = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(p));
  const __m256i words = _mm256_cvtepu8_epi32(bytes);
  const __m256i nibbles =
      kShift ? _mm256_srli_epi32(words, kShift) : _mm256_and_si256(words, _mm256_set1_epi32(15));
  return {
      _mm256_cvtepi32_ps(kZero ? _mm256_sub_epi32(nibbles, _mm256_set1_epi32(kZero)) : nibbles)};
}

#else  // portable

constexpr bool kZeroIsFree = false;

EMU_INLINE Vec setF16(uint16_t half) { return set(halfToFloat(half)); }
// Four bytes, each the highest of its lane.
EMU_INLINE Mask loadHighBytes(const uint8_t* p) {
#if defined(__SSE2__)
  int32_t bytes;
  memcpy(&bytes, p, sizeof(bytes));
  const __m128i zero = _mm_setzero_si128();
  const __m128i words = _mm_unpacklo_epi8(zero, _mm_cvtsi32_si128(bytes));
  return reinterpret_cast<Mask>(_mm_unpacklo_epi16(zero, words));
#else
  typedef uint8_t Bytes __attribute__((vector_size(kLanes)));
  Bytes bytes;
  memcpy(&bytes, p, sizeof(bytes));
  return __builtin_convertvector(bytes, Mask) << 24;
#endif
}
EMU_INLINE Vec loadInt8(const uint8_t* p) {
  return {__builtin_convertvector(loadHighBytes(p) >> 24, Raw)};
}
template <int kShift, int kZero>
EMU_INLINE Vec loadNibbles(const uint8_t* p) {
  const Mask nibbles = (loadHighBytes(p) >> (24 + kShift) & 15) - kZero;
  return {__builtin_convertvector(nibbles, Raw)};
}

#endif

}  // namespace EMU_ISA
}  // namespace emu

#endif  // EMU_KERNELS_NATIVE_INTEGERS_H_
