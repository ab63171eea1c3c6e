#include "cpu.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <thread>

#if defined(__x86_64__)
#include <cpuid.h>
#endif
#if defined(__linux__)
#include <sched.h>
#endif

namespace emu {
namespace {

#if defined(__x86_64__)
struct CpuId {
  uint32_t eax = 0, ebx = 0, ecx = 0, edx = 0;
};

CpuId cpuId(uint32_t leaf, uint32_t part = 0) {
  CpuId id;
  __get_cpuid_count(leaf, part, &id.eax, &id.ebx, &id.ecx, &id.edx);
  return id;
}

bool bit(uint32_t word, int index) { return (word >> index) & 1; }

// XCR0: which register files the operating system saves on a context switch.
uint64_t savedState() {
  uint32_t low, high;
  __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return (static_cast<uint64_t>(high) << 32) | low;
}

Isa probe() {
  const CpuId features = cpuId(1);
  const bool hasXsave = bit(features.ecx, 27);
  if (!hasXsave) return Isa::kScalar;
  const uint64_t state = savedState();
  const CpuId extended = cpuId(7);
  const bool savesYmm = (state & 0x6) == 0x6;
  // All that the flags of scripts/build-native.js let the compiler use: a hypervisor may hide any.
  const bool hasAvx2 = savesYmm && bit(features.ecx, 28) /* AVX */ && bit(extended.ebx, 5) &&
                       bit(features.ecx, 12) /* FMA */ && bit(features.ecx, 29) /* F16C */ &&
                       bit(features.ecx, 23) /* POPCNT */ && bit(extended.ebx, 8) /* BMI2 */;
  if (!hasAvx2) return Isa::kScalar;
  const bool savesZmm = (state & 0xe6) == 0xe6;
  const bool hasAvx512 = savesZmm && bit(extended.ebx, 16) /* F */ &&
                         bit(extended.ebx, 17) /* DQ */ && bit(extended.ebx, 30) /* BW */ &&
                         bit(extended.ebx, 31) /* VL */;
  if (!hasAvx512) return Isa::kAvx2;
  const bool hasBf16 = extended.eax >= 1 && bit(cpuId(7, 1).eax, 5);
  return hasBf16 ? Isa::kAvx512Bf16 : Isa::kAvx512;
}
#else
Isa probe() { return Isa::kScalar; }
#endif

Isa bestIsa() {
  static const Isa best = probe();
  return best;
}

std::atomic<int>& chosenIsa() {
  static std::atomic<int> chosen{static_cast<int>(bestIsa())};
  return chosen;
}

std::atomic<bool>& bf16Compute() {
  static std::atomic<bool> isOn{false};
  return isOn;
}

// Cores granted by the cgroup's quota (v2, else v1), or 0 when there is no limit.
int quotaCores() {
  double quota = 0, period = 0;
  if (FILE* file = std::fopen("/sys/fs/cgroup/cpu.max", "r")) {
    const int read = std::fscanf(file, "%lf %lf", &quota, &period);
    std::fclose(file);
    if (read != 2) return 0;  // "max 100000"
  } else {
    FILE* quotaFile = std::fopen("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", "r");
    FILE* periodFile = std::fopen("/sys/fs/cgroup/cpu/cpu.cfs_period_us", "r");
    const bool isRead = quotaFile && periodFile && std::fscanf(quotaFile, "%lf", &quota) == 1 &&
                        std::fscanf(periodFile, "%lf", &period) == 1;
    if (quotaFile) std::fclose(quotaFile);
    if (periodFile) std::fclose(periodFile);
    if (!isRead) return 0;
  }
  if (quota <= 0 || period <= 0) return 0;
  return std::max(1, static_cast<int>(std::ceil(quota / period)));
}

}  // namespace

const char* isaName(Isa isa) {
  switch (isa) {
    case Isa::kAvx512Bf16:
      return "avx512bf16";
    case Isa::kAvx512:
      return "avx512";
    case Isa::kAvx2:
      return "avx2";
    default:
      return "scalar";
  }
}

bool canRun(Isa isa) { return isa <= bestIsa(); }

Isa activeIsa() { return static_cast<Isa>(chosenIsa().load(std::memory_order_relaxed)); }

void setIsa(Isa isa) { chosenIsa().store(static_cast<int>(isa), std::memory_order_relaxed); }

bool computesInBf16() {
  return bf16Compute().load(std::memory_order_relaxed) && activeIsa() == Isa::kAvx512Bf16;
}

void setBf16Compute(bool on) { bf16Compute().store(on, std::memory_order_relaxed); }

int allowedCores() {
  int cores = static_cast<int>(std::thread::hardware_concurrency());
#if defined(__linux__)
  cpu_set_t mask;
  if (sched_getaffinity(0, sizeof(mask), &mask) == 0) cores = CPU_COUNT(&mask);
#endif
  const int quota = quotaCores();
  if (quota > 0) cores = std::min(cores, quota);
  return std::max(1, cores);
}

}  // namespace emu
