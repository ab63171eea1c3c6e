// Sums over rows are taken chunk by chunk; the chunks depend on the shape only, each gives one
// partial result, and these are added in order: no result depends on the number of threads.
#include "batchNorm.h"

#include "../native/columns.h"
#include "../native/simd.h"
#include "../native/threadPool.h"

namespace emu {
namespace EMU_ISA {
namespace {

constexpr size_t kColumnGrain = 64;

// What depends on the column only.
struct Coefficients {
  float* mean;     // mean of x
  float* inverse;  // 1 / standard deviation
  float* scale;    // weight / standard deviation
};

Coefficients coefficients(int slot, const float* mean, const float* variance, const float* weight,
                          float eps, size_t cols) {
  float* memory = scratch(slot, 3 * cols);
  const Coefficients out = {memory, memory + cols, memory + 2 * cols};
  for (size_t c = 0; c < cols; ++c) {
    out.mean[c] = mean[c];
    out.inverse[c] = 1.0f / __builtin_sqrtf(variance[c] + eps);
    out.scale[c] = weight[c] * out.inverse[c];
  }
  return out;
}

// dy where the activation passes it on, and the sums of that and of that times (x - mean)
void chunkGradSums(const BatchNormGradArgs& args, const Coefficients& c, size_t begin, size_t rows,
                   float* sums, float* products) {
  const size_t cols = args.cols;
  eachColumns(cols, [&](const auto columns) {
    constexpr int V = decltype(columns)::kCount;
    Vec mean[V], scale[V], bias[V], total[V], product[V];
    for (int i = 0; i < V; ++i) {
      mean[i] = columns.read(c.mean, i);
      scale[i] = columns.read(c.scale, i);
      bias[i] = columns.read(args.bias, i);
      total[i] = product[i] = zero();
    }
    for (size_t row = begin; row < begin + rows; ++row) {
      for (int i = 0; i < V; ++i) {
        const Vec centered = columns.read(args.x + row * cols, i) - mean[i];
        Vec dy = columns.read(args.dy + row * cols, i);
        if (args.hasRelu) dy = pick(less(zero(), fma(centered, scale[i], bias[i])), dy, zero());
        total[i] = total[i] + dy;
        product[i] = fma(dy, centered, product[i]);
      }
    }
    for (int i = 0; i < V; ++i) {
      columns.write(sums, i, total[i]);
      columns.write(products, i, product[i]);
    }
  });
}

}  // namespace

void batchNormMoments(const BatchNormMomentsArgs& args) {
  const size_t cols = args.cols, step = chunkRows(cols);
  const size_t chunks = numChunks(args.rows, cols);
  float* partial = scratch(0, chunks * 2 * cols);  // per chunk: means, then sums of squares
  parallelFor(args.rows, step, [&](size_t begin, size_t end) {
    float* mean = partial + begin / step * 2 * cols;
    chunkMoments(args.x + begin * cols, end - begin, cols, mean, mean + cols);
  });
  parallelFor(cols, kColumnGrain, [&](size_t begin, size_t end) {
    double mean[kColumnGrain] = {}, squares[kColumnGrain] = {};
    const size_t n = end - begin;
    const auto rowsOf = [&](size_t chunk) {
      return static_cast<double>(chunk + 1 < chunks ? step : args.rows - chunk * step);
    };
    for (size_t chunk = 0; chunk < chunks; ++chunk) {
      const float* means = partial + chunk * 2 * cols + begin;
      for (size_t i = 0; i < n; ++i) mean[i] += rowsOf(chunk) * means[i];
    }
    for (size_t i = 0; i < n; ++i) mean[i] /= static_cast<double>(args.rows);
    for (size_t chunk = 0; chunk < chunks; ++chunk) {
      const float* means = partial + chunk * 2 * cols + begin;
      for (size_t i = 0; i < n; ++i) {
        const double difference = means[i] - mean[i];
        squares[i] += means[cols + i] + rowsOf(chunk) * difference * difference;
      }
    }
    for (size_t i = 0; i < n; ++i) {
      args.mean[begin + i] = static_cast<float>(mean[i]);
      args.variance[begin + i] = static_cast<float>(squares[i] / static_cast<double>(args.rows));
    }
  });
}

void batchNorm(const BatchNormArgs& args) {
  const size_t cols = args.cols;
  const Coefficients c = coefficients(0, args.mean, args.variance, args.weight, args.eps, cols);
  parallelFor(args.rows, chunkRows(cols), [&](size_t begin, size_t end) {
    for (size_t row = begin; row < end; ++row) {
      const float* x = args.x + row * cols;
      float* out = args.out + row * cols;
      eachColumns(cols, [&](const auto columns) {
        for (int i = 0; i < decltype(columns)::kCount; ++i) {
          const Vec centered = columns.read(x, i) - columns.read(c.mean, i);
          const Vec y = fma(centered, columns.read(c.scale, i), columns.read(args.bias, i));
          columns.write(out, i, args.hasRelu ? max(zero(), y) : y);
        }
      });
    }
  });
}

// With g = dy behind the activation, d = x - mean, r = 1 / sqrt(variance + eps), N rows:
//   dBias = sum g,  dWeight = r sum g d,  dx = weight r (g - dBias / N - d r dWeight / N);
// with mean and variance given from outside dx is weight r g alone.
void batchNormGrad(const BatchNormGradArgs& args) {
  const size_t cols = args.cols, step = chunkRows(cols);
  const size_t chunks = numChunks(args.rows, cols);
  const Coefficients c = coefficients(0, args.mean, args.variance, args.weight, args.eps, cols);
  float* partial = scratch(1, chunks * 2 * cols);  // per chunk: sums of g, then of g d
  parallelFor(args.rows, step, [&](size_t begin, size_t end) {
    float* sums = partial + begin / step * 2 * cols;
    chunkGradSums(args, c, begin, end - begin, sums, sums + cols);
  });
  // dx = scale g - offset - d slope
  float* offset = scratch(2, 2 * cols);
  float* slope = offset + cols;
  parallelFor(cols, kColumnGrain, [&](size_t begin, size_t end) {
    double sums[kColumnGrain] = {}, products[kColumnGrain] = {};
    const size_t n = end - begin;
    for (size_t chunk = 0; chunk < chunks; ++chunk) {
      const float* from = partial + chunk * 2 * cols + begin;
      for (size_t i = 0; i < n; ++i) sums[i] += from[i];
      for (size_t i = 0; i < n; ++i) products[i] += from[cols + i];
    }
    for (size_t i = 0; i < n; ++i) {
      const size_t column = begin + i;
      const double inverse = c.inverse[column], scale = c.scale[column];
      const double share = args.isTraining ? scale / static_cast<double>(args.rows) : 0;
      args.dBias[column] = static_cast<float>(sums[i]);
      args.dWeight[column] = static_cast<float>(products[i] * inverse);
      offset[column] = static_cast<float>(sums[i] * share);
      slope[column] = static_cast<float>(products[i] * inverse * inverse * share);
    }
  });
  parallelFor(args.rows, step, [&](size_t begin, size_t end) {
    for (size_t row = begin; row < end; ++row) {
      const float* x = args.x + row * cols;
      const float* from = args.dy + row * cols;
      float* dx = args.dx + row * cols;
      eachColumns(cols, [&](const auto columns) {
        for (int i = 0; i < decltype(columns)::kCount; ++i) {
          const Vec centered = columns.read(x, i) - columns.read(c.mean, i);
          const Vec scale = columns.read(c.scale, i);
          Vec dy = columns.read(from, i);
          if (args.hasRelu) {
            dy = pick(less(zero(), fma(centered, scale, columns.read(args.bias, i))), dy, zero());
          }
          const Vec rest = fma(centered, columns.read(slope, i), columns.read(offset, i));
          columns.write(dx, i, scale * dy - rest);
        }
      });
    }
  });
}

}  // namespace EMU_ISA
}  // namespace emu
