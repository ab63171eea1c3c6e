// Rotary position embedding, rotate-half form.
#ifndef EMU_KERNELS_ROPE_ROPE_H_
#define EMU_KERNELS_ROPE_ROPE_H_

#include <cstddef>
#include <cstdint>

#include "../native/select.h"

namespace emu {

struct RopeArgs {
  const float* x;            // [rows, heads, headDim]
  const int32_t* positions;  // [rows], each below the number of rows of the tables
  const float* cos;          // [numPositions, headDim / 2]
  const float* sin;          // [numPositions, headDim / 2]
  float* out;                // [rows, heads, headDim]
  size_t rows, heads, headDim;
  float direction;  // 1 turns forward; -1 turns back, which is the gradient
};

EMU_VARIANTS(rope, RopeArgs)

}  // namespace emu

#endif  // EMU_KERNELS_ROPE_ROPE_H_
