// EmuRope on TensorFlow.
#include "../rope/rope.h"

#include "op.h"

namespace emu {
namespace tensorflow {
namespace {

class Rope {
 public:
  static Signature signature() {
    return {"EmuRope",
            {"x: float", "positions: int32", "cos: float", "sin: float"},
            {"out: float"},
            {"is_inverse: bool"}};
  }
  explicit Rope(const Attributes& attributes) : isInverse_(attributes.flag("is_inverse")) {}

  void compute(const Run& run) const {
    const Tensor x = run.input(0);
    const Tensor positions = run.input(1);
    const Tensor cos = run.input(2);
    const Tensor sin = run.input(3);
    const std::vector<int64_t> shape = x.shape();
    if (shape.size() != 4) throw OpError("rope: expected x of 4 dimensions");
    positions.expect("rope", "positions", {shape[0], shape[1]});
    cos.expect("rope", "cos", {static_cast<int64_t>(cos.dim(0)), shape[3] / 2});
    sin.expect("rope", "sin", cos.shape());
    RopeArgs args;
    args.rows = positions.size();
    args.heads = x.dim(2);
    args.headDim = x.dim(3);
    args.positions = positions.ints();
    for (size_t i = 0; i < args.rows; ++i) {
      if (args.positions[i] < 0 || static_cast<size_t>(args.positions[i]) >= cos.dim(0)) {
        throw OpError("rope: expected positions within the tables");
      }
    }
    const Tensor out = run.allocateOutput(0, x);
    args.x = x.data();
    args.cos = cos.data();
    args.sin = sin.data();
    args.out = out.data();
    args.direction = isInverse_ ? -1.0f : 1.0f;
    if (x.size() > 0) rope(args);
  }

 private:
  const bool isInverse_;
};

}  // namespace

void registerRope() { registerOp<Rope>(); }

}  // namespace tensorflow
}  // namespace emu
