// Numbers of any encoding as vectors. Include only from `*.simd.cc` and the files of one ISA.
#ifndef EMU_KERNELS_NATIVE_ENCODED_H_
#define EMU_KERNELS_NATIVE_ENCODED_H_

#include "encoding.h"
#include "integers.h"
#include "simd.h"

namespace emu {
namespace EMU_ISA {

EMU_INLINE uint16_t readHalf(const uint8_t* p) {
  uint16_t half;
  memcpy(&half, p, sizeof(half));
  return half;
}

// What a block's whole numbers are multiplied with, and what q4_1 then adds.
EMU_INLINE Vec blockScale(const uint8_t* block) { return setF16(readHalf(block)); }
EMU_INLINE Vec blockMinimum(const uint8_t* block) { return setF16(readHalf(block + 2)); }

// What is subtracted of the stored whole numbers.
constexpr int storedZero(Encoding encoding) { return encoding == Encoding::kQ4_0 ? 8 : 0; }

// The whole numbers of a block from `first`, a multiple of kLanes, on, less kZero where they are
// stored without a sign.
template <Encoding E, int kZero = storedZero(E)>
EMU_INLINE Vec blockIntegers(const uint8_t* block, size_t first) {
  if constexpr (E == Encoding::kQ8_0) {
    return loadInt8(block + 2 + first);
  } else {
    constexpr size_t kHalf = kBlockElements / 2;  // bytes, each with a number of either half
    const uint8_t* nibbles = block + bytesPerBlock(E) - kHalf;
    return first < kHalf ? loadNibbles<0, kZero>(nibbles + first)
                         : loadNibbles<4, kZero>(nibbles + first - kHalf);
  }
}

// Element `index` onwards of an array in encoding E, as floats. `data` need not be aligned; in a
// quantized encoding `index` is a multiple of kLanes.
template <Encoding E>
EMU_INLINE Vec loadAs(const void* data, size_t index) {
  if constexpr (E == Encoding::kF32) {
    return load(static_cast<const float*>(data) + index);
  } else if constexpr (E == Encoding::kF16) {
    return loadF16(static_cast<const uint16_t*>(data) + index);
  } else if constexpr (E == Encoding::kBf16) {
    return loadBf16(static_cast<const uint16_t*>(data) + index);
  } else {
    const uint8_t* block = static_cast<const uint8_t*>(data) + encodedBytes(E, index);
    // Exact: 11 bits of the scale by at most 8.
    const Vec scaled = blockScale(block) * blockIntegers<E>(block, index % kBlockElements);
    return E == Encoding::kQ4_1 ? scaled + blockMinimum(block) : scaled;
  }
}

// The same for n <= kLanes elements; the other lanes are 0 and memory beyond the elements (beyond
// their block) is not read.
template <Encoding E>
EMU_INLINE Vec loadPartialAs(const void* data, size_t index, size_t n) {
  if constexpr (E == Encoding::kF32) {
    return loadPartial(static_cast<const float*>(data) + index, n);
  } else if constexpr (isQuantized(E)) {
    if (n == 0) return zero();
    float lanes[kLanes];
    store(lanes, loadAs<E>(data, index));
    return loadPartial(lanes, n);
  } else {
    uint16_t lanes[kLanes] = {};
    memcpy(lanes, static_cast<const uint16_t*>(data) + index, n * sizeof(uint16_t));
    return loadAs<E>(lanes, 0);
  }
}

// Calls fn with std::integral_constant-like tag `EncodingTag<E>` for a run-time encoding.
template <Encoding E>
struct EncodingTag {
  static constexpr Encoding value = E;
};
template <class Fn>
EMU_INLINE void withEncoding(Encoding encoding, const Fn& fn) {
  switch (encoding) {
    case Encoding::kF32:
      return fn(EncodingTag<Encoding::kF32>{});
    case Encoding::kF16:
      return fn(EncodingTag<Encoding::kF16>{});
    case Encoding::kBf16:
      return fn(EncodingTag<Encoding::kBf16>{});
    case Encoding::kQ8_0:
      return fn(EncodingTag<Encoding::kQ8_0>{});
    case Encoding::kQ4_0:
      return fn(EncodingTag<Encoding::kQ4_0>{});
    case Encoding::kQ4_1:
      return fn(EncodingTag<Encoding::kQ4_1>{});
  }
}

}  // namespace EMU_ISA
}  // namespace emu

#endif  // EMU_KERNELS_NATIVE_ENCODED_H_
