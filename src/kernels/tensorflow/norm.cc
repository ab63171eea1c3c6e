// EmuRmsNorm, EmuLayerNorm and their gradients on TensorFlow.
#include "../norm/norm.h"

#include "op.h"

namespace emu {
namespace tensorflow {
namespace {

// The length of x's rows, which `weight` must have.
size_t rowLength(const char* op, const Tensor& x, const Tensor& weight) {
  const std::vector<int64_t> shape = x.shape();
  const std::vector<int64_t> weightShape = weight.shape();
  if (shape.empty() || weightShape.size() != 1 || weightShape[0] != shape.back()) {
    throw OpError(std::string(op) + ": expected a weight as long as x's last dimension");
  }
  return weight.size();
}

class RmsNorm {
 public:
  static Signature signature() {
    return {"EmuRmsNorm", {"x: float", "weight: float"}, {"out: float"}, {"eps: float"}};
  }
  explicit RmsNorm(const Attributes& attributes) : eps_(attributes.number("eps")) {}

  void compute(const Run& run) const {
    const Tensor x = run.input(0);
    const Tensor weight = run.input(1);
    const size_t cols = rowLength("rmsNorm", x, weight);
    const Tensor out = run.allocateOutput(0, x);
    if (x.size() == 0) return;
    NormArgs args;
    args.x = x.data();
    args.weight = weight.data();
    args.bias = nullptr;
    args.out = out.data();
    args.rows = x.size() / cols;
    args.cols = cols;
    args.eps = eps_;
    norm(args);
  }

 private:
  const float eps_;
};

class RmsNormGrad {
 public:
  static Signature signature() {
    return {"EmuRmsNormGrad",
            {"x: float", "weight: float", "dy: float"},
            {"dx: float", "dweight: float"},
            {"eps: float"}};
  }
  explicit RmsNormGrad(const Attributes& attributes) : eps_(attributes.number("eps")) {}

  void compute(const Run& run) const {
    const Tensor x = run.input(0);
    const Tensor weight = run.input(1);
    const Tensor dy = run.input(2);
    const size_t cols = rowLength("rmsNorm", x, weight);
    dy.expect("rmsNorm", "dy", x.shape());
    const Tensor dx = run.allocateOutput(0, x);
    const Tensor dWeight = run.allocateOutput(1, weight);
    if (cols == 0) return;
    NormGradArgs args;
    args.x = x.data();
    args.weight = weight.data();
    args.dy = dy.data();
    args.dx = dx.data();
    args.dWeight = dWeight.data();
    args.dBias = nullptr;
    args.rows = x.size() / cols;
    args.cols = cols;
    args.eps = eps_;
    normGrad(args);
  }

 private:
  const float eps_;
};

class LayerNorm {
 public:
  static Signature signature() {
    return {"EmuLayerNorm",
            {"x: float", "weight: float", "bias: float"},
            {"out: float"},
            {"eps: float"}};
  }
  explicit LayerNorm(const Attributes& attributes) : eps_(attributes.number("eps")) {}

  void compute(const Run& run) const {
    const Tensor x = run.input(0);
    const Tensor weight = run.input(1);
    const Tensor bias = run.input(2);
    const size_t cols = rowLength("layerNorm", x, weight);
    bias.expect("layerNorm", "bias", weight.shape());
    const Tensor out = run.allocateOutput(0, x);
    if (x.size() == 0) return;
    NormArgs args;
    args.x = x.data();
    args.weight = weight.data();
    args.bias = bias.data();
    args.out = out.data();
    args.rows = x.size() / cols;
    args.cols = cols;
    args.eps = eps_;
    norm(args);
  }

 private:
  const float eps_;
};

class LayerNormGrad {
 public:
  static Signature signature() {
    return {"EmuLayerNormGrad",
            {"x: float", "weight: float", "dy: float"},
            {"dx: float", "dweight: float", "dbias: float"},
            {"eps: float"}};
  }
  explicit LayerNormGrad(const Attributes& attributes) : eps_(attributes.number("eps")) {}

  void compute(const Run& run) const {
    const Tensor x = run.input(0);
    const Tensor weight = run.input(1);
    const Tensor dy = run.input(2);
    const size_t cols = rowLength("layerNorm", x, weight);
    dy.expect("layerNorm", "dy", x.shape());
    const Tensor dx = run.allocateOutput(0, x);
    const Tensor dWeight = run.allocateOutput(1, weight);
    const Tensor dBias = run.allocateOutput(2, weight);
    if (cols == 0) return;
    NormGradArgs args;
    args.x = x.data();
    args.weight = weight.data();
    args.dy = dy.data();
    args.dx = dx.data();
    args.dWeight = dWeight.data();
    args.dBias = dBias.data();
    args.rows = x.size() / cols;
    args.cols = cols;
    args.eps = eps_;
    normGrad(args);
  }

 private:
  const float eps_;
};

}  // namespace

void registerNorm() {
  registerOp<RmsNorm>();
  registerOp<RmsNormGrad>();
  registerOp<LayerNorm>();
  registerOp<LayerNormGrad>();
}

}  // namespace tensorflow
}  // namespace emu
