// How stored numbers are encoded. The values are those of `encodingCodes` in addon.ts.
#ifndef EMU_KERNELS_NATIVE_ENCODING_H_
#define EMU_KERNELS_NATIVE_ENCODING_H_

#include <cstddef>

namespace emu {

enum class Encoding : int { kF32 = 0, kF16 = 1, kBf16 = 2 };

constexpr size_t bytesPerElement(Encoding encoding) { return encoding == Encoding::kF32 ? 4 : 2; }

// A weight where it lies: usually the mapped pages of a file, so not always aligned.
struct Weight {
  const void* data = nullptr;
  Encoding encoding = Encoding::kF32;
};

}  // namespace emu

#endif  // EMU_KERNELS_NATIVE_ENCODING_H_
