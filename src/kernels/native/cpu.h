// What the processor that runs (not the one that built) can do. Compiled without any ISA flag.
#ifndef EMU_KERNELS_NATIVE_CPU_H_
#define EMU_KERNELS_NATIVE_CPU_H_

namespace emu {

// Ordered from weakest to strongest.
enum class Isa : int {
  kScalar = 0,  // portable 4-lane code: SSE2 on x86-64, NEON on arm64
  kAvx2 = 1,    // AVX2 + FMA + F16C
  kAvx512 = 2,  // AVX-512 F, BW, VL, DQ
  // AVX-512 with BF16: kernels are kAvx512's, but for matrix products that may be rounded to bfloat16.
  kAvx512Bf16 = 3,
};

constexpr int kNumIsas = 4;

const char* isaName(Isa isa);

// Whether this build has code for `isa` and this processor and its operating system can run it.
bool canRun(Isa isa);

// The variant that kernels use now: the strongest one unless setIsa() chose another.
Isa activeIsa();

// Chooses a variant for the whole process. The caller checks canRun() first.
void setIsa(Isa isa);

// Whether matrix products are rounded to bfloat16: asked for, and the variant in use can.
bool computesInBf16();

// Asks for it, for the whole process.
void setBf16Compute(bool on);

// Cores that this process may use: the affinity mask, limited by the cgroup's CPU quota. At
// least 1.
int allowedCores();

}  // namespace emu

#endif  // EMU_KERNELS_NATIVE_CPU_H_
