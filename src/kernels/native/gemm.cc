#include "gemm.h"

#include <stdexcept>

namespace emu {

#if defined(__x86_64__)

namespace avx512bf16 {
void gemmInBf16(const GemmArgs& args);
}

void gemmInBf16(const GemmArgs& args) { avx512bf16::gemmInBf16(args); }

#else

void gemmInBf16(const GemmArgs&) {
  throw std::logic_error("gemm: this build has no products in bfloat16");
}

#endif

}  // namespace emu
