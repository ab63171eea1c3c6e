#include "binary.h"

#include "../simd.h"
#include "../threadPool.h"

namespace emu {
namespace EMU_ISA {
namespace {

// Results a piece: enough work to pay for handing it out.
constexpr size_t kGrain = 16384;

// out[i] = fn(a[i * strideA], b[i * strideB]) with strides 0 or 1.
template <class Fn>
void mapRow(const float* a, size_t strideA, const float* b, size_t strideB, float* out, size_t n,
            const Fn& fn) {
  size_t i = 0;
  if (strideA && strideB) {
    for (; i + kLanes <= n; i += kLanes) store(out + i, fn(load(a + i), load(b + i)));
    if (i < n)
      storePartial(out + i, fn(loadPartial(a + i, n - i), loadPartial(b + i, n - i)), n - i);
  } else if (strideA) {
    const Vec right = set(*b);
    for (; i + kLanes <= n; i += kLanes) store(out + i, fn(load(a + i), right));
    if (i < n) storePartial(out + i, fn(loadPartial(a + i, n - i), right), n - i);
  } else if (strideB) {
    const Vec left = set(*a);
    for (; i + kLanes <= n; i += kLanes) store(out + i, fn(left, load(b + i)));
    if (i < n) storePartial(out + i, fn(left, loadPartial(b + i, n - i)), n - i);
  } else {
    const Vec value = fn(set(*a), set(*b));
    for (; i + kLanes <= n; i += kLanes) store(out + i, value);
    if (i < n) storePartial(out + i, value, n - i);
  }
}

template <class Fn>
void map(const BinaryArgs& args, const Fn& fn) {
  const size_t last = args.rank - 1;
  const size_t cols = args.shape[last];
  const size_t strideA = args.stridesA[last], strideB = args.stridesB[last];
  size_t rows = 1;
  for (size_t axis = 0; axis < last; ++axis) rows *= args.shape[axis];
  if (rows == 1) {
    parallelFor(cols, kGrain, [&](size_t begin, size_t end) {
      mapRow(args.a + begin * strideA, strideA, args.b + begin * strideB, strideB, args.out + begin,
             end - begin, fn);
    });
    return;
  }
  parallelFor(rows, 1 + kGrain / cols, [&](size_t begin, size_t end) {
    for (size_t row = begin; row < end; ++row) {
      size_t rest = row, offsetA = 0, offsetB = 0;
      for (size_t axis = last; axis-- > 0;) {
        const size_t position = rest % args.shape[axis];
        rest /= args.shape[axis];
        offsetA += position * args.stridesA[axis];
        offsetB += position * args.stridesB[axis];
      }
      mapRow(args.a + offsetA, strideA, args.b + offsetB, strideB, args.out + row * cols, cols, fn);
    }
  });
}

}  // namespace

void binary(const BinaryArgs& args) {
  switch (args.function) {
    case Binary::kAdd:
      return map(args, [](Vec a, Vec b) { return a + b; });
    case Binary::kSub:
      return map(args, [](Vec a, Vec b) { return a - b; });
    case Binary::kMultiply:
      return map(args, [](Vec a, Vec b) { return a * b; });
    case Binary::kDivide:
      return map(args, [](Vec a, Vec b) { return a / b; });
    // A NaN on either side is the result, as in tfjs.
    case Binary::kMaximum:
      return map(args, [](Vec a, Vec b) { return pick(equal(a, a), max(a, b), a); });
    case Binary::kMinimum:
      return map(args, [](Vec a, Vec b) { return pick(equal(a, a), min(a, b), a); });
    case Binary::kSquaredDifference:
      return map(args, [](Vec a, Vec b) { return (a - b) * (a - b); });
  }
}

}  // namespace EMU_ISA
}  // namespace emu
