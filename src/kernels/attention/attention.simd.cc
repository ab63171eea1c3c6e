#include "attention.h"

#include "../native/simd.h"
#include "../native/threadPool.h"
#include "attentionBlocks.h"

namespace emu {
namespace EMU_ISA {
namespace {

// Fewer queries than this do not repay packing the keys: generation, one to three tokens.
constexpr size_t kFewQueries = 4;

// Queries of one piece. Keys and values are packed once for all of them, their running results
// (240 x 128 floats = 120 KB) stay in the L2 cache.
constexpr size_t kPieceQueries = 4 * kQueryBlock;

// Piece of a few queries: heads that lie next to each other in memory (2 KB at head size 128), and
// sequences, whose cache rows may be the same.
constexpr size_t kPieceHeads = 4;
constexpr size_t kPieceSequences = 8;
constexpr size_t kPositionBlock = 16;

const float* cacheRow(const AttentionArgs& args, const float* cache, size_t b, size_t s) {
  const AttentionInputs& in = args.in;
  const size_t row = args.cacheRows ? static_cast<size_t>(args.cacheRows[b * in.keys + s]) : b;
  return cache + (row * in.capacity + s) * in.heads * in.headDim;
}

// The running softmax of one query: largest score, sum of e^(score - largest).
struct Running {
  float largest;
  float sum;
};

// Turns a row of scores (stride of whole vectors, -infinity where unseen) into e^(score - largest)
// and scales what has been added up before with the new largest score.
EMU_INLINE void addToSoftmax(float* scores, size_t stride, Running* running, float* results,
                             size_t size) {
  Vec blockLargest = load(scores);
  for (size_t i = kLanes; i < stride; i += kLanes) {
    blockLargest = max(blockLargest, load(scores + i));
  }
  float largest = maxLane(blockLargest);
  if (running->largest > largest) largest = running->largest;
  if (largest == -__builtin_inff()) {  // nothing seen yet: e^(score - largest) would be NaN
    for (size_t i = 0; i < stride; i += kLanes) store(scores + i, zero());
    return;
  }
  const Vec offset = set(largest);
  Vec sums = zero();
  for (size_t i = 0; i < stride; i += kLanes) {
    const Vec e = exp(load(scores + i) - offset);
    store(scores + i, e);
    sums = sums + e;
  }
  const float factor = running->largest == largest ? 1.0f : expOf(running->largest - largest);
  if (factor != 1.0f) copyScaled(results, size, factor, results);
  running->sum = running->sum * factor + sum(sums);
  running->largest = largest;
}

// One head of one sequence, queries [first, last): blocks of keys outside, blocks of queries inside.
void attendBlocks(const AttentionArgs& args, size_t b, size_t h, size_t first, size_t last) {
  const AttentionInputs& in = args.in;
  const size_t size = in.headDim;
  const size_t width = padded(size);
  const size_t stride = in.heads * size;  // from one position to the next
  const size_t count = last - first;
  const KeyRange range = keyRange(in, b);
  float* const results = scratch(0, count * width);
  float* const packed = scratch(1, kKeyBlock * (size + width));
  float* const scores = scratch(2, kQueryBlock * kKeyBlock + 2 * kPieceQueries);
  Running* const running = reinterpret_cast<Running*>(scores + kQueryBlock * kKeyBlock);
  memset(results, 0, count * width * sizeof(float));
  for (size_t i = 0; i < count; ++i) running[i] = {-__builtin_inff(), 0.0f};

  const size_t end = lastKey(in, range, last - 1);
  const size_t block = keyBlockSize(end > range.begin ? end - range.begin : 0);
  for (size_t s = range.begin; s < end; s += block) {
    const size_t keys = smaller(block, end - s);
    const size_t scoreStride = padded(keys);
    float* const keysT = packed;
    float* const values = packed + kKeyBlock * size;
    packTransposed(
        keys, size, [&](size_t i) { return cacheRow(args, in.k, b, s + i) + h * size; }, keysT);
    packRows(
        keys, size, [&](size_t i) { return cacheRow(args, in.v, b, s + i) + h * size; }, values);
    for (size_t t = first; t < last; t += kQueryBlock) {
      const size_t rows = smaller(kQueryBlock, last - t);
      if (lastKey(in, range, t + rows - 1) <= s) continue;
      const float* q = in.q + (b * in.queries + t) * stride + h * size;
      product(rows, scoreStride, size, {q, stride, 1}, keysT, scoreStride, scores, scoreStride,
              false);
      float* const result = results + (t - first) * width;
      for (size_t i = 0; i < rows; ++i) {
        const size_t seen = lastKey(in, range, t + i);
        const float* bias = biasRow(in, b, h, t + i);
        float* const row = scores + i * scoreStride;
        finishScores(row, seen > s ? smaller(seen - s, keys) : 0, scoreStride, in.scale,
                     bias ? bias + s : nullptr);
        addToSoftmax(row, scoreStride, &running[t - first + i], result + i * width, width);
      }
      product(rows, width, keys, {scores, scoreStride, 1}, values, width, result, width, true);
    }
  }
  for (size_t i = 0; i < count; ++i) {
    const Running& r = running[i];
    const size_t t = first + i;
    // r.sum is 0 only for a query that saw no key; NaN stays NaN.
    const float factor = r.sum == 0.0f ? 0.0f : 1.0f / r.sum;
    copyScaled(results + i * width, size, factor,
               args.out + (b * in.queries + t) * stride + h * size);
    args.logSumExp[(b * in.heads + h) * in.queries + t] =
        r.sum == 0.0f ? -__builtin_inff() : r.largest + __builtin_logf(r.sum);
  }
}

EMU_INLINE float dot(const float* a, const float* b, size_t n) {
  Vec sums[4] = {zero(), zero(), zero(), zero()};
  size_t i = 0;
  for (; i + 4 * kLanes <= n; i += 4 * kLanes) {
    for (size_t j = 0; j < 4; ++j) {
      sums[j] = fma(load(a + i + j * kLanes), load(b + i + j * kLanes), sums[j]);
    }
  }
  for (; i + kLanes <= n; i += kLanes) sums[0] = fma(load(a + i), load(b + i), sums[0]);
  if (i < n) sums[1] = fma(loadPartial(a + i, n - i), loadPartial(b + i, n - i), sums[1]);
  return sum((sums[0] + sums[1]) + (sums[2] + sums[3]));
}

// sums[0 .. n) += p[0] rows[0] + p[1] rows[1] + ... of `count` <= 4 rows
template <size_t kCount>
EMU_INLINE void addWeighted(const float* p, const float* const* rows, size_t n, float* sums) {
  Vec weights[kCount];
  for (size_t j = 0; j < kCount; ++j) weights[j] = set(p[j]);
  size_t i = 0;
  for (; i + kLanes <= n; i += kLanes) {
    Vec total = load(sums + i);
    for (size_t j = 0; j < kCount; ++j) total = fma(weights[j], load(rows[j] + i), total);
    store(sums + i, total);
  }
  if (i == n) return;
  Vec total = loadPartial(sums + i, n - i);
  for (size_t j = 0; j < kCount; ++j) {
    total = fma(weights[j], loadPartial(rows[j] + i, n - i), total);
  }
  storePartial(sums + i, total, n - i);
}

// A few queries of some heads and sequences: keys and then values are read once, in place.
struct FewQueries {
  const AttentionArgs& args;
  size_t firstSequence, sequences, firstHead, heads;
  size_t stride;   // of a row of scores
  float* scores;   // [sequences, heads, queries, stride]
  float* results;  // [sequences, heads, queries, headDim]

  size_t rowIndex(size_t b, size_t h, size_t t) const {
    return ((b - firstSequence) * heads + (h - firstHead)) * args.in.queries + t;
  }

  // Calls each(b, begin, end) for blocks of positions, all sequences of a block before the next
  // block: sequences that share a prefix find it in the cache.
  template <class Fn>
  void forPositions(const Fn& each) const {
    for (size_t s = 0; s < args.in.keys; s += kPositionBlock) {
      for (size_t b = firstSequence; b < firstSequence + sequences; ++b) {
        const KeyRange range = keyRange(args.in, b);
        const size_t begin = s > range.begin ? s : range.begin;
        const size_t end = smaller(s + kPositionBlock, range.end);
        if (begin < end) each(b, begin, end);
      }
    }
  }

  void score() const {
    const AttentionInputs& in = args.in;
    forPositions([&](size_t b, size_t begin, size_t end) {
      for (size_t s = begin; s < end; ++s) {
        const float* row = cacheRow(args, in.k, b, s);
        for (size_t h = firstHead; h < firstHead + heads; ++h) {
          for (size_t t = 0; t < in.queries; ++t) {
            const float* q = in.q + ((b * in.queries + t) * in.heads + h) * in.headDim;
            scores[rowIndex(b, h, t) * stride + s] = dot(q, row + h * in.headDim, in.headDim);
          }
        }
      }
    });
  }

  // Scores -> probabilities, 0 where unseen.
  void normalize() const {
    const AttentionInputs& in = args.in;
    for (size_t b = firstSequence; b < firstSequence + sequences; ++b) {
      const KeyRange range = keyRange(in, b);
      for (size_t h = firstHead; h < firstHead + heads; ++h) {
        for (size_t t = 0; t < in.queries; ++t) {
          float* const row = scores + rowIndex(b, h, t) * stride;
          const size_t end = lastKey(in, range, t);
          for (size_t s = 0; s < smaller(range.begin, end); ++s) row[s] = 0.0f;
          finishScores(row, end, stride, in.scale, biasRow(in, b, h, t));
          for (size_t s = 0; s < smaller(range.begin, end); ++s) row[s] = -__builtin_inff();
          Running running = {-__builtin_inff(), 0.0f};
          addToSoftmax(row, stride, &running, nullptr, 0);
          const bool sees = running.sum != 0.0f;
          copyScaled(row, stride, sees ? 1.0f / running.sum : 0.0f, row);
          args.logSumExp[(b * in.heads + h) * in.queries + t] =
              sees ? running.largest + __builtin_logf(running.sum) : -__builtin_inff();
        }
      }
    }
  }

  void addValues() const {
    const AttentionInputs& in = args.in;
    const size_t size = in.headDim;
    memset(results, 0, sequences * heads * in.queries * size * sizeof(float));
    forPositions([&](size_t b, size_t begin, size_t end) {
      for (size_t s = begin; s < end; s += 4) {
        const size_t count = smaller(4, end - s);
        const float* rows[4];
        for (size_t j = 0; j < count; ++j) rows[j] = cacheRow(args, in.v, b, s + j);
        for (size_t h = firstHead; h < firstHead + heads; ++h) {
          const float* values[4];
          for (size_t j = 0; j < count; ++j) values[j] = rows[j] + h * size;
          for (size_t t = 0; t < in.queries; ++t) {
            const float* p = scores + rowIndex(b, h, t) * stride + s;
            float* const sums = results + rowIndex(b, h, t) * size;
            if (count == 4) {
              addWeighted<4>(p, values, size, sums);
            } else {
              for (size_t j = 0; j < count; ++j) addWeighted<1>(p + j, values + j, size, sums);
            }
          }
        }
      }
    });
  }

  void run() const {
    score();
    normalize();
    addValues();
    const AttentionInputs& in = args.in;
    for (size_t b = firstSequence; b < firstSequence + sequences; ++b) {
      for (size_t h = firstHead; h < firstHead + heads; ++h) {
        for (size_t t = 0; t < in.queries; ++t) {
          memcpy(args.out + ((b * in.queries + t) * in.heads + h) * in.headDim,
                 results + rowIndex(b, h, t) * in.headDim, in.headDim * sizeof(float));
        }
      }
    }
  }
};

void attendFewQueries(const AttentionArgs& args) {
  const AttentionInputs& in = args.in;
  const size_t headGroups = (in.heads + kPieceHeads - 1) / kPieceHeads;
  const size_t sequenceGroups = (in.batch + kPieceSequences - 1) / kPieceSequences;
  const size_t stride = padded(in.keys);
  parallelFor(headGroups * sequenceGroups, 1, [&](size_t begin, size_t end) {
    for (size_t piece = begin; piece < end; ++piece) {
      const size_t b = piece / headGroups * kPieceSequences;
      const size_t h = piece % headGroups * kPieceHeads;
      const size_t sequences = smaller(kPieceSequences, in.batch - b);
      const size_t heads = smaller(kPieceHeads, in.heads - h);
      const size_t rows = sequences * heads * in.queries;
      float* const scores = scratch(0, rows * stride);
      float* const results = scratch(1, rows * in.headDim);
      FewQueries{args, b, sequences, h, heads, stride, scores, results}.run();
    }
  });
}

}  // namespace

void attention(const AttentionArgs& args) {
  const AttentionInputs& in = args.in;
  if (in.queries < kFewQueries) return attendFewQueries(args);
  const size_t pieces = (in.queries + kPieceQueries - 1) / kPieceQueries;
  parallelFor(in.batch * in.heads * pieces, 1, [&](size_t begin, size_t end) {
    for (size_t index = begin; index < end; ++index) {
      const size_t head = index / pieces;
      const size_t first = index % pieces * kPieceQueries;
      attendBlocks(args, head / in.heads, head % in.heads, first,
                   smaller(first + kPieceQueries, in.queries));
    }
  });
}

}  // namespace EMU_ISA
}  // namespace emu
