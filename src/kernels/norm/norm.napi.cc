#include "norm.h"

#include "../native/binding.h"

namespace emu {

EMU_EXPORT(norm) {  // (x, weight, bias | null, out, rows, cols, eps)
  NormArgs args;
  args.rows = call.size(4);
  args.cols = call.size(5);
  args.x = call.floats(0, args.rows * args.cols);
  args.weight = call.floats(1, args.cols);
  args.bias = call.optionalFloats(2, args.cols);
  args.out = call.floats(3, args.rows * args.cols);
  args.eps = static_cast<float>(call.number(6));
  norm(args);
}

EMU_EXPORT(normGrad) {  // (x, weight, dy, dx, dWeight, dBias | null, rows, cols, eps)
  NormGradArgs args;
  args.rows = call.size(6);
  args.cols = call.size(7);
  args.x = call.floats(0, args.rows * args.cols);
  args.weight = call.floats(1, args.cols);
  args.dy = call.floats(2, args.rows * args.cols);
  args.dx = call.floats(3, args.rows * args.cols);
  args.dWeight = call.floats(4, args.cols);
  args.dBias = call.optionalFloats(5, args.cols);
  args.eps = static_cast<float>(call.number(8));
  normGrad(args);
}

}  // namespace emu
