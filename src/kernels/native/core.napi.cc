// The addon's own controls: variants, threads, cancelling, memory.
#include <cstdint>

#include "binding.h"
#include "cancel.h"
#include "cpu.h"
#include "threadPool.h"

#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace emu {
namespace {

napi_value toString(napi_env env, const char* text) {
  napi_value value;
  napi_create_string_utf8(env, text, NAPI_AUTO_LENGTH, &value);
  return value;
}

napi_value toNumber(napi_env env, double number) {
  napi_value value;
  napi_create_double(env, number, &value);
  return value;
}

constexpr size_t kHugePage = size_t{2} << 20;

}  // namespace

EMU_EXPORT(isas) {  // () -> the variants this processor can run, weakest first
  napi_value list;
  napi_create_array(call.env(), &list);
  uint32_t length = 0;
  for (int i = 0; i < kNumIsas; ++i) {
    const Isa isa = static_cast<Isa>(i);
    if (canRun(isa))
      napi_set_element(call.env(), list, length++, toString(call.env(), isaName(isa)));
  }
  call.returns(list);
}

EMU_EXPORT(isa) { call.returns(toString(call.env(), isaName(activeIsa()))); }

EMU_EXPORT(setIsa) {  // (name)
  const std::string name = call.text(0);
  for (int i = 0; i < kNumIsas; ++i) {
    const Isa isa = static_cast<Isa>(i);
    if (name == isaName(isa) && canRun(isa)) return setIsa(isa);
  }
  call.fail(0, "an ISA that this processor has, not '" + name + "',");
}

EMU_EXPORT(setBf16) { setBf16Compute(call.flag(0)); }  // (on)

EMU_EXPORT(computesInBf16) {  // () -> whether products are rounded
  napi_value result;
  napi_get_boolean(call.env(), computesInBf16(), &result);
  call.returns(result);
}

EMU_EXPORT(threads) { call.returns(toNumber(call.env(), numThreads())); }

EMU_EXPORT(setThreads) {  // (count; 0: the cores this process may use)
  const size_t count = call.size(0);
  if (count > 1024) call.fail(0, "at most 1024 threads");
  setNumThreads(static_cast<int>(count));
}

EMU_EXPORT(cancel) { setCancelled(call.flag(0)); }  // (on)

EMU_EXPORT(prepare) {  // (ArrayBuffer) -> offset of its first 64-byte aligned byte
  void* data = nullptr;
  size_t length = 0;
  if (napi_get_arraybuffer_info(call.env(), call.value(0), &data, &length) != napi_ok) {
    call.fail(0, "an ArrayBuffer");
  }
  const uintptr_t start = reinterpret_cast<uintptr_t>(data);
#if defined(__linux__)
  // Large blocks lie on huge pages: a 100 MB tensor then faults 50 times instead of 25,000.
  const uintptr_t hugeBegin = (start + kHugePage - 1) / kHugePage * kHugePage;
  const uintptr_t hugeEnd = (start + length) / kHugePage * kHugePage;
  if (hugeBegin < hugeEnd) {
    madvise(reinterpret_cast<void*>(hugeBegin), hugeEnd - hugeBegin, MADV_HUGEPAGE);
  }
#endif
  call.returns(toNumber(call.env(), static_cast<double>((64 - start % 64) % 64)));
}

EMU_EXPORT(release) {  // (ArrayBuffer): frees its memory now, not at the next GC
  if (napi_detach_arraybuffer(call.env(), call.value(0)) != napi_ok) {
    call.fail(0, "an ArrayBuffer");
  }
}

}  // namespace emu
