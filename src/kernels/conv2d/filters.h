// The filters of a convolution, one by one as floats. Private to conv2d.simd.cc.
#ifndef EMU_KERNELS_CONV2D_FILTERS_H_
#define EMU_KERNELS_CONV2D_FILTERS_H_

#include "../native/encoded.h"
#include "../native/simd.h"
#include "../native/threadPool.h"
#include "conv2d.h"

namespace emu {
namespace EMU_ISA {
namespace {

constexpr int kFilterScratch = 3;

// Calls fn(outChannel, its filter [channels, kernelHeight, kernelWidth] as floats, as much room).
template <class Fn>
void eachFilter(const Conv2DShape& shape, const Weight& weight, const Fn& fn) {
  const size_t size = shape.channels * shape.kernelHeight * shape.kernelWidth;
  parallelFor(shape.outChannels, 32768 / size + 1, [&](size_t begin, size_t end) {
    float* filter = scratch(kFilterScratch, 2 * size);
    for (size_t n = begin; n < end; ++n) {
      withEncoding(weight.encoding, [&](auto tag) {
        constexpr Encoding E = decltype(tag)::value;
        size_t i = 0;
        for (; i + kLanes <= size; i += kLanes)
          store(filter + i, loadAs<E>(weight.data, n * size + i));
        if (i < size) {
          storePartial(filter + i, loadPartialAs<E>(weight.data, n * size + i, size - i), size - i);
        }
      });
      fn(n, filter, filter + size);
    }
  });
}

}  // namespace
}  // namespace EMU_ISA
}  // namespace emu

#endif  // EMU_KERNELS_CONV2D_FILTERS_H_
