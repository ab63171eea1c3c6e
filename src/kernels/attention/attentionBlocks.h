// What both directions of attention are made of. Include only from `*.simd.cc`.
//
// Small matrix products run on packed blocks that fit the L1 and L2 caches. Their right-hand sides
// and results have rows padded to whole vectors, so that head sizes like 12, 20 and 88 need no
// special case inside.
#ifndef EMU_KERNELS_ATTENTION_ATTENTION_BLOCKS_H_
#define EMU_KERNELS_ATTENTION_ATTENTION_BLOCKS_H_

#include "../native/simd.h"
#include "attention.h"

namespace emu {
namespace EMU_ISA {
namespace {

// Rows of a register tile of 2 vectors each. AVX2: 12 sums + 2 loads + 1 broadcast of 16 registers.
// AVX-512: 24 + 2 + 1 of 32. Portable: SSE2 needs a register for each product as well.
#if defined(__AVX512F__)
constexpr size_t kTileRows = 12;
#elif defined(__AVX2__)
constexpr size_t kTileRows = 6;
#else
constexpr size_t kTileRows = 4;
#endif

constexpr size_t kQueryBlock = 60;  // whole tiles of 4, 6 and 12 rows
constexpr size_t kKeyBlock = 64;    // scores of one block: 60 x 64 floats = 15 KB

EMU_INLINE size_t smaller(size_t a, size_t b) { return a < b ? a : b; }
EMU_INLINE size_t padded(size_t n) { return (n + kLanes - 1) / kLanes * kLanes; }

// A[i, p] is a[i * rowStride + p * stride]: rows, or with the strides swapped columns, of a matrix.
struct Left {
  const float* a;
  size_t rowStride, stride;
};

template <size_t M, size_t N>
EMU_INLINE void productTile(size_t depth, Left left, const float* b, size_t ldb, float* c,
                            size_t ldc, bool isSum) {
  Vec sums[M][N];
#pragma GCC unroll 12
  for (size_t i = 0; i < M; ++i) {
#pragma GCC unroll 2
    for (size_t j = 0; j < N; ++j) sums[i][j] = isSum ? load(c + i * ldc + j * kLanes) : zero();
  }
  const float* a = left.a;
  for (size_t p = 0; p < depth; ++p) {
    Vec right[N];
#pragma GCC unroll 2
    for (size_t j = 0; j < N; ++j) right[j] = load(b + j * kLanes);
#pragma GCC unroll 12
    for (size_t i = 0; i < M; ++i) {
      const Vec value = set(a[i * left.rowStride]);
#pragma GCC unroll 2
      for (size_t j = 0; j < N; ++j) sums[i][j] = fma(value, right[j], sums[i][j]);
    }
    a += left.stride;
    b += ldb;
  }
#pragma GCC unroll 12
  for (size_t i = 0; i < M; ++i) {
#pragma GCC unroll 2
    for (size_t j = 0; j < N; ++j) store(c + i * ldc + j * kLanes, sums[i][j]);
  }
}

template <size_t M>
void productRows(size_t cols, size_t depth, Left left, const float* b, size_t ldb, float* c,
                 size_t ldc, bool isSum) {
  size_t j = 0;
  for (; j + 2 * kLanes <= cols; j += 2 * kLanes) {
    productTile<M, 2>(depth, left, b + j, ldb, c + j, ldc, isSum);
  }
  if (j < cols) productTile<M, 1>(depth, left, b + j, ldb, c + j, ldc, isSum);
}

// The last rows, fewer than a tile has.
template <size_t M>
void productRest(size_t rows, size_t cols, size_t depth, Left left, const float* b, size_t ldb,
                 float* c, size_t ldc, bool isSum) {
  if constexpr (M > 0) {
    if (rows == M) {
      productRows<M>(cols, depth, left, b, ldb, c, ldc, isSum);
    } else {
      productRest<M - 1>(rows, cols, depth, left, b, ldb, c, ldc, isSum);
    }
  }
}

// C[rows, cols] = A B, or C += A B if isSum; `cols`, `ldb` and `ldc` are whole vectors.
void product(size_t rows, size_t cols, size_t depth, Left left, const float* b, size_t ldb,
             float* c, size_t ldc, bool isSum) {
  size_t i = 0;
  for (; i + kTileRows <= rows; i += kTileRows) {
    const Left tile = {left.a + i * left.rowStride, left.rowStride, left.stride};
    productRows<kTileRows>(cols, depth, tile, b, ldb, c + i * ldc, ldc, isSum);
  }
  const Left rest = {left.a + i * left.rowStride, left.rowStride, left.stride};
  productRest<kTileRows - 1>(rows - i, cols, depth, rest, b, ldb, c + i * ldc, ldc, isSum);
}

// out[p, i] = row i's element p, rows padded with zeros to whole vectors; `rowAt(i)` points to a
// row.
template <class RowAt>
EMU_INLINE void packTransposed(size_t rows, size_t cols, const RowAt& rowAt, float* out) {
  const size_t stride = padded(rows);
  for (size_t i = 0; i < rows; ++i) {
    const float* row = rowAt(i);
    for (size_t p = 0; p < cols; ++p) out[p * stride + i] = row[p];
  }
  if (rows == stride) return;
  for (size_t p = 0; p < cols; ++p) {
    for (size_t i = rows; i < stride; ++i) out[p * stride + i] = 0.0f;
  }
}

// Rows of `cols` elements, padded with zeros to whole vectors.
template <class RowAt>
EMU_INLINE void packRows(size_t rows, size_t cols, const RowAt& rowAt, float* out) {
  const size_t stride = padded(cols);
  for (size_t i = 0; i < rows; ++i) {
    const float* row = rowAt(i);
    size_t p = 0;
    for (; p + kLanes <= cols; p += kLanes) store(out + i * stride + p, load(row + p));
    if (p < cols) store(out + i * stride + p, loadPartial(row + p, cols - p));
  }
}

// to[0 .. n) = from[0 .. n) * factor
EMU_INLINE void copyScaled(const float* from, size_t n, float factor, float* to) {
  const Vec scale = set(factor);
  size_t i = 0;
  for (; i + kLanes <= n; i += kLanes) store(to + i, load(from + i) * scale);
  if (i < n) storePartial(to + i, loadPartial(from + i, n - i) * scale, n - i);
}

// The keys that the queries of a sequence see, before causality.
struct KeyRange {
  size_t begin, end;
};

// The first key that any of the queries [first, last) sees.
EMU_INLINE size_t firstKey(const AttentionInputs& in, size_t b, size_t first, size_t last) {
  if (!in.keyStart) return 0;
  if (!in.isStartPerQuery) return in.keyStart[b] > 0 ? static_cast<size_t>(in.keyStart[b]) : 0;
  const int32_t* const starts = in.keyStart + b * in.queries;
  int32_t start = starts[first];
  for (size_t t = first + 1; t < last; ++t) start = starts[t] < start ? starts[t] : start;
  return start > 0 ? static_cast<size_t>(start) : 0;
}

// Of the queries [first, last).
EMU_INLINE KeyRange keyRange(const AttentionInputs& in, size_t b, size_t first, size_t last) {
  KeyRange range = {firstKey(in, b, first, last), in.keys};
  if (in.keyEnd) {
    range.end = in.keyEnd[b] > 0 ? smaller(in.keys, static_cast<size_t>(in.keyEnd[b])) : 0;
  }
  if (range.begin > range.end) range.begin = range.end;
  return range;
}

// One past the last key that query t sees.
EMU_INLINE size_t lastKey(const AttentionInputs& in, KeyRange range, size_t t) {
  if (!in.isCausal) return range.end;
  return in.keys + t + 1 > in.queries ? smaller(range.end, in.keys + t + 1 - in.queries) : 0;
}

// Hides from query t what of the keys s .. s + n - 1 lies before its first. Returns how many do.
EMU_INLINE size_t hideEarlier(const AttentionInputs& in, size_t b, size_t t, size_t s, size_t n,
                              float* scores) {
  const size_t first = firstKey(in, b, t, t + 1);
  const size_t hidden = first > s ? smaller(first - s, n) : 0;
  for (size_t i = 0; i < hidden; ++i) scores[i] = -__builtin_inff();
  return hidden;
}

EMU_INLINE const float* biasRow(const AttentionInputs& in, size_t b, size_t h, size_t t) {
  if (!in.bias) return nullptr;
  return in.bias + (((in.isBiasShared ? 0 : b) * in.heads + h) * in.queries + t) * in.keys;
}

// scores[0 .. n) = scores * scale + bias, the rest up to `stride` -infinity. Returns the largest.
EMU_INLINE float finishScores(float* scores, size_t n, size_t stride, float scale,
                              const float* bias) {
  const Vec factor = set(scale);
  Vec largest = set(-__builtin_inff());
  size_t i = 0;
  if (bias) {
    for (; i + kLanes <= n; i += kLanes) {
      const Vec score = fma(load(scores + i), factor, load(bias + i));
      store(scores + i, score);
      largest = max(largest, score);
    }
    for (size_t j = i; j < n; ++j) scores[j] = scores[j] * scale + bias[j];
  } else {
    for (; i + kLanes <= n; i += kLanes) {
      const Vec score = load(scores + i) * factor;
      store(scores + i, score);
      largest = max(largest, score);
    }
    for (size_t j = i; j < n; ++j) scores[j] *= scale;
  }
  for (size_t j = n; j < stride; ++j) scores[j] = -__builtin_inff();
  if (i < n) largest = max(largest, load(scores + i));
  return maxLane(largest);
}

// e^x for x <= 0, and 0 where it is less than 1e-35: simd.h's exp without its care for overflow and
// subnormal results, whose products would be slow.
EMU_INLINE Vec expOfNegative(Vec x) {
  const Vec lowest = set(-80.0f);
  const Vec near = max(lowest, x);
  const Vec n = round(near * set(1.44269504088896341f));
  Vec r = fnma(n, set(0.693359375f), near);  // ln 2 in two parts
  r = fnma(n, set(-2.12194440e-4f), r);
  Vec p = set(1.9875691500e-4f);
  p = fma(p, r, set(1.3981999507e-3f));
  p = fma(p, r, set(8.3334519073e-3f));
  p = fma(p, r, set(4.1665795894e-2f));
  p = fma(p, r, set(1.6666665459e-1f));
  p = fma(p, r, set(5.0000001201e-1f));
  return pick(less(x, lowest), zero(), fma(p, r * r, r + set(1.0f)) * powerOfTwo(n));
}

// Splits `count` keys into blocks of about equal size, whole vectors each but the last.
EMU_INLINE size_t keyBlockSize(size_t count) {
  const size_t blocks = (count + kKeyBlock - 1) / kKeyBlock;
  return blocks == 0 ? kKeyBlock : padded((count + blocks - 1) / blocks);
}

}  // namespace
}  // namespace EMU_ISA
}  // namespace emu

#endif  // EMU_KERNELS_ATTENTION_ATTENTION_BLOCKS_H_
