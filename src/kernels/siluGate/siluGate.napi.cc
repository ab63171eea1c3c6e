#include "siluGate.h"

#include "../native/binding.h"

namespace emu {

EMU_EXPORT(siluGate) {  // (gate, up, out, n)
  SiluGateArgs args;
  args.n = call.size(3);
  args.gate = call.floats(0, args.n);
  args.up = call.floats(1, args.n);
  args.out = call.floats(2, args.n);
  siluGate(args);
}

EMU_EXPORT(siluGateGrad) {  // (gate, up, dy, dGate, dUp, n)
  SiluGateGradArgs args;
  args.n = call.size(5);
  args.gate = call.floats(0, args.n);
  args.up = call.floats(1, args.n);
  args.dy = call.floats(2, args.n);
  args.dGate = call.floats(3, args.n);
  args.dUp = call.floats(4, args.n);
  siluGateGrad(args);
}

}  // namespace emu
