#include "gelu.h"

#include "../native/binding.h"

namespace emu {

EMU_EXPORT(gelu) {  // (x, out, n)
  GeluArgs args{};
  args.n = call.size(2);
  args.x = call.floats(0, args.n);
  args.out = call.floats(1, args.n);
  gelu(args);
}

EMU_EXPORT(geluGrad) {  // (x, dy, dx, n)
  GeluArgs args{};
  args.n = call.size(3);
  args.x = call.floats(0, args.n);
  args.dy = call.floats(1, args.n);
  args.out = call.floats(2, args.n);
  geluGrad(args);
}

}  // namespace emu
