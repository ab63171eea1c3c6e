// EmuConv2D and its gradients on TensorFlow.
#include "../conv2d/conv2d.h"

#include "../native/cpu.h"
#include "op.h"
#include "weight.h"

namespace emu {
namespace tensorflow {
namespace {

// What all three have: where the windows lie, and how products are computed.
struct Windows {
  explicit Windows(const Attributes& attributes)
      : stride(attributes.size("stride")),
        padding(attributes.size("padding")),
        paddingEnd(attributes.size("padding_end")),
        inBf16(attributes.flag("in_bf16") && canRun(Isa::kAvx512Bf16)) {}

  // `x` [batch, height, width, channels] and `weight` [outChannels, channels, kernel's sides].
  Conv2DShape shape(const std::vector<int64_t>& x, const std::vector<int64_t>& weight) const {
    if (x.size() != 4 || weight.size() != 4 || x[3] != weight[1]) {
      throw OpError("conv2d: expected x and a weight of 4 dimensions, with the same channels");
    }
    for (const int64_t size : {x[0], x[1], x[2], x[3], weight[0], weight[2], weight[3]}) {
      if (size < 1) throw OpError("conv2d: expected sizes above 0");
    }
    Conv2DShape result;
    result.batch = static_cast<size_t>(x[0]);
    result.height = static_cast<size_t>(x[1]);
    result.width = static_cast<size_t>(x[2]);
    result.channels = static_cast<size_t>(x[3]);
    result.outChannels = static_cast<size_t>(weight[0]);
    result.kernelHeight = static_cast<size_t>(weight[2]);
    result.kernelWidth = static_cast<size_t>(weight[3]);
    result.stride = stride;
    result.padding = padding;
    result.paddingEnd = paddingEnd;
    const size_t height = result.height + padding + paddingEnd;
    const size_t width = result.width + padding + paddingEnd;
    if (stride < 1 || height < result.kernelHeight || width < result.kernelWidth) {
      throw OpError("conv2d: expected a picture as large as the kernel, and a stride above 0");
    }
    result.outHeight = (height - result.kernelHeight) / stride + 1;
    result.outWidth = (width - result.kernelWidth) / stride + 1;
    result.inBf16 = inBf16;
    return result;
  }

  const size_t stride, padding, paddingEnd;
  const bool inBf16;  // where this processor can
};

std::vector<int64_t> outputShape(const Conv2DShape& shape) {
  return {static_cast<int64_t>(shape.batch), static_cast<int64_t>(shape.outHeight),
          static_cast<int64_t>(shape.outWidth), static_cast<int64_t>(shape.outChannels)};
}

class Conv2D {
 public:
  static Signature signature() {
    return {"EmuConv2D",
            {"x: float", "weight: T", "bias: float"},
            {"out: float"},
            {"T: {float, uint8}", "encoding: int", "stride: int", "padding: int",
             "padding_end: int", "in_bf16: bool"}};
  }
  explicit Conv2D(const Attributes& attributes)
      : windows_(attributes), encoding_(encodingAttribute(attributes)) {}

  void compute(const Run& run) const {
    const Tensor x = run.input(0);
    const Tensor weight = run.input(1);
    const Tensor bias = run.input(2);
    Conv2DArgs args;
    args.shape = windows_.shape(x.shape(), encodedShape("conv2d", weight, encoding_));
    const std::vector<int64_t> shape = outputShape(args.shape);
    if (bias.size() > 0) bias.expect("conv2d", "bias", {shape[3]});
    const Tensor out = run.allocateOutput(0, shape);
    args.x = x.data();
    args.weight = {weight.data(), encoding_};
    args.bias = bias.optional();
    args.out = out.data();
    conv2d(args);
  }

 private:
  const Windows windows_;
  const Encoding encoding_;
};

class Conv2DInputGrad {
 public:
  static Signature signature() {
    return {"EmuConv2DInputGrad",
            {"dy: float", "weight: T"},
            {"dx: float"},
            {"T: {float, uint8}", "encoding: int", "stride: int", "padding: int",
             "padding_end: int", "in_bf16: bool", "height: int", "width: int"}};
  }
  explicit Conv2DInputGrad(const Attributes& attributes)
      : windows_(attributes),
        encoding_(encodingAttribute(attributes)),
        height_(attributes.size("height")),
        width_(attributes.size("width")) {}

  void compute(const Run& run) const {
    const Tensor dy = run.input(0);
    const Tensor weight = run.input(1);
    const std::vector<int64_t> weightShape = encodedShape("conv2d", weight, encoding_);
    if (dy.shape().size() != 4 || weightShape.size() != 4) {
      throw OpError("conv2d: expected dy and a weight of 4 dimensions");
    }
    const std::vector<int64_t> shape = {dy.shape()[0], static_cast<int64_t>(height_),
                                        static_cast<int64_t>(width_), weightShape[1]};
    Conv2DInputGradArgs args;
    args.shape = windows_.shape(shape, weightShape);
    dy.expect("conv2d", "dy", outputShape(args.shape));
    const Tensor dx = run.allocateOutput(0, shape);
    args.dy = dy.data();
    args.weight = {weight.data(), encoding_};
    args.dx = dx.data();
    conv2dInputGrad(args);
  }

 private:
  const Windows windows_;
  const Encoding encoding_;
  const size_t height_, width_;
};

class Conv2DWeightGrad {
 public:
  static Signature signature() {
    return {"EmuConv2DWeightGrad",
            {"x: float", "dy: float"},
            {"dweight: float"},
            {"stride: int", "padding: int", "padding_end: int", "in_bf16: bool",
             "kernel_height: int", "kernel_width: int"}};
  }
  explicit Conv2DWeightGrad(const Attributes& attributes)
      : windows_(attributes),
        kernelHeight_(attributes.size("kernel_height")),
        kernelWidth_(attributes.size("kernel_width")) {}

  void compute(const Run& run) const {
    const Tensor x = run.input(0);
    const Tensor dy = run.input(1);
    if (x.shape().size() != 4 || dy.shape().size() != 4) {
      throw OpError("conv2d: expected x and dy of 4 dimensions");
    }
    const std::vector<int64_t> shape = {dy.shape()[3], x.shape()[3],
                                        static_cast<int64_t>(kernelHeight_),
                                        static_cast<int64_t>(kernelWidth_)};
    Conv2DWeightGradArgs args;
    args.shape = windows_.shape(x.shape(), shape);
    dy.expect("conv2d", "dy", outputShape(args.shape));
    const Tensor dWeight = run.allocateOutput(0, shape);
    args.x = x.data();
    args.dy = dy.data();
    args.dWeight = dWeight.data();
    conv2dWeightGrad(args);
  }

 private:
  const Windows windows_;
  const size_t kernelHeight_, kernelWidth_;
};

}  // namespace

void registerConv2D() {
  registerOp<Conv2D>();
  registerOp<Conv2DInputGrad>();
  registerOp<Conv2DWeightGrad>();
}

}  // namespace tensorflow
}  // namespace emu
