// The product of few rows of A with a weight [n, k]: bound by reading the weight, which therefore
// is read once, where it lies, for all rows (a token's step of generation; beams are rows). Private
// to gemm.simd.cc.
#ifndef EMU_KERNELS_NATIVE_GEMM_FEW_ROWS_H_
#define EMU_KERNELS_NATIVE_GEMM_FEW_ROWS_H_

#include "gemm.h"
#include "simd.h"
#include "threadPool.h"

namespace emu {
namespace EMU_ISA {
namespace {

// Above it, packing the weight once and multiplying panels is faster (measured).
constexpr size_t kMaxFewRows = 12;
// Rows of A that one pass over some rows of the weight multiplies: as many sums as registers hold.
// More rows take several passes, and only the first reads the weight from memory.
constexpr size_t kMaxPassRows = 4;

EMU_INLINE bool suitsFewRows(const GemmArgs& args) {
  return args.m <= kMaxFewRows && args.transposeB && !args.transposeA && args.k > 0;
}

// c[i][j] = a_i . w_j for M rows of A and W rows of the weight, each product in one chain of sums,
// so that a row's result does not depend on how many rows there are.
template <Encoding E, size_t M, size_t W>
void dotProducts(const float* a, size_t lda, const void* weight, size_t ldb, size_t k,
                 float (*c)[kMaxPassRows]) {
  Vec sums[M][W];
#pragma GCC unroll 8
  for (size_t i = 0; i < M; ++i) {
#pragma GCC unroll 8
    for (size_t j = 0; j < W; ++j) sums[i][j] = zero();
  }
  size_t p = 0;
  for (; p + kLanes <= k; p += kLanes) {
    Vec w[W];
#pragma GCC unroll 8
    for (size_t j = 0; j < W; ++j) w[j] = loadAs<E>(weight, j * ldb + p);
#pragma GCC unroll 8
    for (size_t i = 0; i < M; ++i) {
      const Vec ai = load(a + i * lda + p);
#pragma GCC unroll 8
      for (size_t j = 0; j < W; ++j) sums[i][j] = fma(ai, w[j], sums[i][j]);
    }
  }
  if (p < k) {
    Vec w[W];
#pragma GCC unroll 8
    for (size_t j = 0; j < W; ++j) w[j] = loadPartialAs<E>(weight, j * ldb + p, k - p);
#pragma GCC unroll 8
    for (size_t i = 0; i < M; ++i) {
      const Vec ai = loadPartial(a + i * lda + p, k - p);
#pragma GCC unroll 8
      for (size_t j = 0; j < W; ++j) sums[i][j] = fma(ai, w[j], sums[i][j]);
    }
  }
#pragma GCC unroll 8
  for (size_t i = 0; i < M; ++i) {
#pragma GCC unroll 8
    for (size_t j = 0; j < W; ++j) c[j][i] = sum(sums[i][j]);
  }
}

// Rows of the weight at once: 8 to 12 independent chains hide the latency of a multiply-add, and
// with the weights and one of A they fit 16 registers.
constexpr size_t weightRows(size_t m) { return m == 1 ? 8 : m == 2 ? 4 : 3; }

template <Encoding E, size_t M>
void passRows(const GemmArgs& args, const float* a, const void* b, float* c, size_t begin,
              size_t end) {
  constexpr size_t W = weightRows(M);
  float products[8][kMaxPassRows];
  for (size_t col = begin; col < end; col += W) {
    const void* weight = static_cast<const char*>(b) + col * args.ldb * bytesPerElement(E);
    const size_t cols = end - col < W ? end - col : W;
    if (cols == W) {
      dotProducts<E, M, W>(a, args.lda, weight, args.ldb, args.k, products);
    } else {
      for (size_t j = 0; j < cols; ++j) {
        const void* row = static_cast<const char*>(weight) + j * args.ldb * bytesPerElement(E);
        dotProducts<E, M, 1>(a, args.lda, row, args.ldb, args.k, products + j);
      }
    }
    for (size_t i = 0; i < M; ++i) {
      float* out = c + i * args.ldc + col;
      for (size_t j = 0; j < cols; ++j) {
        const float added = args.accumulate ? out[j] : args.bias ? args.bias[col + j] : 0.0f;
        out[j] = products[j][i] + added;
      }
    }
  }
}

template <Encoding E, size_t M>
void passes(const GemmArgs& args, const float* a, const void* b, float* c, size_t rows,
            size_t begin, size_t end) {
  if constexpr (M > 1) {
    if (rows < M) return passes<E, M - 1>(args, a, b, c, rows, begin, end);
  }
  passRows<E, M>(args, a, b, c, begin, end);
}

void multiplyFewRows(const GemmArgs& args, const float* a, const void* b, float* c) {
  const size_t numPasses = (args.m + kMaxPassRows - 1) / kMaxPassRows;
  // About 32 K weights a piece, which the L2 cache holds for the other passes; a multiple of all
  // numbers of weight rows.
  const size_t grain = (32768 / args.k + 24) / 24 * 24;
  parallelFor(args.n, grain, [&](size_t begin, size_t end) {
    withEncoding(args.b.encoding, [&](auto tag) {
      for (size_t pass = 0; pass < numPasses; ++pass) {
        const size_t row = args.m * pass / numPasses, next = args.m * (pass + 1) / numPasses;
        passes<decltype(tag)::value, kMaxPassRows>(args, a + row * args.lda, b, c + row * args.ldc,
                                                   next - row, begin, end);
      }
    });
  });
}

}  // namespace
}  // namespace EMU_ISA
}  // namespace emu

#endif  // EMU_KERNELS_NATIVE_GEMM_FEW_ROWS_H_
