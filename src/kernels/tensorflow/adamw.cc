// EmuAdamw on TensorFlow.
#include "../adamw/adamw.h"

#include "op.h"

namespace emu {
namespace tensorflow {
namespace {

class Adamw {
 public:
  static Signature signature() {
    return {"EmuAdamw",
            {"parameter: float", "m: float", "v: float", "grad: float", "numbers: float"},
            {"new_parameter: float", "new_m: float", "new_v: float"},
            {}};
  }
  explicit Adamw(const Attributes&) {}

  void compute(const Run& run) const {
    const Tensor parameter = run.input(0);
    const Tensor m = run.input(1);
    const Tensor v = run.input(2);
    const Tensor grad = run.input(3);
    const Tensor numbers = run.input(4);
    m.expect("adamw", "m", parameter.shape());
    v.expect("adamw", "v", parameter.shape());
    grad.expect("adamw", "grad", parameter.shape());
    numbers.expect("adamw", "numbers", {8});
    const Tensor newParameter = run.allocateOutput(0, parameter);
    const Tensor newM = run.allocateOutput(1, parameter);
    const Tensor newV = run.allocateOutput(2, parameter);
    AdamwArgs args;
    args.parameter = parameter.data();
    args.m = m.data();
    args.v = v.data();
    args.grad = grad.data();
    args.newParameter = newParameter.data();
    args.newM = newM.data();
    args.newV = newV.data();
    args.n = parameter.size();
    const float* number = numbers.data();
    args.gain1 = number[0];
    args.beta2 = number[1];
    args.gain2 = number[2];
    args.eps = number[3];
    args.decay = number[4];
    args.rate = number[5];
    args.correction = number[6];
    args.scale = number[7];
    adamw(args);
  }
};

}  // namespace

void registerAdamw() { registerOp<Adamw>(); }

}  // namespace tensorflow
}  // namespace emu
