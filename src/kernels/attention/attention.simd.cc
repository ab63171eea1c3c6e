#include "attention.h"

#include "../native/simd.h"
#include "../native/threadPool.h"
#include "attentionBlocks.h"

namespace emu {
namespace EMU_ISA {
namespace {

// Fewer queries than this do not repay packing the keys: generation, one to three tokens.
constexpr size_t kFewQueries = 4;

// Most queries of one piece. Keys and values are packed once for all of them (the vision tower has
// 257), their running results (300 x 128 floats = 150 KB) stay in the L2 cache.
constexpr size_t kPieceQueries = 5 * kQueryBlock;

// For a few queries the cache is read once, in the order in which it lies: a piece takes all heads
// of some positions (64 x 20 KB in LLaMA-13B) and of some sequences, which may share cache rows.
// These share what a block of positions brings into the L2 cache.
constexpr size_t kPiecePositions = 64;
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

EMU_INLINE float expOf(float x) {
  float lanes[kLanes];
  store(lanes, expOfNegative(set(x)));
  return lanes[0];
}

// Turns a row of scores (stride of whole vectors, -infinity where unseen) into e^(score - largest)
// and scales what has been added up before with the new largest score.
EMU_INLINE void addToSoftmax(float* scores, size_t stride, float blockLargest, Running* running,
                             float* results, size_t size) {
  const float largest = running->largest > blockLargest ? running->largest : blockLargest;
  // -infinity where nothing is seen yet: score - largest would be NaN. A NaN score, which -infinity
  // may hide, stays NaN.
  const Vec offset = set(largest == -__builtin_inff() ? 0.0f : largest);
  Vec sums = zero();
  for (size_t i = 0; i < stride; i += kLanes) {
    const Vec e = expOfNegative(load(scores + i) - offset);
    store(scores + i, e);
    sums = sums + e;
  }
  const float factor = running->largest == largest ? 1.0f : expOf(running->largest - largest);
  if (factor != 1.0f) copyScaled(results, size, factor, results);
  running->sum = running->sum * factor + sum(sums);
  running->largest = largest;
}

// Where a tile's numbers go.
struct TileBuffers {
  size_t scoreStride;  // of scores and of the packed keys
  float* scores;
  float* results;  // [rows, padded head size]
  Running* running;
};

// Queries t .. t + rows - 1 of one head against the packed keys s .. s + keys - 1.
void attendTile(const AttentionArgs& args, size_t b, size_t h, size_t t, size_t rows, size_t s,
                size_t keys, const float* keysT, const float* values, TileBuffers to) {
  const AttentionInputs& in = args.in;
  const size_t size = in.headDim;
  const size_t width = padded(size);
  const size_t queryStride = in.heads * size;
  const size_t cols = padded(keys);
  const KeyRange range = keyRange(in, b, t, t + rows);
  const float* q = in.q + (b * in.queries + t) * queryStride + h * size;
  product(rows, cols, size, {q, queryStride, 1}, keysT, to.scoreStride, to.scores, to.scoreStride,
          false);
  for (size_t i = 0; i < rows; ++i) {
    const size_t last = lastKey(in, range, t + i);
    const size_t seen = last > s ? smaller(last - s, keys) : 0;
    const float* bias = biasRow(in, b, h, t + i);
    float* const row = to.scores + i * to.scoreStride;
    hideEarlier(in, b, t + i, s, seen, row);
    const float largest = finishScores(row, seen, cols, in.scale, bias ? bias + s : nullptr);
    addToSoftmax(row, cols, largest, &to.running[i], to.results + i * width, width);
  }
  product(rows, width, keys, {to.scores, to.scoreStride, 1}, values, width, to.results, width,
          true);
}

// One head of one sequence, queries [first, last): blocks of keys outside, blocks of queries
// inside.
void attendBlocks(const AttentionArgs& args, size_t b, size_t h, size_t first, size_t last) {
  const AttentionInputs& in = args.in;
  const size_t size = in.headDim;
  const size_t width = padded(size);
  const size_t stride = in.heads * size;  // from one position to the next
  const size_t count = last - first;
  const KeyRange range = keyRange(in, b, first, last);
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
      // On the diagonal of a causal mask each tile of rows has keys of its own, elsewhere all have
      // all.
      const bool isDiagonal = lastKey(in, range, t) < s + keys;
      const size_t step = isDiagonal ? kTileRows : rows;
      for (size_t i = 0; i < rows; i += step) {
        const size_t part = smaller(step, rows - i);
        const size_t seen = lastKey(in, range, t + i + part - 1);
        if (seen <= s || firstKey(in, b, t + i, t + i + part) >= s + keys) continue;
        attendTile(
            args, b, h, t + i, part, s, smaller(seen - s, keys), keysT, values,
            {scoreStride, scores, results + (t + i - first) * width, running + (t + i - first)});
      }
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

// Attention of a few queries in four steps: scores, probabilities, partial sums of values, sums.
struct FewQueries {
  const AttentionArgs& args;
  size_t chunks;   // of kPiecePositions
  size_t stride;   // of a row of scores
  float* scores;   // [batch, heads, queries, stride]
  float* partial;  // [chunks, batch, queries, heads, headDim]

  size_t scoreRow(size_t b, size_t h, size_t t) const {
    return ((b * args.in.heads + h) * args.in.queries + t) * stride;
  }

  // Calls each(b, begin, end) for the positions and sequences of a piece, all sequences of a block
  // of positions before the next block.
  template <class Fn>
  void forPositions(size_t piece, const Fn& each) const {
    const size_t first = piece % chunks * kPiecePositions;
    const size_t last = smaller(first + kPiecePositions, args.in.keys);
    const size_t sequence = piece / chunks * kPieceSequences;
    const size_t sequenceEnd = smaller(sequence + kPieceSequences, args.in.batch);
    for (size_t s = first; s < last; s += kPositionBlock) {
      for (size_t b = sequence; b < sequenceEnd; ++b) {
        const KeyRange range = keyRange(args.in, b, 0, args.in.queries);
        const size_t begin = s > range.begin ? s : range.begin;
        const size_t end = smaller(smaller(s + kPositionBlock, last), range.end);
        if (begin < end) each(b, begin, end);
      }
    }
  }

  void score(size_t piece) const {
    const AttentionInputs& in = args.in;
    forPositions(piece, [&](size_t b, size_t begin, size_t end) {
      for (size_t s = begin; s < end; ++s) {
        const float* row = cacheRow(args, in.k, b, s);
        for (size_t h = 0; h < in.heads; ++h) {
          for (size_t t = 0; t < in.queries; ++t) {
            const float* q = in.q + ((b * in.queries + t) * in.heads + h) * in.headDim;
            scores[scoreRow(b, h, t) + s] = dot(q, row + h * in.headDim, in.headDim);
          }
        }
      }
    });
  }

  // One row of scores -> probabilities, 0 where unseen.
  void normalize(size_t b, size_t h, size_t t) const {
    const AttentionInputs& in = args.in;
    const KeyRange range = keyRange(in, b, t, t + 1);
    float* const row = scores + scoreRow(b, h, t);
    const size_t end = lastKey(in, range, t);
    // Scores of keys that no query sees were never computed.
    hideEarlier(in, b, t, 0, end, row);
    const float largest = finishScores(row, end, stride, in.scale, biasRow(in, b, h, t));
    Running running = {-__builtin_inff(), 0.0f};
    addToSoftmax(row, stride, largest, &running, nullptr, 0);
    const bool sees = running.sum != 0.0f;
    copyScaled(row, stride, sees ? 1.0f / running.sum : 0.0f, row);
    args.logSumExp[(b * in.heads + h) * in.queries + t] =
        sees ? running.largest + __builtin_logf(running.sum) : -__builtin_inff();
  }

  void addValues(size_t piece) const {
    const AttentionInputs& in = args.in;
    const size_t size = in.headDim;
    const size_t rowSize = in.heads * size;
    const size_t sequence = piece / chunks * kPieceSequences;
    const size_t sequences = smaller(kPieceSequences, in.batch - sequence);
    float* const sums = partial + piece % chunks * in.batch * in.queries * rowSize;
    memset(sums + sequence * in.queries * rowSize, 0,
           sequences * in.queries * rowSize * sizeof(float));
    forPositions(piece, [&](size_t b, size_t begin, size_t end) {
      for (size_t s = begin; s < end; s += 4) {
        const size_t count = smaller(4, end - s);
        const float* rows[4];
        for (size_t j = 0; j < count; ++j) rows[j] = cacheRow(args, in.v, b, s + j);
        for (size_t h = 0; h < in.heads; ++h) {
          const float* values[4];
          for (size_t j = 0; j < count; ++j) values[j] = rows[j] + h * size;
          for (size_t t = 0; t < in.queries; ++t) {
            const float* p = scores + scoreRow(b, h, t) + s;
            float* const sum = sums + (b * in.queries + t) * rowSize + h * size;
            if (count == 4) {
              addWeighted<4>(p, values, size, sum);
            } else {
              for (size_t j = 0; j < count; ++j) addWeighted<1>(p + j, values + j, size, sum);
            }
          }
        }
      }
    });
  }

  // out[begin .. end) = the sum of the chunks, first to last.
  void combine(size_t begin, size_t end) const {
    const size_t outSize = args.in.batch * args.in.queries * args.in.heads * args.in.headDim;
    copyScaled(partial + begin, end - begin, 1.0f, args.out + begin);
    const float one = 1.0f;
    for (size_t chunk = 1; chunk < chunks; ++chunk) {
      const float* part = partial + chunk * outSize + begin;
      addWeighted<1>(&one, &part, end - begin, args.out + begin);
    }
  }

  void run() const {
    const AttentionInputs& in = args.in;
    const size_t groups = (in.batch + kPieceSequences - 1) / kPieceSequences;
    constexpr size_t kRows = 8;          // of scores in a piece
    constexpr size_t kElements = 16384;  // of the result in a piece
    parallelFor(groups * chunks, 1, [&](size_t begin, size_t end) {
      for (size_t piece = begin; piece < end; ++piece) score(piece);
    });
    parallelFor(in.batch * in.heads * in.queries, kRows, [&](size_t begin, size_t end) {
      for (size_t row = begin; row < end; ++row) {
        const size_t head = row / in.queries;
        normalize(head / in.heads, head % in.heads, row % in.queries);
      }
    });
    parallelFor(groups * chunks, 1, [&](size_t begin, size_t end) {
      for (size_t piece = begin; piece < end; ++piece) addValues(piece);
    });
    parallelFor(in.batch * in.queries * in.heads * in.headDim, kElements,
                [&](size_t begin, size_t end) { combine(begin, end); });
  }
};

void attendFewQueries(const AttentionArgs& args) {
  const AttentionInputs& in = args.in;
  const size_t chunks = (in.keys + kPiecePositions - 1) / kPiecePositions;
  const size_t stride = padded(in.keys);
  const size_t rows = in.batch * in.heads * in.queries;
  // Of the calling thread, shared by the pieces.
  float* const scores = scratch(0, rows * stride);
  float* const partial = scratch(1, chunks * rows * in.headDim);
  FewQueries{args, chunks, stride, scores, partial}.run();
}

}  // namespace

void attention(const AttentionArgs& args) {
  const AttentionInputs& in = args.in;
  if (in.queries < kFewQueries) return attendFewQueries(args);
  const size_t pieces = (in.queries + kPieceQueries - 1) / kPieceQueries;
  const size_t perPiece = (in.queries + pieces - 1) / pieces;
  parallelFor(in.batch * in.heads * pieces, 1, [&](size_t begin, size_t end) {
    for (size_t index = begin; index < end; ++index) {
      const size_t head = index / pieces;
      const size_t first = index % pieces * perPiece;
      attendBlocks(args, head / in.heads, head % in.heads, first,
                   smaller(first + perPiece, in.queries));
    }
  });
}

}  // namespace EMU_ISA
}  // namespace emu
