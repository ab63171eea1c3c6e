// EmuBatchNorm, its statistics, its form with given ones, and its gradient on TensorFlow.
#include "../batchNorm/batchNorm.h"

#include "op.h"

namespace emu {
namespace tensorflow {
namespace {

// x as rows of columns, which the other inputs must be vectors of.
struct Columns {
  Columns(const Tensor& x, const std::vector<const Tensor*>& vectors) {
    if (x.size() == 0) throw OpError("batchNorm: expected at least one row");
    const std::vector<int64_t> shape = x.shape();
    for (const Tensor* vector : vectors) vector->expect("batchNorm", "a vector", {shape.back()});
    cols = static_cast<size_t>(shape.back());
    rows = x.size() / cols;
  }
  std::vector<int64_t> vector() const { return {static_cast<int64_t>(cols)}; }
  size_t rows, cols;
};

void computeMoments(const Tensor& x, const Columns& columns, const Tensor& mean,
                    const Tensor& variance) {
  BatchNormMomentsArgs args;
  args.x = x.data();
  args.mean = mean.data();
  args.variance = variance.data();
  args.rows = columns.rows;
  args.cols = columns.cols;
  batchNormMoments(args);
}

class BatchNormMoments {
 public:
  static Signature signature() {
    return {"EmuBatchNormMoments", {"x: float"}, {"mean: float", "variance: float"}, {}};
  }
  explicit BatchNormMoments(const Attributes&) {}

  void compute(const Run& run) const {
    const Tensor x = run.input(0);
    const Columns columns(x, {});
    const Tensor mean = run.allocateOutput(0, columns.vector());
    const Tensor variance = run.allocateOutput(1, columns.vector());
    computeMoments(x, columns, mean, variance);
  }
};

// Normalizes by the statistics of x itself, or by given ones.
class Normalization {
 protected:
  explicit Normalization(const Attributes& attributes)
      : eps_(attributes.number("eps")), hasRelu_(attributes.flag("has_relu")) {}

  void normalize(const Tensor& x, const Columns& columns, const Tensor& mean,
                 const Tensor& variance, const Tensor& weight, const Tensor& bias,
                 const Tensor& out) const {
    BatchNormArgs args;
    args.x = x.data();
    args.mean = mean.data();
    args.variance = variance.data();
    args.weight = weight.data();
    args.bias = bias.data();
    args.out = out.data();
    args.rows = columns.rows;
    args.cols = columns.cols;
    args.eps = eps_;
    args.hasRelu = hasRelu_;
    batchNorm(args);
  }

  const float eps_;
  const bool hasRelu_;
};

class BatchNorm : Normalization {
 public:
  static Signature signature() {
    return {"EmuBatchNorm",
            {"x: float", "weight: float", "bias: float"},
            {"out: float", "mean: float", "variance: float"},
            {"eps: float", "has_relu: bool"}};
  }
  explicit BatchNorm(const Attributes& attributes) : Normalization(attributes) {}

  void compute(const Run& run) const {
    const Tensor x = run.input(0);
    const Tensor weight = run.input(1);
    const Tensor bias = run.input(2);
    const Columns columns(x, {&weight, &bias});
    const Tensor out = run.allocateOutput(0, x);
    const Tensor mean = run.allocateOutput(1, columns.vector());
    const Tensor variance = run.allocateOutput(2, columns.vector());
    computeMoments(x, columns, mean, variance);
    normalize(x, columns, mean, variance, weight, bias, out);
  }
};

class BatchNormInference : Normalization {
 public:
  static Signature signature() {
    return {"EmuBatchNormInference",
            {"x: float", "mean: float", "variance: float", "weight: float", "bias: float"},
            {"out: float"},
            {"eps: float", "has_relu: bool"}};
  }
  explicit BatchNormInference(const Attributes& attributes) : Normalization(attributes) {}

  void compute(const Run& run) const {
    const Tensor x = run.input(0);
    const Tensor mean = run.input(1);
    const Tensor variance = run.input(2);
    const Tensor weight = run.input(3);
    const Tensor bias = run.input(4);
    const Columns columns(x, {&mean, &variance, &weight, &bias});
    normalize(x, columns, mean, variance, weight, bias, run.allocateOutput(0, x));
  }
};

class BatchNormGrad {
 public:
  static Signature signature() {
    return {"EmuBatchNormGrad",
            {"x: float", "mean: float", "variance: float", "weight: float", "bias: float",
             "dy: float"},
            {"dx: float", "dweight: float", "dbias: float"},
            {"eps: float", "has_relu: bool", "is_training: bool"}};
  }
  explicit BatchNormGrad(const Attributes& attributes)
      : eps_(attributes.number("eps")),
        hasRelu_(attributes.flag("has_relu")),
        isTraining_(attributes.flag("is_training")) {}

  void compute(const Run& run) const {
    const Tensor x = run.input(0);
    const Tensor mean = run.input(1);
    const Tensor variance = run.input(2);
    const Tensor weight = run.input(3);
    const Tensor bias = run.input(4);
    const Tensor dy = run.input(5);
    const Columns columns(x, {&mean, &variance, &weight, &bias});
    dy.expect("batchNorm", "dy", x.shape());
    const Tensor dx = run.allocateOutput(0, x);
    const Tensor dWeight = run.allocateOutput(1, weight);
    const Tensor dBias = run.allocateOutput(2, bias);
    BatchNormGradArgs args;
    args.x = x.data();
    args.mean = mean.data();
    args.variance = variance.data();
    args.weight = weight.data();
    args.bias = bias.data();
    args.dy = dy.data();
    args.dx = dx.data();
    args.dWeight = dWeight.data();
    args.dBias = dBias.data();
    args.rows = columns.rows;
    args.cols = columns.cols;
    args.eps = eps_;
    args.hasRelu = hasRelu_;
    args.isTraining = isTraining_;
    batchNormGrad(args);
  }

 private:
  const float eps_;
  const bool hasRelu_, isTraining_;
};

}  // namespace

void registerBatchNorm() {
  registerOp<BatchNorm>();
  registerOp<BatchNormMoments>();
  registerOp<BatchNormInference>();
  registerOp<BatchNormGrad>();
}

}  // namespace tensorflow
}  // namespace emu
