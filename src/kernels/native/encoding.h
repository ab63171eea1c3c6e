// How stored numbers are encoded. The values are those of `encodingCodes` in addon.ts.
#ifndef EMU_KERNELS_NATIVE_ENCODING_H_
#define EMU_KERNELS_NATIVE_ENCODING_H_

#include <cstddef>

namespace emu {

enum class Encoding : int { kF32 = 0, kF16 = 1, kBf16 = 2, kQ8_0 = 3, kQ4_0 = 4, kQ4_1 = 5 };

constexpr Encoding kLastEncoding = Encoding::kQ4_1;

// GGML's q8_0, q4_0 and q4_1: blocks of neighbours in a row, whole numbers under a common scale (an
// f16 at the block's start). A row is a whole number of blocks. ../blocks.ts has the layouts.
constexpr size_t kBlockElements = 32;

constexpr bool isQuantized(Encoding encoding) { return encoding >= Encoding::kQ8_0; }

// Numbers that are stored together, and their bytes.
constexpr size_t elementsPerBlock(Encoding encoding) {
  return isQuantized(encoding) ? kBlockElements : 1;
}
constexpr size_t bytesPerBlock(Encoding encoding) {
  switch (encoding) {
    case Encoding::kF32:
      return 4;
    case Encoding::kF16:
    case Encoding::kBf16:
      return 2;
    case Encoding::kQ8_0:
      return 2 + 32;
    case Encoding::kQ4_0:
      return 2 + 16;
    case Encoding::kQ4_1:
      return 2 + 2 + 16;
  }
  return 0;
}

// Bytes of `count` numbers from the start of a block on: to the start of the block of the next one.
constexpr size_t encodedBytes(Encoding encoding, size_t count) {
  return count / elementsPerBlock(encoding) * bytesPerBlock(encoding);
}

// A weight where it lies: usually the mapped pages of a file, so not always aligned.
struct Weight {
  const void* data = nullptr;
  Encoding encoding = Encoding::kF32;
};

}  // namespace emu

#endif  // EMU_KERNELS_NATIVE_ENCODING_H_
