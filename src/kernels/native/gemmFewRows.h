// The product of few rows of A with a weight [n, k]: bound by reading the weight, which therefore
// is read once, where it lies, for all rows (a token's step of generation; beams are rows). Private
// to gemm.simd.cc.
#ifndef EMU_KERNELS_NATIVE_GEMM_FEW_ROWS_H_
#define EMU_KERNELS_NATIVE_GEMM_FEW_ROWS_H_

#include "encoded.h"
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

// The same for quantized rows, block by block: the products with a block's whole numbers are added
// up before its scale multiplies them. Meanwhile asks for the next W rows, a row being short for
// the processor's own prefetcher: 8 to 18 % faster on 13,824 x 5,120 (`npm run bench linear`).
template <Encoding E, size_t M, size_t W>
void dotBlocks(const float* a, size_t lda, const void* weight, size_t ldb, size_t k,
               float (*c)[kMaxPassRows]) {
  constexpr size_t V = kBlockElements / kLanes;
  // Where subtracting from each whole number costs more, it is done once for a block.
  constexpr bool isZeroLeft = storedZero(E) != 0 && !kZeroIsFree;
  constexpr int kZero = isZeroLeft ? 0 : storedZero(E);
  const size_t rowBytes = encodedBytes(E, ldb);
  const uint8_t* blocks = static_cast<const uint8_t*>(weight);
  const uint8_t* ahead = blocks + W * rowBytes;
  Vec sums[M][W];
#pragma GCC unroll 8
  for (size_t i = 0; i < M; ++i) {
#pragma GCC unroll 8
    for (size_t j = 0; j < W; ++j) sums[i][j] = zero();
  }
  for (size_t p = 0; p < k; p += kBlockElements, blocks += bytesPerBlock(E)) {
    for (size_t line = 0; line < W * bytesPerBlock(E); line += 64) {
      __builtin_prefetch(ahead + line, 0, 2);
    }
    ahead += W * bytesPerBlock(E);
    Vec totals[M];  // of the block's elements of A
    if constexpr (E == Encoding::kQ4_1 || isZeroLeft) {
#pragma GCC unroll 8
      for (size_t i = 0; i < M; ++i) {
        totals[i] = load(a + i * lda + p);
#pragma GCC unroll 8
        for (size_t v = 1; v < V; ++v) totals[i] = totals[i] + load(a + i * lda + p + v * kLanes);
      }
    }
#pragma GCC unroll 8
    for (size_t j = 0; j < W; ++j) {
      const uint8_t* block = blocks + j * rowBytes;
      const Vec scale = blockScale(block);
      Vec q[V];
#pragma GCC unroll 8
      for (size_t v = 0; v < V; ++v) q[v] = blockIntegers<E, kZero>(block, v * kLanes);
#pragma GCC unroll 8
      for (size_t i = 0; i < M; ++i) {
        Vec part = load(a + i * lda + p) * q[0];
#pragma GCC unroll 8
        for (size_t v = 1; v < V; ++v) part = fma(load(a + i * lda + p + v * kLanes), q[v], part);
        if constexpr (isZeroLeft) part = fnma(totals[i], set(storedZero(E)), part);
        sums[i][j] = fma(scale, part, sums[i][j]);
        if constexpr (E == Encoding::kQ4_1) {
          sums[i][j] = fma(blockMinimum(block), totals[i], sums[i][j]);
        }
      }
    }
  }
#pragma GCC unroll 8
  for (size_t i = 0; i < M; ++i) {
#pragma GCC unroll 8
    for (size_t j = 0; j < W; ++j) c[j][i] = sum(sums[i][j]);
  }
}

template <Encoding E, size_t M, size_t W>
EMU_INLINE void dotRows(const float* a, size_t lda, const void* weight, size_t ldb, size_t k,
                        float (*c)[kMaxPassRows]) {
  if constexpr (isQuantized(E)) {
    dotBlocks<E, M, W>(a, lda, weight, ldb, k, c);
  } else {
    dotProducts<E, M, W>(a, lda, weight, ldb, k, c);
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
    const void* weight = static_cast<const char*>(b) + encodedBytes(E, col * args.ldb);
    const size_t cols = end - col < W ? end - col : W;
    if (cols == W) {
      dotRows<E, M, W>(a, args.lda, weight, args.ldb, args.k, products);
    } else {
      for (size_t j = 0; j < cols; ++j) {
        const void* row = static_cast<const char*>(weight) + encodedBytes(E, j * args.ldb);
        dotRows<E, M, 1>(a, args.lda, row, args.ldb, args.k, products + j);
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
