// Run-time choice between the variants of a kernel.
//
// A kernel is one function `void name(const Args&)`, written once in `name.simd.cc` inside
// `namespace emu::EMU_ISA` and compiled once per ISA. EMU_VARIANTS declares those variants and
// `emu::name(args)`, which calls the one for the active ISA.
#ifndef EMU_KERNELS_NATIVE_SELECT_H_
#define EMU_KERNELS_NATIVE_SELECT_H_

#include "cpu.h"

// Inside a variant's own file `name(args)` is that variant's: there the dispatcher is left out.
#if defined(EMU_ISA)

#define EMU_VARIANTS(name, Args) \
  namespace EMU_ISA {            \
  void name(const Args& args);   \
  }

#elif defined(__x86_64__)

#define EMU_VARIANTS(name, Args)                        \
  namespace scalar {                                    \
  void name(const Args& args);                          \
  }                                                     \
  namespace avx2 {                                      \
  void name(const Args& args);                          \
  }                                                     \
  namespace avx512 {                                    \
  void name(const Args& args);                          \
  }                                                     \
  [[maybe_unused]] static void name(const Args& args) { \
    switch (activeIsa()) {                              \
      case Isa::kAvx512Bf16:                            \
      case Isa::kAvx512:                                \
        return avx512::name(args);                      \
      case Isa::kAvx2:                                  \
        return avx2::name(args);                        \
      default:                                          \
        return scalar::name(args);                      \
    }                                                   \
  }

#else

#define EMU_VARIANTS(name, Args) \
  namespace scalar {             \
  void name(const Args& args);   \
  }                              \
  [[maybe_unused]] static void name(const Args& args) { scalar::name(args); }

#endif

#endif  // EMU_KERNELS_NATIVE_SELECT_H_
