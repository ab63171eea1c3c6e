// The addon's own controls: variants, threads, cancelling, memory.
#include <cstdlib>
#include <cstring>
#include <new>

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

EMU_EXPORT(threads) { call.returns(toNumber(call.env(), numThreads())); }

EMU_EXPORT(setThreads) {  // (count; 0: the cores this process may use)
  const size_t count = call.size(0);
  if (count > 1024) call.fail(0, "at most 1024 threads");
  setNumThreads(static_cast<int>(count));
}

EMU_EXPORT(cancel) { setCancelled(call.flag(0)); }  // (on)

EMU_EXPORT(allocate) {  // (bytes) -> ArrayBuffer, 64-byte aligned, contents undefined
  const size_t bytes = call.size(0);
  // Large blocks lie on huge pages: a 100 MB tensor then faults 50 times instead of 25,000.
  const size_t alignment = bytes >= kHugePage ? kHugePage : 64;
  const size_t rounded = (bytes + alignment - 1) / alignment * alignment;
  void* memory = nullptr;
  if (posix_memalign(&memory, alignment, rounded > 0 ? rounded : alignment) != 0) {
    throw std::bad_alloc();
  }
#if defined(__linux__)
  if (alignment == kHugePage) madvise(memory, rounded, MADV_HUGEPAGE);
#endif
  napi_value buffer;
  const napi_status status = napi_create_external_arraybuffer(
      call.env(), memory, bytes, [](napi_env, void* data, void*) { std::free(data); }, nullptr,
      &buffer);
  if (status != napi_ok) {
    std::free(memory);
    throw std::bad_alloc();
  }
  call.returns(buffer);
}

EMU_EXPORT(release) {  // (ArrayBuffer of allocate): gives its memory back now, not at the next GC
  if (napi_detach_arraybuffer(call.env(), call.value(0)) != napi_ok) {
    call.fail(0, "an ArrayBuffer of allocate()");
  }
}

}  // namespace emu
