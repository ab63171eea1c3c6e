// EmuPatches on TensorFlow: pictures cut into squares.
#include <algorithm>

#include "op.h"

namespace emu {
namespace tensorflow {
namespace {

class Patches {
 public:
  static Signature signature() {
    return {"EmuPatches", {"pixels: float"}, {"out: float"}, {"patch_size: int"}};
  }
  explicit Patches(const Attributes& attributes) : side_(attributes.size("patch_size")) {}

  // pixels [batch, channels, height, width] -> [batch, rows * columns, channels * side * side]
  void compute(const Run& run) const {
    const Tensor pixels = run.input(0);
    const std::vector<int64_t> shape = pixels.shape();
    const auto side = static_cast<int64_t>(side_);
    if (shape.size() != 4 || side < 1 || shape[2] % side != 0 || shape[3] % side != 0) {
      throw OpError("patches: expected pictures of whole patches");
    }
    const int64_t batch = shape[0], channels = shape[1], height = shape[2], width = shape[3];
    const int64_t rows = height / side, columns = width / side;
    const Tensor out = run.allocateOutput(0, {batch, rows * columns, channels * side * side});
    float* target = out.data();
    for (int64_t patch = 0; patch < batch * rows * columns; ++patch) {
      const int64_t item = patch / (rows * columns);
      const int64_t row = patch / columns % rows, column = patch % columns;
      for (int64_t line = 0; line < channels * side; ++line) {
        const int64_t channel = line / side, y = row * side + line % side;
        const float* source =
            pixels.data() + ((item * channels + channel) * height + y) * width + column * side;
        target = std::copy(source, source + side, target);
      }
    }
  }

 private:
  const size_t side_;
};

}  // namespace

void registerPatches() { registerOp<Patches>(); }

}  // namespace tensorflow
}  // namespace emu
