#include "../native/cancel.h"
#include "../native/simd.h"
#include "../native/threadPool.h"
#include "attention.h"
#include "attentionBlocks.h"

namespace emu {
namespace EMU_ISA {
namespace {

constexpr size_t kDiagonalBlock = 24;

// With P = softmax(S), S = scale q k^T + bias, and r = sum over the head of dy out (per query):
//   dP = dy v^T, dS = P (dP - r), dv = P^T dy, dq = scale dS k, dk = scale dS^T q, dBias = dS
// P is computed again from logSumExp, block by block: T x S numbers never exist at once.
struct HeadGradient {
  const AttentionGradArgs& args;
  size_t b, h;
  size_t size, width;  // head size, padded head size
  size_t stride;       // from one position to the next
  // Buffers of this thread.
  float* q;        // [queries, width]
  float* dy;       // [queries, width]
  float* dq;       // [queries, width]
  float* r;        // [queries]
  float* keysT;    // [size, block]
  float* valuesT;  // [size, block]
  float* keys;     // [block, width]
  float* dk;       // [block, width]
  float* dv;       // [block, width]
  float* p;        // [kQueryBlock, block]
  float* ds;       // [kQueryBlock, block]

  static size_t bufferSize(const AttentionInputs& in) {
    const size_t width = padded(in.headDim);
    return 3 * in.queries * width + padded(in.queries) + 2 * in.headDim * kKeyBlock +
           3 * kKeyBlock * width + 2 * kQueryBlock * kKeyBlock;
  }

  HeadGradient(const AttentionGradArgs& gradArgs, size_t sequence, size_t head, float* buffer)
      : args(gradArgs),
        b(sequence),
        h(head),
        size(gradArgs.in.headDim),
        width(padded(size)),
        stride(gradArgs.in.heads * size) {
    const size_t queries = gradArgs.in.queries;
    const auto take = [&buffer](size_t count) {
      float* const taken = buffer;
      buffer += count;
      return taken;
    };
    q = take(queries * width);
    dy = take(queries * width);
    dq = take(queries * width);
    r = take(padded(queries));
    keysT = take(size * kKeyBlock);
    valuesT = take(size * kKeyBlock);
    keys = take(kKeyBlock * width);
    dk = take(kKeyBlock * width);
    dv = take(kKeyBlock * width);
    p = take(kQueryBlock * kKeyBlock);
    ds = take(kQueryBlock * kKeyBlock);
  }

  size_t queryOffset(size_t t) const { return (b * args.in.queries + t) * stride + h * size; }
  size_t keyOffset(size_t s) const { return (b * args.in.capacity + s) * stride + h * size; }

  void run() const {
    const AttentionInputs& in = args.in;
    packRows(in.queries, size, [&](size_t t) { return in.q + queryOffset(t); }, q);
    packRows(in.queries, size, [&](size_t t) { return args.dy + queryOffset(t); }, dy);
    memset(dq, 0, in.queries * width * sizeof(float));
    for (size_t t = 0; t < in.queries; ++t) {
      const float* out = args.out + queryOffset(t);
      Vec sums = zero();
      size_t i = 0;
      for (; i + kLanes <= size; i += kLanes) {
        sums = fma(load(out + i), load(dy + t * width + i), sums);
      }
      if (i < size) sums = fma(loadPartial(out + i, size - i), load(dy + t * width + i), sums);
      r[t] = sum(sums);
    }
    const KeyRange range = keyRange(in, b, 0, in.queries);
    const size_t end = lastKey(in, range, in.queries - 1);
    const size_t block = keyBlockSize(end > range.begin ? end - range.begin : 0);
    for (size_t s = range.begin; s < end; s += block) {
      checkCancelled();
      addKeyBlock(range, s, smaller(block, end - s));
    }
    for (size_t t = 0; t < in.queries; ++t) {
      copyScaled(dq + t * width, size, 1.0f, args.dq + queryOffset(t));
    }
  }

  void addKeyBlock(KeyRange range, size_t s, size_t count) const {
    const AttentionInputs& in = args.in;
    const size_t blockStride = padded(count);
    packTransposed(count, size, [&](size_t i) { return in.k + keyOffset(s + i); }, keysT);
    packTransposed(count, size, [&](size_t i) { return in.v + keyOffset(s + i); }, valuesT);
    packRows(count, size, [&](size_t i) { return in.k + keyOffset(s + i); }, keys);
    memset(dk, 0, count * width * sizeof(float));
    memset(dv, 0, count * width * sizeof(float));
    size_t rows;
    for (size_t t = 0; t < in.queries; t += rows) {
      // On the diagonal of a causal mask smaller blocks leave out more of what is not seen.
      const bool isDiagonal = lastKey(in, range, t) < s + count;
      rows = smaller(isDiagonal ? kDiagonalBlock : kQueryBlock, in.queries - t);
      const size_t seenByAny = lastKey(in, range, t + rows - 1);
      if (seenByAny <= s || firstKey(in, b, t, t + rows) >= s + count) continue;
      const size_t seenKeys = smaller(seenByAny - s, count);
      const size_t cols = padded(seenKeys);
      const float* const qRows = q + t * width;
      const float* const dyRows = dy + t * width;
      product(rows, cols, size, {qRows, width, 1}, keysT, blockStride, p, cols, false);
      product(rows, cols, size, {dyRows, width, 1}, valuesT, blockStride, ds, cols, false);
      for (size_t i = 0; i < rows; ++i) {
        const size_t seen = lastKey(in, range, t + i);
        softmaxGradient(t + i, s, seen > s ? smaller(seen - s, seenKeys) : 0, cols, p + i * cols,
                        ds + i * cols);
      }
      product(seenKeys, width, rows, {p, 1, cols}, dyRows, width, dv, width, true);
      product(seenKeys, width, rows, {ds, 1, cols}, qRows, width, dk, width, true);
      product(rows, width, seenKeys, {ds, cols, 1}, keys, width, dq + t * width, width, true);
    }
    for (size_t i = 0; i < count; ++i) {
      copyScaled(dk + i * width, size, 1.0f, args.dk + keyOffset(s + i));
      copyScaled(dv + i * width, size, 1.0f, args.dv + keyOffset(s + i));
    }
  }

  // One query's row: scores q k^T in `pRow` -> P, dP in `dsRow` -> scale dS; adds dS to dBias.
  void softmaxGradient(size_t t, size_t s, size_t seen, size_t rowStride, float* pRow,
                       float* dsRow) const {
    const AttentionInputs& in = args.in;
    const float logSumExp = args.logSumExp[(b * in.heads + h) * in.queries + t];
    if (logSumExp == -__builtin_inff() || hideEarlier(in, b, t, s, seen, pRow) == seen) seen = 0;
    const float* bias = biasRow(in, b, h, t);
    finishScores(pRow, seen, rowStride, in.scale, bias ? bias + s : nullptr);
    if (seen == 0) {
      memset(pRow, 0, rowStride * sizeof(float));
      memset(dsRow, 0, rowStride * sizeof(float));
      return;
    }
    const Vec offset = set(logSumExp);
    const Vec shift = set(r[t]);
    for (size_t i = 0; i < rowStride; i += kLanes) {
      const Vec probability = expOfNegative(load(pRow + i) - offset);
      store(pRow + i, probability);
      store(dsRow + i, probability * (load(dsRow + i) - shift));
    }
    if (args.dBias) {
      float* const dBias = args.dBias + (bias - in.bias) + s;
      size_t i = 0;
      for (; i + kLanes <= seen; i += kLanes) {
        store(dBias + i, load(dBias + i) + load(dsRow + i));
      }
      for (; i < seen; ++i) dBias[i] += dsRow[i];
    }
    copyScaled(dsRow, rowStride, in.scale, dsRow);
  }
};

void clear(float* data, size_t count) {
  constexpr size_t kPiece = 1 << 18;
  parallelFor(count, kPiece, [&](size_t begin, size_t end) {
    memset(data + begin, 0, (end - begin) * sizeof(float));
  });
}

}  // namespace

// A piece owns one head of one sequence, or of all sequences when they share the bias: no two
// pieces write one number, and every sum has one order.
void attentionGrad(const AttentionGradArgs& args) {
  const AttentionInputs& in = args.in;
  const size_t cacheSize = in.rows * in.capacity * in.heads * in.headDim;
  clear(args.dk, cacheSize);
  clear(args.dv, cacheSize);
  const bool isShared = args.dBias && in.isBiasShared;
  if (args.dBias) clear(args.dBias, (isShared ? 1 : in.batch) * in.heads * in.queries * in.keys);
  parallelFor(isShared ? in.heads : in.heads * in.batch, 1, [&](size_t begin, size_t end) {
    float* const buffer = scratch(0, HeadGradient::bufferSize(in));
    for (size_t piece = begin; piece < end; ++piece) {
      if (isShared) {
        for (size_t b = 0; b < in.batch; ++b) HeadGradient(args, b, piece, buffer).run();
      } else {
        HeadGradient(args, piece / in.heads, piece % in.heads, buffer).run();
      }
    }
  });
}

}  // namespace EMU_ISA
}  // namespace emu
