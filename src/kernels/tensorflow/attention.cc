// EmuAttention and its gradient on TensorFlow. Inputs that may be missing are empty then.
#include "../attention/attention.h"

#include "op.h"

namespace emu {
namespace tensorflow {
namespace {

// Inputs 0 to 5, of which the last three may be empty, and `numKeys`.
class Inputs {
 public:
  Inputs(const Run& run, int first, const Tensor& numKeys, float scale, bool isCausal)
      : q(run.input(first)),
        k(run.input(first + 1)),
        v(run.input(first + 2)),
        bias(run.input(first + 3)),
        keyStart(run.input(first + 4)),
        keyEnd(run.input(first + 5)) {
    const std::vector<int64_t> shape = q.shape();
    const std::vector<int64_t> cache = k.shape();
    if (shape.size() != 4 || cache.size() != 4 || cache[2] != shape[2] || cache[3] != shape[3]) {
      throw OpError("attention: expected q and k of 4 dimensions, with the same heads");
    }
    v.expect("attention", "v", cache);
    numKeys.expect("attention", "numKeys", {1});
    const int64_t keys = numKeys.ints()[0];
    if (keys < 1) throw OpError("attention: expected at least one key");
    args.isBiasShared = bias.size() > 0 && bias.dim(0) == 1;
    args.isStartPerQuery = keyStart.size() > 0 && keyStart.shape().size() == 2;
    if (bias.size() > 0) {
      bias.expect("attention", "bias",
                  {args.isBiasShared ? 1 : shape[0], shape[2], shape[1], keys});
    }
    if (args.isStartPerQuery) {
      keyStart.expect("attention", "keyStart", {shape[0], shape[1]});
    } else if (keyStart.size() > 0) {
      keyStart.expect("attention", "keyStart", {shape[0]});
    }
    if (keyEnd.size() > 0) keyEnd.expect("attention", "keyEnd", {shape[0]});
    args.q = q.data();
    args.k = k.data();
    args.v = v.data();
    args.bias = bias.optional();
    args.keyStart = keyStart.optionalInts();
    args.keyEnd = keyEnd.optionalInts();
    args.batch = q.dim(0);
    args.queries = q.dim(1);
    args.heads = q.dim(2);
    args.headDim = q.dim(3);
    args.rows = k.dim(0);
    args.capacity = k.dim(1);
    args.keys = static_cast<size_t>(keys);
    args.isCausal = isCausal;
    args.scale = scale;
  }
  // [batch, heads, queries]
  std::vector<int64_t> sumShape() const {
    const std::vector<int64_t> shape = q.shape();
    return {shape[0], shape[2], shape[1]};
  }

  const Tensor q, k, v, bias, keyStart, keyEnd;
  AttentionInputs args;
};

// Without cacheRows sequence b reads row b.
void expectOwnRows(const AttentionInputs& args) {
  if (args.rows < args.batch) throw OpError("attention: expected a cache row for each sequence");
  if (args.keys > args.capacity) throw OpError("attention: expected keys within the cache");
}

class Attention {
 public:
  static Signature signature() {
    return {"EmuAttention",
            {"q: float", "k: float", "v: float", "bias: float", "key_start: int32",
             "key_end: int32", "cache_rows: int32", "num_keys: int32"},
            {"out: float", "log_sum_exp: float"},
            {"scale: float", "is_causal: bool"}};
  }
  explicit Attention(const Attributes& attributes)
      : scale_(attributes.number("scale")), isCausal_(attributes.flag("is_causal")) {}

  void compute(const Run& run) const {
    const Tensor cacheRows = run.input(6);
    const Inputs inputs(run, 0, run.input(7), scale_, isCausal_);
    const AttentionInputs& in = inputs.args;
    AttentionArgs args;
    args.in = in;
    args.cacheRows = cacheRows.optionalInts();
    if (args.cacheRows) {
      const auto keys = static_cast<int64_t>(in.keys);
      cacheRows.expect("attention", "cacheRows", {static_cast<int64_t>(in.batch), keys});
      // Positions beyond the capacity lie in the rows after theirs.
      const size_t places = in.rows * in.capacity;
      for (size_t i = 0; i < cacheRows.size(); ++i) {
        const int32_t row = args.cacheRows[i];
        if (row < 0 || static_cast<size_t>(row) >= in.rows ||
            static_cast<size_t>(row) * in.capacity + i % in.keys >= places) {
          throw OpError("attention: expected rows of the cache");
        }
      }
    } else {
      expectOwnRows(in);
    }
    const Tensor out = run.allocateOutput(0, inputs.q);
    const Tensor logSumExp = run.allocateOutput(1, inputs.sumShape());
    args.out = out.data();
    args.logSumExp = logSumExp.data();
    if (out.size() > 0) attention(args);
  }

 private:
  const float scale_;
  const bool isCausal_;
};

class AttentionGrad {
 public:
  static Signature signature() {
    return {"EmuAttentionGrad",
            {"out: float", "log_sum_exp: float", "dy: float", "q: float", "k: float", "v: float",
             "bias: float", "key_start: int32", "key_end: int32", "num_keys: int32"},
            {"dq: float", "dk: float", "dv: float", "dbias: float"},
            {"scale: float", "is_causal: bool"}};
  }
  explicit AttentionGrad(const Attributes& attributes)
      : scale_(attributes.number("scale")), isCausal_(attributes.flag("is_causal")) {}

  void compute(const Run& run) const {
    const Tensor out = run.input(0);
    const Tensor logSumExp = run.input(1);
    const Tensor dy = run.input(2);
    const Inputs inputs(run, 3, run.input(9), scale_, isCausal_);
    expectOwnRows(inputs.args);
    out.expect("attention", "out", inputs.q.shape());
    dy.expect("attention", "dy", inputs.q.shape());
    logSumExp.expect("attention", "logSumExp", inputs.sumShape());
    const Tensor dq = run.allocateOutput(0, inputs.q);
    const Tensor dk = run.allocateOutput(1, inputs.k);
    const Tensor dv = run.allocateOutput(2, inputs.v);
    const Tensor dBias = run.allocateOutput(3, inputs.bias);
    AttentionGradArgs args;
    args.in = inputs.args;
    args.out = out.data();
    args.logSumExp = logSumExp.data();
    args.dy = dy.data();
    args.dq = dq.data();
    args.dk = dk.data();
    args.dv = dv.data();
    args.dBias = dBias.optional();
    attentionGrad(args);
  }

 private:
  const float scale_;
  const bool isCausal_;
};

}  // namespace

void registerAttention() {
  registerOp<Attention>();
  registerOp<AttentionGrad>();
}

}  // namespace tensorflow
}  // namespace emu
