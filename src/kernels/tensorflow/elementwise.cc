// EmuGelu, EmuSiluGate and their gradients on TensorFlow.
#include "../gelu/gelu.h"
#include "../siluGate/siluGate.h"
#include "op.h"

namespace emu {
namespace tensorflow {
namespace {

class Gelu {
 public:
  static Signature signature() { return {"EmuGelu", {"x: float"}, {"out: float"}, {}}; }
  explicit Gelu(const Attributes&) {}

  void compute(const Run& run) const {
    const Tensor x = run.input(0);
    const Tensor out = run.allocateOutput(0, x);
    GeluArgs args{};
    args.x = x.data();
    args.out = out.data();
    args.n = x.size();
    gelu(args);
  }
};

class GeluGrad {
 public:
  static Signature signature() {
    return {"EmuGeluGrad", {"x: float", "dy: float"}, {"dx: float"}, {}};
  }
  explicit GeluGrad(const Attributes&) {}

  void compute(const Run& run) const {
    const Tensor x = run.input(0);
    const Tensor dy = run.input(1);
    dy.expect("gelu", "dy", x.shape());
    const Tensor dx = run.allocateOutput(0, x);
    GeluArgs args{};
    args.x = x.data();
    args.dy = dy.data();
    args.out = dx.data();
    args.n = x.size();
    geluGrad(args);
  }
};

class SiluGate {
 public:
  static Signature signature() {
    return {"EmuSiluGate", {"gate: float", "up: float"}, {"out: float"}, {}};
  }
  explicit SiluGate(const Attributes&) {}

  void compute(const Run& run) const {
    const Tensor gate = run.input(0);
    const Tensor up = run.input(1);
    up.expect("siluGate", "up", gate.shape());
    const Tensor out = run.allocateOutput(0, gate);
    SiluGateArgs args;
    args.gate = gate.data();
    args.up = up.data();
    args.out = out.data();
    args.n = gate.size();
    siluGate(args);
  }
};

class SiluGateGrad {
 public:
  static Signature signature() {
    return {"EmuSiluGateGrad",
            {"gate: float", "up: float", "dy: float"},
            {"dgate: float", "dup: float"},
            {}};
  }
  explicit SiluGateGrad(const Attributes&) {}

  void compute(const Run& run) const {
    const Tensor gate = run.input(0);
    const Tensor up = run.input(1);
    const Tensor dy = run.input(2);
    up.expect("siluGate", "up", gate.shape());
    dy.expect("siluGate", "dy", gate.shape());
    const Tensor dGate = run.allocateOutput(0, gate);
    const Tensor dUp = run.allocateOutput(1, gate);
    SiluGateGradArgs args;
    args.gate = gate.data();
    args.up = up.data();
    args.dy = dy.data();
    args.dGate = dGate.data();
    args.dUp = dUp.data();
    args.n = gate.size();
    siluGateGrad(args);
  }
};

}  // namespace

void registerElementwise() {
  registerOp<Gelu>();
  registerOp<GeluGrad>();
  registerOp<SiluGate>();
  registerOp<SiluGateGrad>();
}

}  // namespace tensorflow
}  // namespace emu
