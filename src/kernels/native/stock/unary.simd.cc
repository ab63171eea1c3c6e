#include "unary.h"

#include "../simd.h"
#include "../threadPool.h"

namespace emu {
namespace EMU_ISA {
namespace {

// 64 KB in and 64 KB out: enough work to pay for handing out a piece.
constexpr size_t kGrain = 16384;

template <class Fn>
void map(const UnaryArgs& args, const Fn& fn) {
  parallelFor(args.n, kGrain, [&](size_t begin, size_t end) {
    size_t i = begin;
    for (; i + kLanes <= end; i += kLanes) store(args.out + i, fn(load(args.x + i)));
    if (i < end) storePartial(args.out + i, fn(loadPartial(args.x + i, end - i)), end - i);
  });
}

// One number at a time, by the C library.
template <class Fn>
void mapNumbers(const UnaryArgs& args, const Fn& fn) {
  parallelFor(args.n, kGrain, [&](size_t begin, size_t end) {
    for (size_t i = begin; i < end; ++i) args.out[i] = fn(args.x[i]);
  });
}

}  // namespace

void unary(const UnaryArgs& args) {
  const Vec one = set(1.0f);
  switch (args.function) {
    case Unary::kNeg:
      return map(args, [](Vec x) { return x * set(-1.0f); });
    case Unary::kAbs:
      return map(args, [](Vec x) { return abs(x); });
    case Unary::kSquare:
      return map(args, [](Vec x) { return x * x; });
    case Unary::kSqrt:
      return map(args, [](Vec x) { return sqrt(x); });
    case Unary::kRsqrt:
      return map(args, [one](Vec x) { return one / sqrt(x); });
    case Unary::kExp:
      return map(args, [](Vec x) { return exp(x); });
    case Unary::kRelu:
      return map(args, [](Vec x) { return max(zero(), x); });
    case Unary::kReciprocal:
      return map(args, [one](Vec x) { return one / x; });
    case Unary::kSigmoid:
      return map(args, [](Vec x) { return sigmoid(x); });
    case Unary::kStep: {
      const Vec alpha = set(args.alpha);
      return map(args, [one, alpha](Vec x) {
        return pick(equal(x, x), pick(less(zero(), x), one, alpha), x);
      });
    }
    case Unary::kLog:
      return mapNumbers(args, [](float x) { return ::logf(x); });
    case Unary::kTanh:
      return mapNumbers(args, [](float x) { return ::tanhf(x); });
  }
}

}  // namespace EMU_ISA
}  // namespace emu
