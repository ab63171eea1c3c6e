// EmuGroupNorm and its gradient on TensorFlow.
#include "../groupNorm/groupNorm.h"

#include <algorithm>

#include "op.h"

namespace emu {
namespace tensorflow {
namespace {

// x [batch, ..., cols] as the kernels see it; weight and bias must be [cols].
GroupNormShape shapeOf(const Tensor& x, const Tensor& weight, const Tensor& bias, size_t groups) {
  const std::vector<int64_t> shape = x.shape();
  if (shape.size() < 2) throw OpError("groupNorm: expected x of 2 dimensions or more");
  const auto cols = static_cast<size_t>(shape.back());
  if (groups == 0 || cols % groups != 0) {
    throw OpError("groupNorm: expected groups that divide the columns");
  }
  weight.expect("groupNorm", "weight", {shape.back()});
  bias.expect("groupNorm", "bias", {shape.back()});
  const auto batch = static_cast<size_t>(shape[0]);
  const size_t rows = x.size() == 0 ? 0 : x.size() / (batch * cols);
  return {batch, rows, cols, groups};
}

// Of the statistics.
std::vector<int64_t> statisticsShape(const GroupNormShape& shape) {
  return {static_cast<int64_t>(shape.batch), static_cast<int64_t>(shape.groups)};
}

class GroupNorm {
 public:
  static Signature signature() {
    return {"EmuGroupNorm",
            {"x: float", "weight: float", "bias: float"},
            {"out: float", "mean: float", "inverse_std: float"},
            {"groups: int", "eps: float", "has_silu: bool"}};
  }
  explicit GroupNorm(const Attributes& attributes)
      : groups_(attributes.size("groups")),
        eps_(attributes.number("eps")),
        hasSilu_(attributes.flag("has_silu")) {}

  void compute(const Run& run) const {
    const Tensor x = run.input(0);
    const Tensor weight = run.input(1);
    const Tensor bias = run.input(2);
    GroupNormArgs args;
    args.shape = shapeOf(x, weight, bias, groups_);
    const Tensor out = run.allocateOutput(0, x);
    const Tensor mean = run.allocateOutput(1, statisticsShape(args.shape));
    const Tensor inverseStd = run.allocateOutput(2, statisticsShape(args.shape));
    args.x = x.data();
    args.weight = weight.data();
    args.bias = bias.data();
    args.out = out.data();
    args.mean = mean.data();
    args.inverseStd = inverseStd.data();
    args.eps = eps_;
    args.hasSilu = hasSilu_;
    if (x.size() > 0) groupNorm(args);
  }

 private:
  const size_t groups_;
  const float eps_;
  const bool hasSilu_;
};

class GroupNormGrad {
 public:
  static Signature signature() {
    return {"EmuGroupNormGrad",
            {"x: float", "weight: float", "bias: float", "mean: float", "inverse_std: float",
             "dy: float"},
            {"dx: float", "dweight: float", "dbias: float"},
            {"groups: int", "has_silu: bool"}};
  }
  explicit GroupNormGrad(const Attributes& attributes)
      : groups_(attributes.size("groups")), hasSilu_(attributes.flag("has_silu")) {}

  void compute(const Run& run) const {
    const Tensor x = run.input(0);
    const Tensor weight = run.input(1);
    const Tensor bias = run.input(2);
    const Tensor mean = run.input(3);
    const Tensor inverseStd = run.input(4);
    const Tensor dy = run.input(5);
    GroupNormGradArgs args;
    args.shape = shapeOf(x, weight, bias, groups_);
    mean.expect("groupNorm", "mean", statisticsShape(args.shape));
    inverseStd.expect("groupNorm", "inverseStd", statisticsShape(args.shape));
    dy.expect("groupNorm", "dy", x.shape());
    const Tensor dx = run.allocateOutput(0, x);
    const Tensor dWeight = run.allocateOutput(1, weight);
    const Tensor dBias = run.allocateOutput(2, bias);
    args.x = x.data();
    args.weight = weight.data();
    args.bias = bias.data();
    args.mean = mean.data();
    args.inverseStd = inverseStd.data();
    args.dy = dy.data();
    args.dx = dx.data();
    args.dWeight = dWeight.data();
    args.dBias = dBias.data();
    args.hasSilu = hasSilu_;
    if (x.size() == 0) {
      std::fill_n(args.dWeight, args.shape.cols, 0.0f);
      std::fill_n(args.dBias, args.shape.cols, 0.0f);
    } else {
      groupNormGrad(args);
    }
  }

 private:
  const size_t groups_;
  const bool hasSilu_;
};

}  // namespace

void registerGroupNorm() {
  registerOp<GroupNorm>();
  registerOp<GroupNormGrad>();
}

}  // namespace tensorflow
}  // namespace emu
