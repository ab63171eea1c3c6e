// One pool of threads for the whole process, shared by all JavaScript threads.
#ifndef EMU_KERNELS_NATIVE_THREAD_POOL_H_
#define EMU_KERNELS_NATIVE_THREAD_POOL_H_

#include <cstddef>

namespace emu {

// Threads that parallelFor() uses, the calling one included.
int numThreads();

// Resizes the pool; `count` < 1 means the cores this process may use.
void setNumThreads(int count);

using RangeFunction = void (*)(void* context, size_t begin, size_t end);
void runParallel(size_t n, size_t grain, RangeFunction function, void* context);

// Calls fn(begin, end) for [0, grain), [grain, 2 grain), ... up to n, on any thread in any order.
// The pieces do not depend on the number of threads: a kernel whose pieces write disjoint results
// is deterministic. Nested calls run in place. An exception of a piece is rethrown here after the
// other running pieces ended; pieces not yet begun are dropped. Stops with Cancelled when asked to.
template <class Fn>
void parallelFor(size_t n, size_t grain, const Fn& fn) {
  runParallel(
      n, grain,
      [](void* context, size_t begin, size_t end) {
        (*static_cast<const Fn*>(context))(begin, end);
      },
      const_cast<void*>(static_cast<const void*>(&fn)));
}

// A buffer of this thread for `count` floats, 64-byte aligned, contents undefined. It stays valid
// until this thread asks the same slot for more. Slots let one kernel hold several; those from
// kGemmScratch on belong to gemm(), which other kernels may call while they hold theirs.
constexpr int kScratchSlots = 6;
constexpr int kGemmScratch = 4;
float* scratch(int slot, size_t count);

}  // namespace emu

#endif  // EMU_KERNELS_NATIVE_THREAD_POOL_H_
