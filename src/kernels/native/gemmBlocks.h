// Blocked matrix product after Goto (2008). A slab of A is packed once and shared by all threads;
// each piece of work packs some columns of B for itself and multiplies them while they are in its
// cache. Private to gemm.simd.cc and gemm.avx512bf16.cc.
//
// A packed number is a unit of 32 bits: `Format` says what it holds of the depth, one float or two
// bfloat16, how units are made and multiplied.
#ifndef EMU_KERNELS_NATIVE_GEMM_BLOCKS_H_
#define EMU_KERNELS_NATIVE_GEMM_BLOCKS_H_

#include "encoded.h"
#include "gemm.h"
#include "simd.h"
#include "threadPool.h"

namespace emu {
namespace EMU_ISA {
namespace {

// Rows of C that the micro kernel holds in registers, by kCols columns (two vectors).
#if defined(__AVX512F__)
constexpr size_t kRows = 14;  // 28 accumulators + 2 of B + 1 of A fit 32 zmm registers
#elif defined(__AVX2__)
constexpr size_t kRows = 6;  // 12 accumulators + 2 of B + 1 of A fit 16 ymm registers
#else
constexpr size_t kRows = 4;  // 8 accumulators + 2 of B + 1 of A fit 16 registers
#endif
constexpr size_t kCols = 2 * kLanes;

// Units of depth of a slab: a panel of B (kDepth x kCols units: 16 KB on AVX2) stays in the L1
// cache while the panels of A pass by.
constexpr size_t kDepth = 256;
// Rows of a slab of A, packed at once: 1 MB, in the L3 cache that the threads share.
constexpr size_t kSlabRows = 1024 / kRows * kRows;
// Columns of B that a piece packs for itself (64 KB), and rows of A that it multiplies them with
// before going on (48 KB): both stay in the L2 cache.
constexpr size_t kPieceCols = 64;
constexpr size_t kTileRows = 48 / kRows * kRows;
// A piece has at least this many rows, or else packing B would cost too much.
constexpr size_t kMinPieceRows = 8 * kTileRows;

constexpr size_t kLineFloats = 16;  // a cache line holds as many

constexpr int kScratchA = kGemmScratch;
constexpr int kScratchB = kGemmScratch + 1;

EMU_INLINE size_t smaller(size_t a, size_t b) { return a < b ? a : b; }
EMU_INLINE size_t larger(size_t a, size_t b) { return a > b ? a : b; }
EMU_INLINE size_t ceilDiv(size_t a, size_t b) { return (a + b - 1) / b; }

// Asks for the cache lines at element p of the lines that are packed next: each lies on another
// page, where the processor's own prefetcher does not reach. Addresses beyond the matrix do no
// harm.
template <Encoding E>
EMU_INLINE void prefetchLines(const void* data, size_t ld, size_t first, size_t p) {
  for (size_t i = first; i < first + kLanes; ++i) {
    __builtin_prefetch(static_cast<const char*>(data) + encodedBytes(E, i * ld + p));
  }
}

// Packs `width` <= W lines of `count` elements into panel[units of the depth][W]; missing lines
// become 0. Line i's element p is data[start + i * ld + p] when the lines are contiguous in p, else
// data[start + p * ld + i].
template <class Format, Encoding E, size_t W>
void packContiguous(const void* data, size_t start, size_t ld, size_t width, size_t count,
                    float* panel) {
  constexpr size_t kElements = kLanes * Format::kPerUnit;  // of a vector of units
  for (size_t first = 0; first < W; first += kLanes) {
    size_t p = 0;
    Vec block[kLanes];
    float* out = panel + first;
    for (; p + kElements <= count; p += kElements) {
      for (size_t i = 0; i < kLanes; ++i) {
        block[i] = first + i < width ? Format::template along<E>(data, start + (first + i) * ld + p)
                                     : zero();
      }
      // Not before these lines are read to their end: where ld is a power of two they all share one
      // set of the L1 cache, and the next ones would push them out.
      if ((p + kElements) % kLineFloats == 0) prefetchLines<E>(data, ld, first + kLanes, start + p);
      transpose(block);
      // When W is not a multiple of the lanes a store spills over into the next depth, which is
      // written after it; the panel has room for the last one.
      for (size_t i = 0; i < kLanes; ++i, out += W) store(out, block[i]);
    }
    if (p < count) {
      for (size_t i = 0; i < kLanes; ++i) {
        block[i] = first + i < width ? Format::template alongPartial<E>(
                                           data, start + (first + i) * ld + p, count - p)
                                     : zero();
      }
      transpose(block);
      const size_t units = ceilDiv(count - p, Format::kPerUnit);
      for (size_t i = 0; i < units; ++i, out += W) store(out, block[i]);
    }
  }
}

template <class Format, Encoding E, size_t W>
void packStrided(const void* data, size_t start, size_t ld, size_t width, size_t count,
                 float* panel) {
  for (size_t p = 0; p < count; p += Format::kPerUnit, panel += W) {
    for (size_t first = 0; first < W; first += kLanes) {
      const size_t left = width > first ? smaller(width - first, kLanes) : 0;
      store(panel + first,
            Format::template across<E>(data, start + p * ld + first, ld, left, count - p));
    }
  }
}

// c[rows, cols] = a b, from packed panels of units a[depth][kRows] and b[depth][kCols].
template <class Format, size_t R>
void multiply(size_t depth, const float* a, const float* b, float* c, size_t ldc, size_t cols,
              const float* bias, bool accumulate) {
  Vec sums[R][2];
#pragma GCC unroll 16
  for (size_t i = 0; i < R; ++i) {
    __builtin_prefetch(c + i * ldc, 1);
    sums[i][0] = sums[i][1] = zero();
  }
  for (size_t p = 0; p < depth; ++p) {
    const Vec b0 = load(b), b1 = load(b + kLanes);
#pragma GCC unroll 16
    for (size_t i = 0; i < R; ++i) {
      const Vec ai = set(a[i]);
      sums[i][0] = Format::multiplyAdd(ai, b0, sums[i][0]);
      sums[i][1] = Format::multiplyAdd(ai, b1, sums[i][1]);
    }
    a += kRows;
    b += kCols;
  }
  if (cols == kCols) {
    const Vec bias0 = bias ? load(bias) : zero(), bias1 = bias ? load(bias + kLanes) : zero();
#pragma GCC unroll 16
    for (size_t i = 0; i < R; ++i) {
      float* row = c + i * ldc;
      store(row, sums[i][0] + (accumulate ? load(row) : bias0));
      store(row + kLanes, sums[i][1] + (accumulate ? load(row + kLanes) : bias1));
    }
    return;
  }
#pragma GCC unroll 16
  for (size_t i = 0; i < R; ++i) {
    for (size_t half = 0; half < 2 && half * kLanes < cols; ++half) {
      const size_t count = smaller(cols - half * kLanes, kLanes);
      float* row = c + i * ldc + half * kLanes;
      const Vec added = accumulate ? loadPartial(row, count)
                        : bias     ? loadPartial(bias + half * kLanes, count)
                                   : zero();
      storePartial(row, sums[i][half] + added, count);
    }
  }
}

using Multiply = void (*)(size_t, const float*, const float*, float*, size_t, size_t, const float*,
                          bool);

template <class Format, size_t R>
Multiply chooseMultiply(size_t rows) {
  if constexpr (R == 1) {
    return multiply<Format, 1>;
  } else {
    return rows == R ? multiply<Format, R> : chooseMultiply<Format, R - 1>(rows);
  }
}

// Rows [row, row + rows) and elements [k, k + count) of the depth of one item.
struct Slab {
  size_t row, rows, k, count;
  size_t depth;  // units that hold `count`
  float* a;      // packed panels
};

// Units from one panel of A to the next; the store of the last depth may spill over.
constexpr size_t panelStrideA(size_t depth) { return depth * kRows + kLanes; }

template <class Format>
void packA(const GemmArgs& args, const float* a, const Slab& slab) {
  const size_t grain = larger(1, 65536 / (slab.depth * kRows));
  parallelFor(ceilDiv(slab.rows, kRows), grain, [&](size_t begin, size_t end) {
    for (size_t panel = begin; panel < end; ++panel) {
      const size_t row = slab.row + panel * kRows;
      const size_t width = smaller(kRows, slab.rows - panel * kRows);
      float* out = slab.a + panel * panelStrideA(slab.depth);
      if (args.transposeA) {
        packStrided<Format, Encoding::kF32, kRows>(a, slab.k * args.lda + row, args.lda, width,
                                                   slab.count, out);
      } else {
        packContiguous<Format, Encoding::kF32, kRows>(a, row * args.lda + slab.k, args.lda, width,
                                                      slab.count, out);
      }
    }
  });
}

// Packs columns [col, col + cols) of B at the slab's depth, panel by panel.
template <class Format, Encoding E>
void packB(const GemmArgs& args, const void* b, const Slab& slab, size_t col, size_t cols,
           float* out) {
  for (size_t first = 0; first < cols; first += kCols) {
    const size_t width = smaller(kCols, cols - first);
    const size_t start =
        args.transposeB ? (col + first) * args.ldb + slab.k : slab.k * args.ldb + col + first;
    float* panel = out + first * slab.depth;
    if (args.transposeB) {
      packContiguous<Format, E, kCols>(b, start, args.ldb, width, slab.count, panel);
    } else {
      packStrided<Format, E, kCols>(b, start, args.ldb, width, slab.count, panel);
    }
  }
}

// Rows [rowBegin, rowEnd) of the slab by packed columns [col, col + cols).
template <class Format>
void multiplyTile(const GemmArgs& args, const float* b, float* c, const Slab& slab, size_t rowBegin,
                  size_t rowEnd, size_t col, size_t cols) {
  const bool accumulate = args.accumulate || slab.k > 0;
  for (size_t first = 0; first < cols; first += kCols) {
    const float* bias = args.bias ? args.bias + col + first : nullptr;
    for (size_t row = rowBegin; row < rowEnd; row += kRows) {
      const float* a = slab.a + row / kRows * panelStrideA(slab.depth);
      const Multiply run = chooseMultiply<Format, kRows>(smaller(kRows, rowEnd - row));
      run(slab.depth, a, b + first * slab.depth, c + (slab.row + row) * args.ldc + col + first,
          args.ldc, smaller(kCols, cols - first), bias, accumulate);
    }
  }
}

template <class Format>
void multiplySlab(const GemmArgs& args, const void* b, float* c, const Slab& slab) {
  const size_t across = ceilDiv(args.n, kPieceCols);
  // Where columns give too few pieces for all threads to end at about the same time, rows do.
  const size_t wanted = ceilDiv(16, across);
  const size_t pieceRows =
      ceilDiv(larger(kMinPieceRows, ceilDiv(slab.rows, wanted)), kTileRows) * kTileRows;
  parallelFor(across * ceilDiv(slab.rows, pieceRows), 1, [&](size_t begin, size_t end) {
    for (size_t piece = begin; piece < end; ++piece) {
      const size_t col = piece % across * kPieceCols, cols = smaller(kPieceCols, args.n - col);
      const size_t rowBegin = piece / across * pieceRows;
      const size_t rowEnd = smaller(rowBegin + pieceRows, slab.rows);
      float* packed = scratch(kScratchB, kPieceCols * slab.depth);
      withEncoding(args.b.encoding, [&](auto tag) {
        packB<Format, decltype(tag)::value>(args, b, slab, col, cols, packed);
      });
      for (size_t row = rowBegin; row < rowEnd; row += kTileRows) {
        multiplyTile<Format>(args, packed, c, slab, row, smaller(row + kTileRows, rowEnd), col,
                             cols);
      }
    }
  });
}

// C where k is 0: an empty sum.
void fillEmpty(const GemmArgs& args, float* c) {
  if (args.accumulate) return;
  for (size_t row = 0; row < args.m; ++row) {
    for (size_t col = 0; col < args.n; ++col) {
      c[row * args.ldc + col] = args.bias ? args.bias[col] : 0.0f;
    }
  }
}

template <class Format>
void multiplyItem(const GemmArgs& args, const float* a, const void* b, float* c) {
  if (args.k == 0) return fillEmpty(args, c);
  // Slabs of equal depth, rounded to whole cache lines.
  const size_t units = ceilDiv(args.k, Format::kPerUnit);
  const size_t depth = ceilDiv(ceilDiv(units, ceilDiv(units, kDepth)), kLineFloats) * kLineFloats;
  Slab slab;
  slab.a = scratch(kScratchA, ceilDiv(smaller(args.m, kSlabRows), kRows) * panelStrideA(depth));
  for (slab.row = 0; slab.row < args.m; slab.row += kSlabRows) {
    slab.rows = smaller(kSlabRows, args.m - slab.row);
    for (slab.k = 0; slab.k < args.k; slab.k += depth * Format::kPerUnit) {
      slab.count = smaller(depth * Format::kPerUnit, args.k - slab.k);
      slab.depth = ceilDiv(slab.count, Format::kPerUnit);
      packA<Format>(args, a, slab);
      multiplySlab<Format>(args, b, c, slab);
    }
  }
}

// All items, each by item(a, b, c).
template <class Item>
void eachItem(const GemmArgs& args, const Item& item) {
  const auto run = [&](size_t index) {
    item(args.a + index * args.strideA,
         static_cast<const void*>(static_cast<const char*>(args.b.data) +
                                  encodedBytes(args.b.encoding, index * args.strideB)),
         args.c + index * args.strideC);
  };
  // Many small items: an item a piece. Otherwise the threads share each item.
  const bool isSmall = args.m * args.n * args.k < (size_t{1} << 21);
  if (args.batch > 1 && isSmall) {
    const size_t work = larger(1, args.m * args.n * args.k);
    parallelFor(args.batch, larger(1, (size_t{1} << 18) / work), [&](size_t begin, size_t end) {
      for (size_t index = begin; index < end; ++index) run(index);
    });
  } else {
    for (size_t index = 0; index < args.batch; ++index) run(index);
  }
}

}  // namespace
}  // namespace EMU_ISA
}  // namespace emu

#endif  // EMU_KERNELS_NATIVE_GEMM_BLOCKS_H_
