#include "softmaxCrossEntropy.h"

#include "../native/simd.h"
#include "../native/threadPool.h"

namespace emu {
namespace EMU_ISA {
namespace {

constexpr size_t kPieceElements = 16384;

size_t rowsPerPiece(size_t cols) {
  return cols > 0 && cols < kPieceElements ? kPieceElements / cols : 1;
}

float maximum(const float* row, size_t cols) {
  Vec largest = set(row[0]);
  size_t i = 0;
  for (; i + kLanes <= cols; i += kLanes) largest = max(largest, load(row + i));
  float result = maxLane(largest);
  for (; i < cols; ++i) result = row[i] > result ? row[i] : result;
  return result;
}

// Sum of e^(x - shift): in float, because each of the lanes adds up only cols / lanes terms.
float sumExp(const float* row, size_t cols, float shift) {
  const Vec offset = set(shift);
  Vec sums[2] = {zero(), zero()};
  size_t i = 0;
  for (; i + 2 * kLanes <= cols; i += 2 * kLanes) {
    sums[0] = sums[0] + exp(load(row + i) - offset);
    sums[1] = sums[1] + exp(load(row + i + kLanes) - offset);
  }
  float total = sum(sums[0] + sums[1]);
  for (; i < cols; i += kLanes) {
    const size_t n = cols - i < kLanes ? cols - i : kLanes;
    float lanes[kLanes];
    store(lanes, exp(loadPartial(row + i, n) - offset));
    for (size_t j = 0; j < n; ++j) total += lanes[j];
  }
  return total;
}

}  // namespace

void softmaxCrossEntropy(const SoftmaxCrossEntropyArgs& args) {
  parallelFor(args.rows, rowsPerPiece(args.cols), [&](size_t begin, size_t end) {
    for (size_t row = begin; row < end; ++row) {
      const float* logits = args.logits + row * args.cols;
      if (args.labels[row] < 0) {
        args.losses[row] = 0.0f;
        args.logSumExp[row] = 0.0f;
        continue;
      }
      const float shift = maximum(logits, args.cols);
      const float logSum = __builtin_logf(sumExp(logits, args.cols, shift));
      // shift - logit first: both are large where the loss is small.
      args.losses[row] = (shift - logits[args.labels[row]]) + logSum;
      args.logSumExp[row] = shift + logSum;
    }
  });
}

// dLogits = dy (softmax(logits) - oneHot(label)), 0 for ignored rows
void softmaxCrossEntropyGrad(const SoftmaxCrossEntropyGradArgs& args) {
  parallelFor(args.rows, rowsPerPiece(args.cols), [&](size_t begin, size_t end) {
    for (size_t row = begin; row < end; ++row) {
      const float* logits = args.logits + row * args.cols;
      float* dLogits = args.dLogits + row * args.cols;
      if (args.labels[row] < 0) {
        memset(dLogits, 0, args.cols * sizeof(float));
        continue;
      }
      const Vec offset = set(args.logSumExp[row]);
      const Vec dy = set(args.dy[row]);
      size_t i = 0;
      for (; i + kLanes <= args.cols; i += kLanes) {
        store(dLogits + i, dy * exp(load(logits + i) - offset));
      }
      const size_t rest = args.cols - i;
      if (rest > 0)
        storePartial(dLogits + i, dy * exp(loadPartial(logits + i, rest) - offset), rest);
      dLogits[args.labels[row]] -= args.dy[row];
    }
  });
}

}  // namespace EMU_ISA
}  // namespace emu
