#include "conv2d.h"

#include "../native/binding.h"
#include "../native/cpu.h"

namespace emu {
namespace {

// Int32Array [batch, height, width, channels, outChannels, kernelHeight, kernelWidth, stride,
// padding, paddingEnd]
Conv2DShape readShape(const Call& call, size_t index) {
  const std::vector<size_t> sizes = call.sizes(index);
  if (sizes.size() != 10) call.fail(index, "10 sizes");
  for (size_t i = 0; i < 8; ++i) {
    if (sizes[i] == 0) call.fail(index, "sizes above 0");
  }
  Conv2DShape shape;
  shape.batch = sizes[0];
  shape.height = sizes[1];
  shape.width = sizes[2];
  shape.channels = sizes[3];
  shape.outChannels = sizes[4];
  shape.kernelHeight = sizes[5];
  shape.kernelWidth = sizes[6];
  shape.stride = sizes[7];
  shape.padding = sizes[8];
  shape.paddingEnd = sizes[9];
  const size_t height = shape.height + shape.padding + shape.paddingEnd;
  const size_t width = shape.width + shape.padding + shape.paddingEnd;
  if (height < shape.kernelHeight || width < shape.kernelWidth) {
    call.fail(index, "a picture as large as the kernel");
  }
  shape.outHeight = (height - shape.kernelHeight) / shape.stride + 1;
  shape.outWidth = (width - shape.kernelWidth) / shape.stride + 1;
  shape.inBf16 = computesInBf16();
  return shape;
}

size_t inputCount(const Conv2DShape& shape) {
  return shape.batch * shape.height * shape.width * shape.channels;
}

size_t outputCount(const Conv2DShape& shape) {
  return shape.batch * shape.outHeight * shape.outWidth * shape.outChannels;
}

// Of one output channel.
size_t filterSize(const Conv2DShape& shape) {
  return shape.channels * shape.kernelHeight * shape.kernelWidth;
}

size_t weightCount(const Conv2DShape& shape) { return shape.outChannels * filterSize(shape); }

}  // namespace

EMU_EXPORT(conv2d) {  // (x, weight, encoding, bias | null, out, sizes)
  Conv2DArgs args;
  args.shape = readShape(call, 5);
  args.x = call.floats(0, inputCount(args.shape));
  args.weight = call.weight(1, 2, weightCount(args.shape), filterSize(args.shape));
  args.bias = call.optionalFloats(3, args.shape.outChannels);
  args.out = call.floats(4, outputCount(args.shape));
  conv2d(args);
}

EMU_EXPORT(conv2dInputGrad) {  // (dy, weight, encoding, dx, sizes)
  Conv2DInputGradArgs args;
  args.shape = readShape(call, 4);
  args.dy = call.floats(0, outputCount(args.shape));
  args.weight = call.weight(1, 2, weightCount(args.shape), filterSize(args.shape));
  args.dx = call.floats(3, inputCount(args.shape));
  conv2dInputGrad(args);
}

EMU_EXPORT(conv2dWeightGrad) {  // (x, dy, dWeight, sizes)
  Conv2DWeightGradArgs args;
  args.shape = readShape(call, 3);
  args.x = call.floats(0, inputCount(args.shape));
  args.dy = call.floats(1, outputCount(args.shape));
  args.dWeight = call.floats(2, weightCount(args.shape));
  conv2dWeightGrad(args);
}

}  // namespace emu
