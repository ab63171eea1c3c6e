#include "copy.h"

#include "../binding.h"

namespace emu {

// (x, offset, out, outOffset, elementBytes, [shape..., strides..., outStrides...]), any typed
// arrays; offsets and strides in elements
EMU_EXPORT(copyStrided) {
  CopyArgs args;
  const size_t offset = call.size(1), outOffset = call.size(3);
  args.elementBytes = call.size(4);
  if (args.elementBytes != 1 && args.elementBytes != 4) call.fail(4, "1 or 4 bytes");
  const std::vector<size_t> sizes = call.sizes(5);
  args.rank = sizes.size() / 3;
  if (args.rank == 0 || args.rank > kMaxCopyRank || sizes.size() % 3) {
    call.fail(5, "1 to 10 dimensions");
  }
  size_t last = offset, outLast = outOffset;
  for (size_t axis = 0; axis < args.rank; ++axis) {
    args.shape[axis] = sizes[axis];
    args.strides[axis] = sizes[args.rank + axis];
    args.outStrides[axis] = sizes[2 * args.rank + axis];
    if (args.shape[axis] == 0) return;
    last += (args.shape[axis] - 1) * args.strides[axis];
    outLast += (args.shape[axis] - 1) * args.outStrides[axis];
  }
  args.x = call.bytes(0, (last + 1) * args.elementBytes) + offset * args.elementBytes;
  args.out = call.bytes(2, (outLast + 1) * args.elementBytes) + outOffset * args.elementBytes;
  copyStrided(args);
}

EMU_EXPORT(gather) {  // (x, indices, out, outer, axisSize, count, rowBytes)
  GatherArgs args;
  args.outer = call.size(3);
  args.axisSize = call.size(4);
  args.count = call.size(5);
  args.rowBytes = call.size(6);
  args.x = reinterpret_cast<const char*>(call.bytes(0, args.outer * args.axisSize * args.rowBytes));
  args.indices = call.ints(1, args.count);
  args.out = reinterpret_cast<char*>(call.bytes(2, args.outer * args.count * args.rowBytes));
  for (size_t i = 0; i < args.count; ++i) {
    if (static_cast<size_t>(args.indices[i]) >= args.axisSize) {
      throw ArgumentError("gather: expected indices from 0 to " +
                          std::to_string(static_cast<long long>(args.axisSize) - 1) + ", got " +
                          std::to_string(args.indices[i]));
    }
  }
  gather(args);
}

EMU_EXPORT(segmentSum) {  // (x, ids, out, rows, cols, segments)
  SegmentSumArgs args;
  args.rows = call.size(3);
  args.cols = call.size(4);
  args.segments = call.size(5);
  args.x = call.floats(0, args.rows * args.cols);
  args.ids = call.ints(1, args.rows);
  args.out = call.floats(2, args.segments * args.cols);
  segmentSum(args);
}

EMU_EXPORT(argMax) {  // (x, out, outer, size, inner)
  ArgMaxArgs args;
  args.outer = call.size(2);
  args.size = call.size(3);
  args.inner = call.size(4);
  args.x = call.floats(0, args.outer * args.size * args.inner);
  args.out = call.ints(1, args.outer * args.inner);
  if (args.size == 0) call.fail(3, "a size above 0");
  argMax(args);
}

}  // namespace emu
