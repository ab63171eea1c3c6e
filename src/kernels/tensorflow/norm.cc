// EmuRmsNorm, EmuLayerNorm and their gradients on TensorFlow. The two differ in the mean that layer
// norm takes away and the bias that it adds.
#include "../norm/norm.h"

#include "op.h"

namespace emu {
namespace tensorflow {
namespace {

// x has rows as long as `weight`.
void checkRows(const char* op, const Tensor& x, const Tensor& weight) {
  const std::vector<int64_t> shape = x.shape();
  const std::vector<int64_t> weightShape = weight.shape();
  if (shape.empty() || weightShape.size() != 1 || weightShape[0] != shape.back()) {
    throw OpError(std::string(op) + ": expected a weight as long as x's last dimension");
  }
}

void computeNorm(const Tensor& x, const Tensor& weight, const float* bias, const Tensor& out,
                 float eps) {
  if (x.size() == 0) return;
  NormArgs args;
  args.x = x.data();
  args.weight = weight.data();
  args.bias = bias;
  args.out = out.data();
  args.rows = x.size() / weight.size();
  args.cols = weight.size();
  args.eps = eps;
  norm(args);
}

void computeNormGrad(const Tensor& x, const Tensor& weight, const Tensor& dy, const Tensor& dx,
                     const Tensor& dWeight, float* dBias, float eps) {
  if (weight.size() == 0) return;
  NormGradArgs args;
  args.x = x.data();
  args.weight = weight.data();
  args.dy = dy.data();
  args.dx = dx.data();
  args.dWeight = dWeight.data();
  args.dBias = dBias;
  args.rows = x.size() / weight.size();
  args.cols = weight.size();
  args.eps = eps;
  normGrad(args);
}

// An op with the attribute eps.
class WithEps {
 protected:
  explicit WithEps(const Attributes& attributes) : eps_(attributes.number("eps")) {}
  const float eps_;
};

class RmsNorm : WithEps {
 public:
  static Signature signature() {
    return {"EmuRmsNorm", {"x: float", "weight: float"}, {"out: float"}, {"eps: float"}};
  }
  explicit RmsNorm(const Attributes& attributes) : WithEps(attributes) {}

  void compute(const Run& run) const {
    const Tensor x = run.input(0);
    const Tensor weight = run.input(1);
    checkRows("rmsNorm", x, weight);
    computeNorm(x, weight, nullptr, run.allocateOutput(0, x), eps_);
  }
};

class RmsNormGrad : WithEps {
 public:
  static Signature signature() {
    return {"EmuRmsNormGrad",
            {"x: float", "weight: float", "dy: float"},
            {"dx: float", "dweight: float"},
            {"eps: float"}};
  }
  explicit RmsNormGrad(const Attributes& attributes) : WithEps(attributes) {}

  void compute(const Run& run) const {
    const Tensor x = run.input(0);
    const Tensor weight = run.input(1);
    const Tensor dy = run.input(2);
    checkRows("rmsNorm", x, weight);
    dy.expect("rmsNorm", "dy", x.shape());
    const Tensor dx = run.allocateOutput(0, x);
    computeNormGrad(x, weight, dy, dx, run.allocateOutput(1, weight), nullptr, eps_);
  }
};

class LayerNorm : WithEps {
 public:
  static Signature signature() {
    return {"EmuLayerNorm",
            {"x: float", "weight: float", "bias: float"},
            {"out: float"},
            {"eps: float"}};
  }
  explicit LayerNorm(const Attributes& attributes) : WithEps(attributes) {}

  void compute(const Run& run) const {
    const Tensor x = run.input(0);
    const Tensor weight = run.input(1);
    const Tensor bias = run.input(2);
    checkRows("layerNorm", x, weight);
    bias.expect("layerNorm", "bias", weight.shape());
    computeNorm(x, weight, bias.data(), run.allocateOutput(0, x), eps_);
  }
};

class LayerNormGrad : WithEps {
 public:
  static Signature signature() {
    return {"EmuLayerNormGrad",
            {"x: float", "weight: float", "dy: float"},
            {"dx: float", "dweight: float", "dbias: float"},
            {"eps: float"}};
  }
  explicit LayerNormGrad(const Attributes& attributes) : WithEps(attributes) {}

  void compute(const Run& run) const {
    const Tensor x = run.input(0);
    const Tensor weight = run.input(1);
    const Tensor dy = run.input(2);
    checkRows("layerNorm", x, weight);
    dy.expect("layerNorm", "dy", x.shape());
    const Tensor dx = run.allocateOutput(0, x);
    const Tensor dWeight = run.allocateOutput(1, weight);
    const Tensor dBias = run.allocateOutput(2, weight);
    computeNormGrad(x, weight, dy, dx, dWeight, dBias.data(), eps_);
  }
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
