#include "gelu.h"

#include "../native/simd.h"
#include "../native/threadPool.h"

namespace emu {
namespace EMU_ISA {
namespace {

constexpr size_t kGrain = 8192;  // 32 KB of each array: enough work to pay for handing out a piece

// Phi(x), and e^(-x^2/2) in *bell. With y = |x| and t = 1/(1 + 0.35 y) the tail is
// Phi(-y) = e^(-y^2/2) t R(t). R is a minimax fit of the relative error over y <= 14, at
// most 3.2e-8, so that Phi is right to float precision on both sides, without the cancellation of 1
// + erf.
EMU_INLINE Vec normalCdf(Vec x, Vec* bell) {
  const Vec y = min(set(14.0f), abs(x));
  const Vec square = y * y;
  // What rounding took from the square would be an error of up to 6e-6 of e^(-square/2).
  const Vec lost = fma(y, y, -square);
  const Vec e = exp(square * set(-0.5f));
  *bell = fnma(e * set(0.5f), lost, e);
  const Vec t = set(1.0f) / fma(y, set(0.35f), set(1.0f));
  Vec r = set(-0.0291458777554f);
  r = fma(r, t, set(0.1439714679f));
  r = fma(r, t, set(-0.255713833228f));
  r = fma(r, t, set(0.159173740488f));
  r = fma(r, t, set(-0.0231095868115f));
  r = fma(r, t, set(0.105507915034f));
  r = fma(r, t, set(0.119832886523f));
  r = fma(r, t, set(0.139861867502f));
  r = fma(r, t, set(0.139621404402f));
  const Vec tail = *bell * (t * r);
  return pick(less(x, zero()), tail, set(1.0f) - tail);
}

EMU_INLINE Vec forward(Vec x) {
  Vec bell;
  // Below -14 Phi is kept at 3e-43, so that x must be kept as well.
  return max(set(-14.0f), x) * normalCdf(x, &bell);
}

// d gelu / dx = Phi(x) + x e^(-x^2/2) / sqrt(2 pi)
EMU_INLINE Vec derivative(Vec x) {
  Vec bell;
  const Vec cdf = normalCdf(x, &bell);
  const Vec near = min(set(14.0f), max(set(-14.0f), x));
  return fma(near * set(0.398942280401432678f), bell, cdf);
}

}  // namespace

void gelu(const GeluArgs& args) {
  parallelFor(args.n, kGrain, [&](size_t begin, size_t end) {
    size_t i = begin;
    for (; i + kLanes <= end; i += kLanes) store(args.out + i, forward(load(args.x + i)));
    if (i < end) storePartial(args.out + i, forward(loadPartial(args.x + i, end - i)), end - i);
  });
}

void geluGrad(const GeluArgs& args) {
  parallelFor(args.n, kGrain, [&](size_t begin, size_t end) {
    size_t i = begin;
    for (; i + kLanes <= end; i += kLanes) {
      store(args.out + i, load(args.dy + i) * derivative(load(args.x + i)));
    }
    const size_t rest = end - i;
    if (rest == 0) return;
    const Vec dx = loadPartial(args.dy + i, rest) * derivative(loadPartial(args.x + i, rest));
    storePartial(args.out + i, dx, rest);
  });
}

}  // namespace EMU_ISA
}  // namespace emu
