#include "reduce.h"

#include "../binding.h"

namespace emu {

EMU_EXPORT(reduce) {  // (function, x, out, outer, size, inner, scale)
  ReduceArgs args;
  const size_t function = call.size(0);
  if (function > static_cast<size_t>(Reduce::kMax)) call.fail(0, "a reduction's code");
  args.function = static_cast<Reduce>(function);
  args.outer = call.size(3);
  args.size = call.size(4);
  args.inner = call.size(5);
  args.x = call.floats(1, args.outer * args.size * args.inner);
  args.out = call.floats(2, args.outer * args.inner);
  args.scale = static_cast<float>(call.number(6));
  if (args.size == 0) call.fail(4, "a size above 0");
  if (args.outer * args.inner > 0) reduce(args);
}

EMU_EXPORT(softmax) {  // (x, out, rows, cols)
  SoftmaxArgs args;
  args.rows = call.size(2);
  args.cols = call.size(3);
  args.x = call.floats(0, args.rows * args.cols);
  args.out = call.floats(1, args.rows * args.cols);
  softmax(args);
}

}  // namespace emu
