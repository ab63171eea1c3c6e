#include "siluGate.h"

#include "../native/simd.h"
#include "../native/threadPool.h"

namespace emu {
namespace EMU_ISA {
namespace {

constexpr size_t kGrain = 16384;  // 64 KB of each array: enough work to pay for handing out a piece

EMU_INLINE Vec forward(Vec gate, Vec up) { return gate * sigmoid(gate) * up; }

// With s = sigmoid(g): d(g s)/dg = s + g s (1 - s).
EMU_INLINE void backward(Vec gate, Vec up, Vec dy, Vec* dGate, Vec* dUp) {
  const Vec s = sigmoid(gate);
  const Vec silu = gate * s;
  *dUp = dy * silu;
  *dGate = dy * up * fma(silu, set(1.0f) - s, s);
}

}  // namespace

void siluGate(const SiluGateArgs& args) {
  parallelFor(args.n, kGrain, [&](size_t begin, size_t end) {
    size_t i = begin;
    for (; i + kLanes <= end; i += kLanes) {
      store(args.out + i, forward(load(args.gate + i), load(args.up + i)));
    }
    const size_t rest = end - i;
    if (rest == 0) return;
    const Vec out = forward(loadPartial(args.gate + i, rest), loadPartial(args.up + i, rest));
    storePartial(args.out + i, out, rest);
  });
}

void siluGateGrad(const SiluGateGradArgs& args) {
  parallelFor(args.n, kGrain, [&](size_t begin, size_t end) {
    size_t i = begin;
    Vec dGate, dUp;
    for (; i + kLanes <= end; i += kLanes) {
      backward(load(args.gate + i), load(args.up + i), load(args.dy + i), &dGate, &dUp);
      store(args.dGate + i, dGate);
      store(args.dUp + i, dUp);
    }
    const size_t rest = end - i;
    if (rest == 0) return;
    backward(loadPartial(args.gate + i, rest), loadPartial(args.up + i, rest),
             loadPartial(args.dy + i, rest), &dGate, &dUp);
    storePartial(args.dGate + i, dGate, rest);
    storePartial(args.dUp + i, dUp, rest);
  });
}

}  // namespace EMU_ISA
}  // namespace emu
