#include "groupNorm.h"

#include "../native/columns.h"
#include "../native/simd.h"
#include "../native/threadPool.h"

namespace emu {
namespace EMU_ISA {
namespace {

constexpr int kPartialScratch = 0;
constexpr int kCoefficientScratch = 1;
constexpr int kSumScratch = 2;
constexpr size_t kColumnGrain = 64;

// Calls fn(item, its chunk, first row of the chunk, rows of the chunk) for all chunks of all items.
template <class Fn>
void eachChunk(const GroupNormShape& shape, const Fn& fn) {
  const size_t chunks = numChunks(shape.rows, shape.cols), step = chunkRows(shape.cols);
  parallelFor(shape.batch * chunks, 1, [&](size_t begin, size_t end) {
    for (size_t piece = begin; piece < end; ++piece) {
      const size_t item = piece / chunks, chunk = piece % chunks, first = chunk * step;
      fn(item, chunk, first, step < shape.rows - first ? step : shape.rows - first);
    }
  });
}

// Calls fn(item, group) for all groups; `work` is what one costs, in numbers touched.
template <class Fn>
void eachGroup(const GroupNormShape& shape, size_t work, const Fn& fn) {
  parallelFor(shape.batch * shape.groups, 4096 / work + 1, [&](size_t begin, size_t end) {
    for (size_t i = begin; i < end; ++i) fn(i / shape.groups, i % shape.groups);
  });
}

// What a column of one item is normalized with: (x - center) scale + bias.
struct Coefficients {
  float* center;  // [batch, cols]: the group's mean
  float* scale;   // [batch, cols]: weight / standard deviation
};

Coefficients allocateCoefficients(const GroupNormShape& shape) {
  float* memory = scratch(kCoefficientScratch, 2 * shape.batch * shape.cols);
  return {memory, memory + shape.batch * shape.cols};
}

void setCoefficients(const Coefficients& c, const GroupNormShape& shape, size_t item, size_t group,
                     const float* weight, float mean, float inverseStd) {
  const size_t width = shape.cols / shape.groups;
  for (size_t column = group * width; column < (group + 1) * width; ++column) {
    c.center[item * shape.cols + column] = mean;
    c.scale[item * shape.cols + column] = weight[column] * inverseStd;
  }
}

// d silu(z) / dz with s = sigmoid(z): s + z s (1 - s)
EMU_INLINE Vec siluDerivative(Vec z) {
  const Vec s = sigmoid(z);
  return fma(z * s, set(1.0f) - s, s);
}

// g = dy times the activation's derivative, which is kept in dx, and the sums of g and g (x - mean)
// over a chunk of one item. All pointers are at the chunk's or item's first number.
template <bool kHasSilu>
EMU_INLINE void chunkGradSums(const float* x, const float* dy, const float* bias,
                              const float* center, const float* scale, size_t rows, size_t cols,
                              float* dx, float* sums, float* products) {
  eachColumns(cols, [=](const auto columns) {
    constexpr int V = decltype(columns)::kCount;
    Vec mean[V], total[V], product[V];
    for (int i = 0; i < V; ++i) {
      mean[i] = columns.read(center, i);
      total[i] = product[i] = zero();
    }
    for (size_t row = 0; row < rows; ++row) {
      for (int i = 0; i < V; ++i) {
        const Vec centered = columns.read(x + row * cols, i) - mean[i];
        Vec g = columns.read(dy + row * cols, i);
        if (kHasSilu) {
          g = g * siluDerivative(fma(centered, columns.read(scale, i), columns.read(bias, i)));
          columns.write(dx + row * cols, i, g);
        }
        total[i] = total[i] + g;
        product[i] = fma(g, centered, product[i]);
      }
    }
    for (int i = 0; i < V; ++i) {
      columns.write(sums, i, total[i]);
      columns.write(products, i, product[i]);
    }
  });
}

}  // namespace

void groupNorm(const GroupNormArgs& args) {
  const GroupNormShape& shape = args.shape;
  const size_t rows = shape.rows, cols = shape.cols, width = cols / shape.groups;
  const size_t chunks = numChunks(rows, cols), step = chunkRows(cols);
  // per chunk: means of the columns, then their sums of squared differences
  float* partial = scratch(kPartialScratch, shape.batch * chunks * 2 * cols);
  eachChunk(shape, [&](size_t item, size_t chunk, size_t first, size_t count) {
    float* mean = partial + (item * chunks + chunk) * 2 * cols;
    chunkMoments(args.x + (item * rows + first) * cols, count, cols, mean, mean + cols);
  });

  const Coefficients c = allocateCoefficients(shape);
  eachGroup(shape, 2 * chunks * width, [&](size_t item, size_t group) {
    const float* from = partial + item * chunks * 2 * cols + group * width;
    const double count = static_cast<double>(rows * width);
    const auto rowsOf = [&](size_t chunk) {
      return static_cast<double>(chunk + 1 < chunks ? step : rows - chunk * step);
    };
    double mean = 0, squares = 0;
    for (size_t chunk = 0; chunk < chunks; ++chunk) {
      double total = 0;
      for (size_t i = 0; i < width; ++i) total += from[chunk * 2 * cols + i];
      mean += rowsOf(chunk) * total;
    }
    mean /= count;
    for (size_t chunk = 0; chunk < chunks; ++chunk) {
      const float* means = from + chunk * 2 * cols;
      for (size_t i = 0; i < width; ++i) {
        const double difference = means[i] - mean;
        squares += means[cols + i] + rowsOf(chunk) * difference * difference;
      }
    }
    const size_t index = item * shape.groups + group;
    args.mean[index] = static_cast<float>(mean);
    args.inverseStd[index] =
        static_cast<float>(1.0 / __builtin_sqrt(squares / count + static_cast<double>(args.eps)));
    setCoefficients(c, shape, item, group, args.weight, args.mean[index], args.inverseStd[index]);
  });

  eachChunk(shape, [&](size_t item, size_t, size_t first, size_t count) {
    const float* center = c.center + item * cols;
    const float* scale = c.scale + item * cols;
    for (size_t row = first; row < first + count; ++row) {
      const float* x = args.x + (item * rows + row) * cols;
      float* out = args.out + (item * rows + row) * cols;
      eachColumns(cols, [&](const auto columns) {
        for (int i = 0; i < decltype(columns)::kCount; ++i) {
          const Vec centered = columns.read(x, i) - columns.read(center, i);
          const Vec z = fma(centered, columns.read(scale, i), columns.read(args.bias, i));
          columns.write(out, i, args.hasSilu ? z * sigmoid(z) : z);
        }
      });
    }
  });
}

// With g = dy times the activation's derivative, d = x - mean, r = 1 / standard deviation, N
// numbers in a group, sums over the group with their columns' weights:
//   dBias = sum g,  dWeight = r sum g d   (over the rows of all items)
//   dx = weight r g - r / N (sum weight g) - d r^3 / N (sum weight g d)
void groupNormGrad(const GroupNormGradArgs& args) {
  const GroupNormShape& shape = args.shape;
  const size_t rows = shape.rows, cols = shape.cols, width = cols / shape.groups;
  const size_t chunks = numChunks(rows, cols);
  const Coefficients c = allocateCoefficients(shape);
  for (size_t i = 0; i < shape.batch * shape.groups; ++i) {
    setCoefficients(c, shape, i / shape.groups, i % shape.groups, args.weight, args.mean[i],
                    args.inverseStd[i]);
  }

  // per chunk: sums of g, then of g d
  float* partial = scratch(kPartialScratch, shape.batch * chunks * 2 * cols);
  eachChunk(shape, [&](size_t item, size_t chunk, size_t first, size_t count) {
    const size_t at = (item * rows + first) * cols;
    float* sums = partial + (item * chunks + chunk) * 2 * cols;
    const auto sum = args.hasSilu ? chunkGradSums<true> : chunkGradSums<false>;
    sum(args.x + at, args.dy + at, args.bias, c.center + item * cols, c.scale + item * cols, count,
        cols, args.dx + at, sums, sums + cols);
  });

  // dx = scale g - offset - d slope. Sums over an item's chunks: of g, and of g d r.
  float* offset = scratch(kSumScratch, 4 * shape.batch * cols);
  float* slope = offset + shape.batch * cols;
  float* sums = slope + shape.batch * cols;
  float* products = sums + shape.batch * cols;
  eachGroup(shape, 2 * chunks * width, [&](size_t item, size_t group) {
    const double inverse = args.inverseStd[item * shape.groups + group];
    const double share = inverse / static_cast<double>(rows * width);
    double sum = 0, product = 0;
    for (size_t column = group * width; column < (group + 1) * width; ++column) {
      const float* from = partial + item * chunks * 2 * cols + column;
      double columnSum = 0, columnProduct = 0;
      for (size_t chunk = 0; chunk < chunks; ++chunk) {
        columnSum += from[chunk * 2 * cols];
        columnProduct += from[chunk * 2 * cols + cols];
      }
      sum += args.weight[column] * columnSum;
      product += args.weight[column] * columnProduct;
      sums[item * cols + column] = static_cast<float>(columnSum);
      products[item * cols + column] = static_cast<float>(columnProduct * inverse);
    }
    for (size_t column = group * width; column < (group + 1) * width; ++column) {
      offset[item * cols + column] = static_cast<float>(sum * share);
      slope[item * cols + column] = static_cast<float>(product * inverse * inverse * share);
    }
  });
  parallelFor(cols, kColumnGrain, [&](size_t begin, size_t end) {
    for (size_t column = begin; column < end; ++column) {
      double dBias = 0, dWeight = 0;
      for (size_t item = 0; item < shape.batch; ++item) {
        dBias += sums[item * cols + column];
        dWeight += products[item * cols + column];
      }
      args.dBias[column] = static_cast<float>(dBias);
      args.dWeight[column] = static_cast<float>(dWeight);
    }
  });

  eachChunk(shape, [&](size_t item, size_t, size_t first, size_t count) {
    const size_t at = item * cols;
    for (size_t row = first; row < first + count; ++row) {
      const float* x = args.x + (item * rows + row) * cols;
      float* dx = args.dx + (item * rows + row) * cols;
      const float* from = args.hasSilu ? dx : args.dy + (item * rows + row) * cols;
      eachColumns(cols, [&](const auto columns) {
        for (int i = 0; i < decltype(columns)::kCount; ++i) {
          const Vec centered = columns.read(x, i) - columns.read(c.center + at, i);
          const Vec rest = fma(centered, columns.read(slope + at, i), columns.read(offset + at, i));
          columns.write(dx, i, columns.read(c.scale + at, i) * columns.read(from, i) - rest);
        }
      });
    }
  });
}

}  // namespace EMU_ISA
}  // namespace emu
