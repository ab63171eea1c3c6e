#include "norm.h"

#include "../native/simd.h"
#include "../native/threadPool.h"

namespace emu {
namespace EMU_ISA {
namespace {

constexpr size_t kPieceElements = 16384;
constexpr size_t kColumnPiece = 128;  // 512 bytes of each row: whole cache lines, few pieces

// Calls each(i, n, loader) for the vectors of a row; only the last has n < kLanes elements.
template <class Fn>
EMU_INLINE void forVectors(size_t begin, size_t end, const Fn& each) {
  size_t i = begin;
  for (; i + kLanes <= end; i += kLanes) each(i, kLanes);
  if (i < end) each(i, end - i);
}

EMU_INLINE Vec loadN(const float* p, size_t n) { return n == kLanes ? load(p) : loadPartial(p, n); }
EMU_INLINE void storeN(float* p, Vec v, size_t n) {
  if (n == kLanes) {
    store(p, v);
  } else {
    storePartial(p, v, n);
  }
}

// Sum of fn(x_i) over a row in four chains, so that the additions' latency does not show. fn gets
// the number of valid lanes and must give 0 in the others.
template <class Fn>
EMU_INLINE float sumOver(size_t cols, const Fn& fn) {
  Vec sums[4] = {zero(), zero(), zero(), zero()};
  size_t i = 0;
  for (; i + 4 * kLanes <= cols; i += 4 * kLanes) {
    for (size_t j = 0; j < 4; ++j) sums[j] = sums[j] + fn(i + j * kLanes, kLanes);
  }
  forVectors(i, cols, [&](size_t k, size_t n) { sums[0] = sums[0] + fn(k, n); });
  return sum((sums[0] + sums[1]) + (sums[2] + sums[3]));
}

// x - mean in the first n lanes, 0 in the others.
EMU_INLINE Vec centered(const float* x, Vec mean, size_t n) {
  if (n == kLanes) return load(x) - mean;
  float lanes[kLanes] = {};
  storePartial(lanes, loadPartial(x, n) - mean, n);
  return load(lanes);
}

struct RowStatistics {
  float mean;        // 0 for RMS norm
  float inverseStd;  // 1 / sqrt(variance + eps)
};

RowStatistics statistics(const float* x, size_t cols, float eps, bool isCentered) {
  const float count = static_cast<float>(cols);
  float mean = 0.0f;
  if (isCentered) {
    mean = sumOver(cols, [&](size_t i, size_t n) { return loadN(x + i, n); }) / count;
  }
  const Vec shift = set(mean);
  const float squares = sumOver(cols, [&](size_t i, size_t n) {
    const Vec d = centered(x + i, shift, n);
    return d * d;
  });
  return {mean, 1.0f / __builtin_sqrtf(squares / count + eps)};
}

size_t rowsPerPiece(size_t cols) {
  return cols > 0 && cols < kPieceElements ? kPieceElements / cols : 1;
}

}  // namespace

void norm(const NormArgs& args) {
  const size_t cols = args.cols;
  parallelFor(args.rows, rowsPerPiece(cols), [&](size_t begin, size_t end) {
    for (size_t row = begin; row < end; ++row) {
      const float* x = args.x + row * cols;
      float* out = args.out + row * cols;
      const RowStatistics s = statistics(x, cols, args.eps, args.bias != nullptr);
      const Vec mean = set(s.mean);
      const Vec scale = set(s.inverseStd);
      if (args.bias) {
        forVectors(0, cols, [&](size_t i, size_t n) {
          const Vec normalized = (loadN(x + i, n) - mean) * scale;
          storeN(out + i, fma(normalized, loadN(args.weight + i, n), loadN(args.bias + i, n)), n);
        });
      } else {
        forVectors(0, cols, [&](size_t i, size_t n) {
          storeN(out + i, loadN(x + i, n) * scale * loadN(args.weight + i, n), n);
        });
      }
    }
  });
}

// With h = (x - mean) r the normalized row, r = 1/std and g = dy weight:
//   dx = r (g - mean(g) - h mean(g h))   (RMS norm: without mean(g))
//   dWeight = sum over rows of dy h, dBias = sum over rows of dy
void normGrad(const NormGradArgs& args) {
  const size_t cols = args.cols;
  const bool isCentered = args.dBias != nullptr;
  // Written by the pieces below, read by the column pieces: 2 floats a row.
  float* const saved = scratch(0, 2 * args.rows);
  parallelFor(args.rows, rowsPerPiece(cols), [&](size_t begin, size_t end) {
    for (size_t row = begin; row < end; ++row) {
      const float* x = args.x + row * cols;
      const float* dy = args.dy + row * cols;
      float* dx = args.dx + row * cols;
      const RowStatistics s = statistics(x, cols, args.eps, isCentered);
      saved[2 * row] = s.mean;
      saved[2 * row + 1] = s.inverseStd;
      const Vec mean = set(s.mean);
      const Vec scale = set(s.inverseStd);
      const auto gradient = [&](size_t i, size_t n) {  // g; 0 beyond n because dy is
        return loadN(dy + i, n) * loadN(args.weight + i, n);
      };
      const float count = static_cast<float>(cols);
      const Vec meanG = set(isCentered ? sumOver(cols, gradient) / count : 0.0f);
      const Vec meanGh = set(sumOver(cols,
                                     [&](size_t i, size_t n) {
                                       return gradient(i, n) * (loadN(x + i, n) - mean) * scale;
                                     }) /
                             count);
      forVectors(0, cols, [&](size_t i, size_t n) {
        const Vec h = (loadN(x + i, n) - mean) * scale;
        storeN(dx + i, scale * (gradient(i, n) - meanG - h * meanGh), n);
      });
    }
  });
  parallelFor(cols, kColumnPiece, [&](size_t begin, size_t end) {
    const size_t bytes = (end - begin) * sizeof(float);
    memset(args.dWeight + begin, 0, bytes);
    if (isCentered) memset(args.dBias + begin, 0, bytes);
    for (size_t row = 0; row < args.rows; ++row) {
      const float* x = args.x + row * cols;
      const float* dy = args.dy + row * cols;
      const Vec mean = set(saved[2 * row]);
      const Vec scale = set(saved[2 * row + 1]);
      forVectors(begin, end, [&](size_t i, size_t n) {
        const Vec g = loadN(dy + i, n);
        const Vec h = (loadN(x + i, n) - mean) * scale;
        storeN(args.dWeight + i, fma(g, h, loadN(args.dWeight + i, n)), n);
        if (isCentered) storeN(args.dBias + i, loadN(args.dBias + i, n) + g, n);
      });
    }
  });
}

}  // namespace EMU_ISA
}  // namespace emu
