#include "groupNorm.h"

#include "../native/binding.h"

namespace emu {
namespace {

// Int32Array [batch, rows, cols, groups]
GroupNormShape readShape(const Call& call, size_t index) {
  const std::vector<size_t> sizes = call.sizes(index);
  if (sizes.size() != 4) call.fail(index, "4 sizes");
  for (const size_t size : sizes) {
    if (size == 0) call.fail(index, "sizes above 0");
  }
  if (sizes[2] % sizes[3] != 0) call.fail(index, "groups that divide the columns");
  return {sizes[0], sizes[1], sizes[2], sizes[3]};
}

size_t count(const GroupNormShape& shape) { return shape.batch * shape.rows * shape.cols; }

}  // namespace

EMU_EXPORT(groupNorm) {  // (x, weight, bias, out, mean, inverseStd, sizes, eps, hasSilu)
  GroupNormArgs args;
  args.shape = readShape(call, 6);
  args.x = call.floats(0, count(args.shape));
  args.weight = call.floats(1, args.shape.cols);
  args.bias = call.floats(2, args.shape.cols);
  args.out = call.floats(3, count(args.shape));
  args.mean = call.floats(4, args.shape.batch * args.shape.groups);
  args.inverseStd = call.floats(5, args.shape.batch * args.shape.groups);
  args.eps = static_cast<float>(call.number(7));
  args.hasSilu = call.flag(8);
  groupNorm(args);
}

// (x, weight, bias, mean, inverseStd, dy, dx, dWeight, dBias, sizes, hasSilu)
EMU_EXPORT(groupNormGrad) {
  GroupNormGradArgs args;
  args.shape = readShape(call, 9);
  args.x = call.floats(0, count(args.shape));
  args.weight = call.floats(1, args.shape.cols);
  args.bias = call.floats(2, args.shape.cols);
  args.mean = call.floats(3, args.shape.batch * args.shape.groups);
  args.inverseStd = call.floats(4, args.shape.batch * args.shape.groups);
  args.dy = call.floats(5, count(args.shape));
  args.dx = call.floats(6, count(args.shape));
  args.dWeight = call.floats(7, args.shape.cols);
  args.dBias = call.floats(8, args.shape.cols);
  args.hasSilu = call.flag(10);
  groupNormGrad(args);
}

}  // namespace emu
