// silu(gate) up = gate sigmoid(gate) up
#ifndef EMU_KERNELS_SILU_GATE_SILU_GATE_H_
#define EMU_KERNELS_SILU_GATE_SILU_GATE_H_

#include <cstddef>

#include "../native/select.h"

namespace emu {

struct SiluGateArgs {
  const float* gate;  // [n]
  const float* up;    // [n]
  float* out;         // [n]
  size_t n;
};

struct SiluGateGradArgs {
  const float* gate;  // [n]
  const float* up;    // [n]
  const float* dy;    // [n]
  float* dGate;       // [n]
  float* dUp;         // [n]
  size_t n;
};

EMU_VARIANTS(siluGate, SiluGateArgs)
EMU_VARIANTS(siluGateGrad, SiluGateGradArgs)

}  // namespace emu

#endif  // EMU_KERNELS_SILU_GATE_SILU_GATE_H_
