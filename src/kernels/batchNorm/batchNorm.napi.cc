#include "batchNorm.h"

#include "../native/binding.h"

namespace emu {

EMU_EXPORT(batchNormMoments) {  // (x, mean, variance, rows, cols)
  BatchNormMomentsArgs args;
  args.rows = call.size(3);
  args.cols = call.size(4);
  args.x = call.floats(0, args.rows * args.cols);
  args.mean = call.floats(1, args.cols);
  args.variance = call.floats(2, args.cols);
  batchNormMoments(args);
}

EMU_EXPORT(batchNorm) {  // (x, mean, variance, weight, bias, out, rows, cols, eps, hasRelu)
  BatchNormArgs args;
  args.rows = call.size(6);
  args.cols = call.size(7);
  args.x = call.floats(0, args.rows * args.cols);
  args.mean = call.floats(1, args.cols);
  args.variance = call.floats(2, args.cols);
  args.weight = call.floats(3, args.cols);
  args.bias = call.floats(4, args.cols);
  args.out = call.floats(5, args.rows * args.cols);
  args.eps = static_cast<float>(call.number(8));
  args.hasRelu = call.flag(9);
  batchNorm(args);
}

// (x, mean, variance, weight, bias, dy, dx, dWeight, dBias, rows, cols, eps, hasRelu, isTraining)
EMU_EXPORT(batchNormGrad) {
  BatchNormGradArgs args;
  args.rows = call.size(9);
  args.cols = call.size(10);
  args.x = call.floats(0, args.rows * args.cols);
  args.mean = call.floats(1, args.cols);
  args.variance = call.floats(2, args.cols);
  args.weight = call.floats(3, args.cols);
  args.bias = call.floats(4, args.cols);
  args.dy = call.floats(5, args.rows * args.cols);
  args.dx = call.floats(6, args.rows * args.cols);
  args.dWeight = call.floats(7, args.cols);
  args.dBias = call.floats(8, args.cols);
  args.eps = static_cast<float>(call.number(11));
  args.hasRelu = call.flag(12);
  args.isTraining = call.flag(13);
  batchNormGrad(args);
}

}  // namespace emu
