// Checks simd.h and the matrix product of one ISA against plain loops. Compiled by simd.test.ts,
// once per ISA. Prints a line for each thing that is wrong and ends with their number.
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "../../../../src/kernels/native/gemm.simd.cc"

namespace emu {

// Nothing here asks for products in bfloat16, which are compiled for their own instruction set.
void gemmInBf16(const GemmArgs&) { std::abort(); }

}  // namespace emu

using namespace emu;
using namespace emu::EMU_ISA;

static int failures = 0;

static void expect(bool isRight, const char* what, size_t i, double found, double wanted) {
  if (isRight) return;
  if (++failures <= 20) std::printf("%s [%zu]: got %g, expected %g\n", what, i, found, wanted);
}

static bool isSame(float a, float b) { return a == b || (std::isnan(a) && std::isnan(b)); }

static float number(size_t i) { return static_cast<float>((i * 37 + 11) % 101) / 16 - 3; }

static void checkLanes() {
  float x[kLanes], y[kLanes], out[kLanes + 1];
  for (size_t i = 0; i < kLanes; ++i) {
    x[i] = number(i);
    y[i] = number(i + 50);
  }
  const auto lanes = [&](const char* what, Vec v, auto wanted) {
    store(out, v);
    for (size_t i = 0; i < kLanes; ++i) expect(out[i] == wanted(i), what, i, out[i], wanted(i));
  };
  const Vec a = load(x), b = load(y);
  lanes("add", a + b, [&](size_t i) { return x[i] + y[i]; });
  lanes("sub", a - b, [&](size_t i) { return x[i] - y[i]; });
  lanes("mul", a * b, [&](size_t i) { return x[i] * y[i]; });
  lanes("div", a / set(2), [&](size_t i) { return x[i] / 2; });
  lanes("negate", -a, [&](size_t i) { return -x[i]; });
  lanes("fma", fma(a, set(2), b), [&](size_t i) { return x[i] * 2 + y[i]; });
  lanes("fnma", fnma(a, set(2), b), [&](size_t i) { return y[i] - x[i] * 2; });
  lanes("max", max(a, b), [&](size_t i) { return x[i] > y[i] ? x[i] : y[i]; });
  lanes("min", min(a, b), [&](size_t i) { return x[i] < y[i] ? x[i] : y[i]; });
  lanes("abs", abs(a), [&](size_t i) { return std::fabs(x[i]); });
  lanes("sqrt", sqrt(abs(a)), [&](size_t i) { return std::sqrt(std::fabs(x[i])); });
  lanes("copySign", copySign(a, b), [&](size_t i) { return std::copysign(x[i], y[i]); });
  lanes("less", pick(less(a, b), a, set(9)), [&](size_t i) { return x[i] < y[i] ? x[i] : 9; });
  lanes("equal", pick(equal(a, a), b, a), [&](size_t i) { return y[i]; });
  lanes("round", round(a), [&](size_t i) { return std::nearbyint(x[i]); });
  lanes("powerOfTwo", powerOfTwo(round(a)),
        [&](size_t i) { return std::exp2(std::nearbyint(x[i])); });
  const Vec nan = set(NAN);
  lanes("NaN through max", pick(equal(max(a, nan), set(0)), a, b), [&](size_t i) { return y[i]; });
  float total = 0, top = x[0];
  for (float value : x) {
    total += value;
    top = value > top ? value : top;
  }
  expect(sum(a) == total, "sum", 0, sum(a), total);
  expect(maxLane(a) == top, "maxLane", 0, maxLane(a), top);
  for (size_t n = 0; n <= kLanes; ++n) {
    lanes("loadPartial", loadPartial(x, n), [&](size_t i) { return i < n ? x[i] : 0; });
    for (float& value : out) value = -7;
    storePartial(out, a, n);
    for (size_t i = 0; i <= kLanes; ++i) {
      const float wanted = i < n ? x[i] : -7;
      expect(out[i] == wanted, "storePartial", i, out[i], wanted);
    }
  }
  Vec rows[kLanes];
  for (size_t i = 0; i < kLanes; ++i) {
    float row[kLanes];
    for (size_t j = 0; j < kLanes; ++j) row[j] = static_cast<float>(100 * i + j);
    rows[i] = load(row);
  }
  transpose(rows);
  for (size_t i = 0; i < kLanes; ++i) {
    lanes("transpose", rows[i], [&](size_t j) { return static_cast<float>(100 * j + i); });
  }
}

static float halfByDefinition(uint16_t bits) {
  const int exponent = bits >> 10 & 31, fraction = bits & 1023;
  float value = std::ldexp(1 + fraction / 1024.0f, exponent - 15);
  if (exponent == 0) value = std::ldexp(static_cast<float>(fraction), -24);
  if (exponent == 31) value = fraction ? NAN : INFINITY;
  return bits & 0x8000 ? -value : value;
}

static void checkEncodings() {
  for (uint32_t first = 0; first < 65536; first += kLanes) {
    uint16_t bits[kLanes];
    for (size_t i = 0; i < kLanes; ++i) bits[i] = static_cast<uint16_t>(first + i);
    float half[kLanes], brain[kLanes], part[kLanes];
    store(half, loadAs<Encoding::kF16>(bits, 0));
    store(brain, loadAs<Encoding::kBf16>(bits, 0));
    store(part, loadPartialAs<Encoding::kF16>(bits, 0, 3));
    for (size_t i = 0; i < kLanes; ++i) {
      const float wanted = halfByDefinition(bits[i]);
      expect(isSame(half[i], wanted), "f16", bits[i], half[i], wanted);
      expect(isSame(part[i], i < 3 ? wanted : 0), "part of f16", bits[i], part[i], wanted);
      const uint32_t word = static_cast<uint32_t>(bits[i]) << 16;
      float truth;
      std::memcpy(&truth, &word, 4);
      expect(isSame(brain[i], truth), "bf16", bits[i], brain[i], truth);
    }
  }
}

// Blocks of pseudo-random bytes, and the numbers they stand for.
struct Blocks {
  Encoding encoding;
  std::vector<uint8_t> bytes;
  std::vector<float> numbers;
};

static Blocks makeBlocks(Encoding encoding, size_t count) {
  Blocks blocks;
  blocks.encoding = encoding;
  uint32_t state = 7;
  const auto draw = [&] {
    return static_cast<uint8_t>((state = state * 1664525u + 1013904223u) >> 24);
  };
  const auto half = [&] {  // 2^-7 to 2^-3, of either sign, a subnormal now and then
    const uint16_t bits = static_cast<uint16_t>(draw() << 8 | draw());
    const uint16_t value = bits % 16 == 0 ? bits & 0x83ff : (bits & 0x8fff) | 0x2000;
    blocks.bytes.push_back(static_cast<uint8_t>(value));
    blocks.bytes.push_back(static_cast<uint8_t>(value >> 8));
    return halfByDefinition(value);
  };
  for (size_t block = 0; block < count / 32; ++block) {
    const float scale = half(), minimum = encoding == Encoding::kQ4_1 ? half() : 0;
    uint8_t raw[32];
    const size_t numBytes = encoding == Encoding::kQ8_0 ? 32 : 16;
    for (size_t i = 0; i < numBytes; ++i) blocks.bytes.push_back(raw[i] = draw());
    for (size_t i = 0; i < 32; ++i) {
      const int nibble = i < 16 ? raw[i] & 15 : raw[i - 16] >> 4;
      const int q = encoding == Encoding::kQ8_0   ? static_cast<int8_t>(raw[i])
                    : encoding == Encoding::kQ4_0 ? nibble - 8
                                                  : nibble;
      blocks.numbers.push_back(scale * static_cast<float>(q) + minimum);
    }
  }
  return blocks;
}

template <Encoding E>
static void checkBlocks(const char* name) {
  const Blocks blocks = makeBlocks(E, 320);
  for (size_t at = 0; at < blocks.numbers.size(); at += kLanes) {
    float all[kLanes], part[kLanes];
    store(all, loadAs<E>(blocks.bytes.data(), at));
    store(part, loadPartialAs<E>(blocks.bytes.data(), at, 3));
    for (size_t i = 0; i < kLanes; ++i) {
      const float wanted = blocks.numbers[at + i];
      expect(all[i] == wanted, name, at + i, all[i], wanted);
      expect(part[i] == (i < 3 ? wanted : 0), name, at + i, part[i], wanted);
    }
  }
}

static void checkExp() {
  for (double x = -110; x < 95; x += 0.0037 * kLanes) {
    float in[kLanes], out[kLanes];
    for (size_t i = 0; i < kLanes; ++i) in[i] = static_cast<float>(x + 0.0037 * i);
    store(out, exp(load(in)));
    for (size_t i = 0; i < kLanes; ++i) {
      const double wanted = std::exp(static_cast<double>(in[i]));
      if (wanted > 3.4028e38) {
        expect(std::isinf(out[i]) || wanted < 3.41e38, "exp", i, out[i], wanted);
        continue;
      }
      // 2 units in the last place; below 2^-126 the spacing is 2^-149
      const double allowed = std::fmax(wanted * 2.4e-7, 0x1p-149);
      expect(std::fabs(out[i] - wanted) <= allowed, "exp", i, out[i], wanted);
    }
  }
}

static void checkProduct(size_t m, size_t n, size_t k, bool transposeA, bool transposeB,
                         Encoding encoding = Encoding::kF32) {
  std::vector<float> a(m * k), b(k * n), c(m * n + 1, -7.0f), bias(n);
  for (size_t i = 0; i < a.size(); ++i) a[i] = number(i);
  for (size_t i = 0; i < b.size(); ++i) b[i] = number(3 * i + 1);
  Blocks blocks;
  if (encoding != Encoding::kF32) {
    blocks = makeBlocks(encoding, b.size());
    b = blocks.numbers;
  }
  for (size_t i = 0; i < n; ++i) bias[i] = number(i + 7);
  GemmArgs args;
  args.m = m;
  args.n = n;
  args.k = k;
  args.a = a.data();
  args.lda = transposeA ? m : k;
  args.transposeA = transposeA;
  args.b = {encoding == Encoding::kF32 ? static_cast<const void*>(b.data()) : blocks.bytes.data(),
            encoding};
  args.ldb = transposeB ? k : n;
  args.transposeB = transposeB;
  args.bias = bias.data();
  args.c = c.data();
  args.ldc = n;
  gemm(args);
  for (size_t i = 0; i < m; ++i) {
    for (size_t j = 0; j < n; ++j) {
      double total = bias[j];
      for (size_t p = 0; p < k; ++p) {
        const float left = transposeA ? a[p * m + i] : a[i * k + p];
        total += static_cast<double>(left) * (transposeB ? b[j * k + p] : b[p * n + j]);
      }
      const double error = std::fabs(c[i * n + j] - total);
      expect(error < 1e-3, "gemm", i * n + j, c[i * n + j], total);
    }
  }
  expect(c[m * n] == -7, "gemm wrote beyond its result", m * n, c[m * n], -7);
}

int main() {
  checkLanes();
  checkEncodings();
  checkExp();
  const size_t sizes[][3] = {{1, 1, 1}, {3, 35, 17}, {13, 31, 33}, {15, 32, 16}, {47, 70, 300}};
  for (const auto& [m, n, k] : sizes) {
    for (int mode = 0; mode < 4; ++mode) checkProduct(m, n, k, mode & 1, mode & 2);
  }
  checkBlocks<Encoding::kQ8_0>("q8_0");
  checkBlocks<Encoding::kQ4_0>("q4_0");
  checkBlocks<Encoding::kQ4_1>("q4_1");
  const size_t blockSizes[][3] = {{1, 32, 32}, {2, 64, 96}, {4, 32, 64}, {15, 96, 288}};
  for (const auto& [m, n, k] : blockSizes) {
    for (Encoding encoding : {Encoding::kQ8_0, Encoding::kQ4_0, Encoding::kQ4_1}) {
      for (int mode = 0; mode < 4; ++mode) checkProduct(m, n, k, mode & 1, mode & 2, encoding);
    }
  }
  std::printf("%d wrong\n", failures);
  return failures > 0;
}
