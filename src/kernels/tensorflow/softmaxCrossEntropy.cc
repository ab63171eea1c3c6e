// EmuSoftmaxCrossEntropy and its gradient on TensorFlow.
#include "../softmaxCrossEntropy/softmaxCrossEntropy.h"

#include "op.h"

namespace emu {
namespace tensorflow {
namespace {

// Labels below 0 are ignored.
void checkLabels(const Tensor& logits, const Tensor& labels) {
  const std::vector<int64_t> shape = logits.shape();
  if (shape.size() != 2) throw OpError("softmaxCrossEntropy: expected logits of 2 dimensions");
  labels.expect("softmaxCrossEntropy", "labels", {shape[0]});
  for (size_t i = 0; i < labels.size(); ++i) {
    if (labels.ints()[i] >= shape[1]) {
      throw OpError("softmaxCrossEntropy: expected labels below the number of classes");
    }
  }
}

class SoftmaxCrossEntropy {
 public:
  static Signature signature() {
    return {"EmuSoftmaxCrossEntropy",
            {"logits: float", "labels: int32"},
            {"losses: float", "log_sum_exp: float"},
            {}};
  }
  explicit SoftmaxCrossEntropy(const Attributes&) {}

  void compute(const Run& run) const {
    const Tensor logits = run.input(0);
    const Tensor labels = run.input(1);
    checkLabels(logits, labels);
    const Tensor losses = run.allocateOutput(0, labels);
    const Tensor logSumExp = run.allocateOutput(1, labels);
    SoftmaxCrossEntropyArgs args;
    args.logits = logits.data();
    args.labels = labels.ints();
    args.losses = losses.data();
    args.logSumExp = logSumExp.data();
    args.rows = logits.dim(0);
    args.cols = logits.dim(1);
    softmaxCrossEntropy(args);
  }
};

class SoftmaxCrossEntropyGrad {
 public:
  static Signature signature() {
    return {"EmuSoftmaxCrossEntropyGrad",
            {"logits: float", "labels: int32", "log_sum_exp: float", "dy: float"},
            {"dlogits: float"},
            {}};
  }
  explicit SoftmaxCrossEntropyGrad(const Attributes&) {}

  void compute(const Run& run) const {
    const Tensor logits = run.input(0);
    const Tensor labels = run.input(1);
    const Tensor logSumExp = run.input(2);
    const Tensor dy = run.input(3);
    checkLabels(logits, labels);
    logSumExp.expect("softmaxCrossEntropy", "logSumExp", labels.shape());
    dy.expect("softmaxCrossEntropy", "dy", labels.shape());
    const Tensor dLogits = run.allocateOutput(0, logits);
    SoftmaxCrossEntropyGradArgs args;
    args.logits = logits.data();
    args.labels = labels.ints();
    args.logSumExp = logSumExp.data();
    args.dy = dy.data();
    args.dLogits = dLogits.data();
    args.rows = logits.dim(0);
    args.cols = logits.dim(1);
    softmaxCrossEntropyGrad(args);
  }
};

}  // namespace

void registerSoftmaxCrossEntropy() {
  registerOp<SoftmaxCrossEntropy>();
  registerOp<SoftmaxCrossEntropyGrad>();
}

}  // namespace tensorflow
}  // namespace emu
