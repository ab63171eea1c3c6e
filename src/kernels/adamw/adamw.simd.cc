#include "adamw.h"

#include "../native/simd.h"
#include "../native/threadPool.h"

namespace emu {
namespace EMU_ISA {
namespace {

// 7 streams of 32 KB: enough work to pay for handing out a piece.
constexpr size_t kAdamwGrain = 8192;
// Each piece gives one partial sum, so results depend on this size but not on the threads.
constexpr size_t kSumGrain = 65536;

struct Update {
  Vec parameter, m, v;
};

EMU_INLINE Update update(const AdamwArgs& args, Vec parameter, Vec m, Vec v, Vec grad) {
  const Vec g = grad * set(args.scale);
  const Vec newM = fma(g - m, set(args.gain1), m);
  const Vec newV = fma(g * g, set(args.gain2), v * set(args.beta2));
  const Vec denominator = fma(sqrt(newV), set(args.correction), set(args.eps));
  const Vec step = newM / denominator;
  return {fnma(step, set(args.rate), parameter * set(args.decay)), newM, newV};
}

// As many doubles as half a Vec has floats.
constexpr size_t kDoubles = kLanes / 2;
constexpr size_t kChains = 8;  // hide the latency of a multiply-add
typedef float Floats __attribute__((vector_size(kDoubles * sizeof(float))));
typedef double Doubles __attribute__((vector_size(kDoubles * sizeof(double))));

double sumSquares(const float* x, size_t n) {
  Doubles total[kChains] = {};
  size_t i = 0;
  for (; i + kChains * kDoubles <= n; i += kChains * kDoubles) {
#pragma GCC unroll 8
    for (size_t chain = 0; chain < kChains; ++chain) {
      Floats floats;
      memcpy(&floats, x + i + chain * kDoubles, sizeof(floats));
      const Doubles value = __builtin_convertvector(floats, Doubles);
      total[chain] += value * value;
    }
  }
  double sum = 0;
  for (; i < n; ++i) sum += static_cast<double>(x[i]) * x[i];
  for (size_t chain = 0; chain < kChains; ++chain) {
    for (size_t lane = 0; lane < kDoubles; ++lane) sum += total[chain][lane];
  }
  return sum;
}

}  // namespace

void adamw(const AdamwArgs& args) {
  parallelFor(args.n, kAdamwGrain, [&](size_t begin, size_t end) {
    size_t i = begin;
    for (; i + kLanes <= end; i += kLanes) {
      const Update next = update(args, load(args.parameter + i), load(args.m + i),
                                 load(args.v + i), load(args.grad + i));
      store(args.newParameter + i, next.parameter);
      store(args.newM + i, next.m);
      store(args.newV + i, next.v);
    }
    const size_t rest = end - i;
    if (rest == 0) return;
    const Update next =
        update(args, loadPartial(args.parameter + i, rest), loadPartial(args.m + i, rest),
               loadPartial(args.v + i, rest), loadPartial(args.grad + i, rest));
    storePartial(args.newParameter + i, next.parameter, rest);
    storePartial(args.newM + i, next.m, rest);
    storePartial(args.newV + i, next.v, rest);
  });
}

void sumOfSquares(const SumOfSquaresArgs& args) {
  const size_t pieces = (args.n + kSumGrain - 1) / kSumGrain;
  double* partial = reinterpret_cast<double*>(scratch(0, pieces * 2));
  parallelFor(args.n, kSumGrain, [&](size_t begin, size_t end) {
    partial[begin / kSumGrain] = sumSquares(args.x + begin, end - begin);
  });
  double total = 0;
  for (size_t i = 0; i < pieces; ++i) total += partial[i];
  *args.out = total;
}

}  // namespace EMU_ISA
}  // namespace emu
