#include "unary.h"

#include "../binding.h"

namespace emu {

EMU_EXPORT(unary) {  // (function, x, out, n, alpha)
  UnaryArgs args;
  const size_t function = call.size(0);
  if (function > static_cast<size_t>(Unary::kTanh)) call.fail(0, "a unary function's code");
  args.function = static_cast<Unary>(function);
  args.n = call.size(3);
  args.x = call.floats(1, args.n);
  args.out = call.floats(2, args.n);
  args.alpha = static_cast<float>(call.number(4));
  unary(args);
}

}  // namespace emu
