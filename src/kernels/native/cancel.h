// A process-wide request to stop: one thread sets it, kernels on any thread poll it per tile.
#ifndef EMU_KERNELS_NATIVE_CANCEL_H_
#define EMU_KERNELS_NATIVE_CANCEL_H_

namespace emu {

// Thrown out of a kernel that was asked to stop; reaches JavaScript as an Error with code
// 'cancelled'.
struct Cancelled {};

void setCancelled(bool on);

// Throws Cancelled while the request stands. Costs one relaxed load. parallelFor() calls it before
// each piece, so only a kernel whose pieces take longer than about 50 ms calls it itself.
void checkCancelled();

}  // namespace emu

#endif  // EMU_KERNELS_NATIVE_CANCEL_H_
