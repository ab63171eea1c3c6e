#include "rope.h"

#include "../native/binding.h"

namespace emu {

// (x, positions, cos, sin, out, rows, heads, headDim, numPositions, isInverse)
EMU_EXPORT(rope) {
  RopeArgs args;
  args.rows = call.size(5);
  args.heads = call.size(6);
  args.headDim = call.size(7);
  const size_t numPositions = call.size(8);
  const size_t count = args.rows * args.heads * args.headDim;
  args.x = call.floats(0, count);
  args.positions = call.ints(1, args.rows);
  args.cos = call.floats(2, numPositions * (args.headDim / 2));
  args.sin = call.floats(3, numPositions * (args.headDim / 2));
  args.out = call.floats(4, count);
  args.direction = call.flag(9) ? -1.0f : 1.0f;
  for (size_t i = 0; i < args.rows; ++i) {
    if (static_cast<size_t>(args.positions[i]) >= numPositions) {
      call.fail(1, "positions within the tables");
    }
  }
  rope(args);
}

}  // namespace emu
