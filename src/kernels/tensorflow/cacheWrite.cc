// EmuCacheWrite on TensorFlow: in the memory of the cache, which the op consumes.
#include <algorithm>

#include "op.h"

namespace emu {
namespace tensorflow {
namespace {

class CacheWrite {
 public:
  static Signature signature() {
    return {
        "EmuCacheWrite", {"cache: float", "values: float", "places: int32"}, {"out: float"}, {}};
  }
  explicit CacheWrite(const Attributes&) {}

  void compute(const Run& run) const {
    const Tensor cache = run.input(0);
    const Tensor values = run.input(1);
    const Tensor places = run.input(2);  // the position, and how many positions rows are apart
    places.expect("cacheWrite", "places", {2});
    const std::vector<int64_t> shape = cache.shape();
    const std::vector<int64_t> written = values.shape();
    const int64_t position = places.ints()[0];
    const int64_t rowStride = places.ints()[1];
    const bool fits = shape.size() == 4 && written.size() == 4 && position >= 0 && rowStride >= 0 &&
                      written[2] == shape[2] && written[3] == shape[3] && written[0] > 0 &&
                      (written[0] - 1) * rowStride + position + written[1] <= shape[0] * shape[1];
    if (!fits) throw OpError("cacheWrite: expected values that fit into the cache");
    const size_t positionSize = cache.dim(2) * cache.dim(3);
    const size_t rowSize = values.dim(1) * positionSize;
    for (size_t row = 0; row < values.dim(0); ++row) {
      const float* source = values.data() + row * rowSize;
      float* target = cache.data() + (row * rowStride + position) * positionSize;
      std::copy(source, source + rowSize, target);
    }
    run.setOutput(0, cache);
  }
};

}  // namespace

void registerCacheWrite() { registerOp<CacheWrite>(); }

}  // namespace tensorflow
}  // namespace emu
