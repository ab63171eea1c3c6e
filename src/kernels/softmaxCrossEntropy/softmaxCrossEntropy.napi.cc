#include "softmaxCrossEntropy.h"

#include "../native/binding.h"

namespace emu {
namespace {

void checkLabels(const Call& call, const int32_t* labels, size_t rows, size_t cols) {
  for (size_t i = 0; i < rows; ++i) {
    if (labels[i] >= 0 && static_cast<size_t>(labels[i]) >= cols) {
      call.fail(1, "labels below the number of classes");
    }
  }
}

}  // namespace

EMU_EXPORT(softmaxCrossEntropy) {  // (logits, labels, losses, logSumExp, rows, cols)
  SoftmaxCrossEntropyArgs args;
  args.rows = call.size(4);
  args.cols = call.size(5);
  args.logits = call.floats(0, args.rows * args.cols);
  args.labels = call.ints(1, args.rows);
  args.losses = call.floats(2, args.rows);
  args.logSumExp = call.floats(3, args.rows);
  checkLabels(call, args.labels, args.rows, args.cols);
  softmaxCrossEntropy(args);
}

EMU_EXPORT(softmaxCrossEntropyGrad) {  // (logits, labels, logSumExp, dy, dLogits, rows, cols)
  SoftmaxCrossEntropyGradArgs args;
  args.rows = call.size(5);
  args.cols = call.size(6);
  args.logits = call.floats(0, args.rows * args.cols);
  args.labels = call.ints(1, args.rows);
  args.logSumExp = call.floats(2, args.rows);
  args.dy = call.floats(3, args.rows);
  args.dLogits = call.floats(4, args.rows * args.cols);
  checkLabels(call, args.labels, args.rows, args.cols);
  softmaxCrossEntropyGrad(args);
}

}  // namespace emu
