#include "binary.h"

#include "../binding.h"

namespace emu {
namespace {

// Elements that strides over a shape reach.
size_t extent(const size_t* shape, const size_t* strides, size_t rank) {
  size_t last = 0;
  for (size_t axis = 0; axis < rank; ++axis) last += (shape[axis] - 1) * strides[axis];
  return last + 1;
}

}  // namespace

EMU_EXPORT(binary) {  // (function, a, b, out, [shape..., stridesA..., stridesB...])
  BinaryArgs args;
  const size_t function = call.size(0);
  if (function > static_cast<size_t>(Binary::kSquaredDifference)) {
    call.fail(0, "a binary function's code");
  }
  args.function = static_cast<Binary>(function);
  const std::vector<size_t> sizes = call.sizes(4);
  args.rank = sizes.size() / 3;
  if (args.rank == 0 || args.rank > kMaxRank || sizes.size() % 3) call.fail(4, "1 to 8 dimensions");
  size_t count = 1;
  for (size_t axis = 0; axis < args.rank; ++axis) {
    args.shape[axis] = sizes[axis];
    args.stridesA[axis] = sizes[args.rank + axis];
    args.stridesB[axis] = sizes[2 * args.rank + axis];
    count *= sizes[axis];
  }
  if (count == 0) return;
  args.a = call.floats(1, extent(args.shape, args.stridesA, args.rank));
  args.b = call.floats(2, extent(args.shape, args.stridesB, args.rank));
  args.out = call.floats(3, count);
  binary(args);
}

}  // namespace emu
