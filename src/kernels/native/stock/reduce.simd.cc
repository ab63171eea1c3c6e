#include "reduce.h"

#include "../simd.h"
#include "../threadPool.h"

namespace emu {
namespace EMU_ISA {
namespace {

constexpr size_t kGrain = 16384;
// Long rows are reduced in blocks of this many numbers and the blocks' results in order: as many
// threads as there are can take blocks, and the result depends on none of it.
constexpr size_t kBlock = 32768;
// Rows added up in registers before their sum joins the total: keeps rounding errors small.
constexpr size_t kRowBlock = 256;

struct SumOf {
  static constexpr bool kIsSum = true;
  static Vec start() { return zero(); }
  static Vec join(Vec a, Vec b) { return a + b; }
  static float lanes(Vec v) { return sum(v); }
};

struct MaxOf {
  static constexpr bool kIsSum = false;
  static Vec start() { return set(-INFINITY); }
  // A NaN stays.
  static Vec join(Vec a, Vec b) { return pick(equal(a, a), max(a, b), a); }
  static float lanes(Vec v) {
    float lanes[kLanes];
    store(lanes, v);
    float result = lanes[0];
    for (size_t i = 1; i < kLanes; ++i) {
      if (!(result >= lanes[i]) && result == result) result = lanes[i];
    }
    return result;
  }
};

template <class Of>
EMU_INLINE Vec loadTail(const float* x, size_t n) {
  float lanes[kLanes];
  store(lanes, Of::start());
  for (size_t i = 0; i < n; ++i) lanes[i] = x[i];
  return load(lanes);
}

// Of n <= kBlock consecutive numbers.
template <class Of>
float reduceBlock(const float* x, size_t n) {
  Vec parts[4] = {Of::start(), Of::start(), Of::start(), Of::start()};
  size_t i = 0;
  for (; i + 4 * kLanes <= n; i += 4 * kLanes) {
    for (size_t part = 0; part < 4; ++part) {
      parts[part] = Of::join(parts[part], load(x + i + part * kLanes));
    }
  }
  for (; i + kLanes <= n; i += kLanes) parts[0] = Of::join(parts[0], load(x + i));
  if (i < n) parts[1] = Of::join(parts[1], loadTail<Of>(x + i, n - i));
  return Of::lanes(Of::join(Of::join(parts[0], parts[1]), Of::join(parts[2], parts[3])));
}

template <class Of>
float joinBlocks(const float* blocks, size_t count) {
  if constexpr (Of::kIsSum) {
    double total = 0;
    for (size_t i = 0; i < count; ++i) total += static_cast<double>(blocks[i]);
    return static_cast<float>(total);
  } else {
    return reduceBlock<Of>(blocks, count);
  }
}

// inner == 1: along contiguous rows.
template <class Of>
void reduceRows(const ReduceArgs& args) {
  const size_t blocks = (args.size + kBlock - 1) / kBlock;
  if (blocks == 1) {
    parallelFor(args.outer, 1 + kGrain / args.size, [&](size_t begin, size_t end) {
      for (size_t row = begin; row < end; ++row) {
        args.out[row] = args.scale * reduceBlock<Of>(args.x + row * args.size, args.size);
      }
    });
    return;
  }
  float* parts = scratch(0, args.outer * blocks);
  parallelFor(args.outer * blocks, 1, [&](size_t begin, size_t end) {
    for (size_t i = begin; i < end; ++i) {
      const size_t row = i / blocks, first = i % blocks * kBlock;
      const size_t n = args.size - first < kBlock ? args.size - first : kBlock;
      parts[i] = reduceBlock<Of>(args.x + row * args.size + first, n);
    }
  });
  for (size_t row = 0; row < args.outer; ++row) {
    args.out[row] = args.scale * joinBlocks<Of>(parts + row * blocks, blocks);
  }
}

// Columns [col, col + width), width <= W vectors, of one [size, inner] matrix.
template <class Of, size_t W>
void reduceColumns(const ReduceArgs& args, const float* x, float* out, size_t width) {
  Vec totals[W];
  for (size_t i = 0; i < W; ++i) totals[i] = Of::start();
  const size_t tail = width - (W - 1) * kLanes;  // of the last vector, 1..kLanes
  for (size_t first = 0; first < args.size; first += kRowBlock) {
    const size_t end = args.size - first < kRowBlock ? args.size : first + kRowBlock;
    Vec block[W];
    for (size_t i = 0; i < W; ++i) block[i] = Of::start();
    for (size_t row = first; row < end; ++row) {
      const float* line = x + row * args.inner;
      for (size_t i = 0; i + 1 < W; ++i) block[i] = Of::join(block[i], load(line + i * kLanes));
      const float* rest = line + (W - 1) * kLanes;
      block[W - 1] = Of::join(block[W - 1], tail == kLanes ? load(rest) : loadPartial(rest, tail));
    }
    for (size_t i = 0; i < W; ++i) totals[i] = Of::join(totals[i], block[i]);
  }
  const Vec scale = set(args.scale);
  for (size_t i = 0; i + 1 < W; ++i) store(out + i * kLanes, scale * totals[i]);
  storePartial(out + (W - 1) * kLanes, scale * totals[W - 1], tail);
}

template <class Of>
void reduceMatrices(const ReduceArgs& args) {
  constexpr size_t kWide = 4 * kLanes;
  const size_t groups = (args.inner + kWide - 1) / kWide;
  const size_t work = args.size * (args.inner < kWide ? args.inner : kWide);
  parallelFor(args.outer * groups, 1 + kGrain / work, [&](size_t begin, size_t end) {
    for (size_t i = begin; i < end; ++i) {
      const size_t outer = i / groups, col = i % groups * kWide;
      const float* x = args.x + outer * args.size * args.inner + col;
      float* out = args.out + outer * args.inner + col;
      const size_t width = args.inner - col < kWide ? args.inner - col : kWide;
      switch ((width + kLanes - 1) / kLanes) {
        case 1:
          reduceColumns<Of, 1>(args, x, out, width);
          break;
        case 2:
          reduceColumns<Of, 2>(args, x, out, width);
          break;
        case 3:
          reduceColumns<Of, 3>(args, x, out, width);
          break;
        default:
          reduceColumns<Of, 4>(args, x, out, width);
      }
    }
  });
}

template <class Of>
void reduceAs(const ReduceArgs& args) {
  if (args.inner == 1) {
    reduceRows<Of>(args);
  } else {
    reduceMatrices<Of>(args);
  }
}

void softmaxRow(const float* x, float* out, size_t n) {
  const Vec top = set(reduceBlock<MaxOf>(x, n));
  Vec total = zero();
  size_t i = 0;
  for (; i + kLanes <= n; i += kLanes) {
    const Vec e = exp(load(x + i) - top);
    store(out + i, e);
    total = total + e;
  }
  if (i < n) {
    const Vec e = exp(loadTail<MaxOf>(x + i, n - i) - top);
    storePartial(out + i, e, n - i);
    total = total + e;
  }
  const Vec scale = set(1.0f / sum(total));
  for (i = 0; i + kLanes <= n; i += kLanes) store(out + i, load(out + i) * scale);
  if (i < n) storePartial(out + i, loadPartial(out + i, n - i) * scale, n - i);
}

}  // namespace

void reduce(const ReduceArgs& args) {
  if (args.function == Reduce::kSum) {
    reduceAs<SumOf>(args);
  } else {
    reduceAs<MaxOf>(args);
  }
}

void softmax(const SoftmaxArgs& args) {
  if (args.cols == 0) return;
  parallelFor(args.rows, 1 + kGrain / 4 / args.cols, [&](size_t begin, size_t end) {
    for (size_t row = begin; row < end; ++row) {
      softmaxRow(args.x + row * args.cols, args.out + row * args.cols, args.cols);
    }
  });
}

}  // namespace EMU_ISA
}  // namespace emu
