#include "rope.h"

#include "../native/simd.h"
#include "../native/threadPool.h"

namespace emu {
namespace EMU_ISA {
namespace {

constexpr size_t kPieceElements = 16384;

}  // namespace

void rope(const RopeArgs& args) {
  const size_t half = args.headDim / 2;
  const size_t rowSize = args.heads * args.headDim;
  const size_t grain = rowSize > 0 && rowSize < kPieceElements ? kPieceElements / rowSize : 1;
  const Vec direction = set(args.direction);
  parallelFor(args.rows, grain, [&](size_t begin, size_t end) {
    for (size_t row = begin; row < end; ++row) {
      const size_t angle = static_cast<size_t>(args.positions[row]) * half;
      for (size_t head = 0; head < args.heads; ++head) {
        const float* a = args.x + row * rowSize + head * args.headDim;
        float* out = args.out + row * rowSize + head * args.headDim;
        const float* b = a + half;
        size_t i = 0;
        for (; i + kLanes <= half; i += kLanes) {
          const Vec cos = load(args.cos + angle + i);
          const Vec sin = load(args.sin + angle + i) * direction;
          const Vec x = load(a + i);
          const Vec y = load(b + i);
          store(out + i, fnma(y, sin, x * cos));
          store(out + half + i, fma(x, sin, y * cos));
        }
        const size_t rest = half - i;
        if (rest == 0) continue;
        const Vec cos = loadPartial(args.cos + angle + i, rest);
        const Vec sin = loadPartial(args.sin + angle + i, rest) * direction;
        const Vec x = loadPartial(a + i, rest);
        const Vec y = loadPartial(b + i, rest);
        storePartial(out + i, fnma(y, sin, x * cos), rest);
        storePartial(out + half + i, fma(x, sin, y * cos), rest);
      }
    }
  });
}

}  // namespace EMU_ISA
}  // namespace emu
