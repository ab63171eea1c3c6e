// EmuProduct on TensorFlow: a product with a weight, in the encoding of its file or float32.
#include "../native/gemm.h"
#include "op.h"
#include "weight.h"

namespace emu {
namespace tensorflow {
namespace {

class Product {
 public:
  static Signature signature() {
    return {"EmuProduct",
            {"x: float", "weight: T", "bias: float"},
            {"out: float"},
            {"T: {float, uint8}", "encoding: int", "columns: int", "is_transposed: bool"}};
  }
  explicit Product(const Attributes& attributes)
      : encoding_(encodingAttribute(attributes)),
        columns_(attributes.size("columns")),
        isTransposed_(attributes.flag("is_transposed")) {}

  void compute(const Run& run) const {
    const Tensor x = run.input(0);
    const Tensor weight = run.input(1);
    const Tensor bias = run.input(2);
    const auto columns = static_cast<int64_t>(columns_);
    const int64_t numbers = count(encodedShape("product", weight, encoding_));
    if (columns == 0 || numbers % columns != 0 || columns_ % elementsPerBlock(encoding_) != 0) {
      throw OpError("product: expected whole rows");
    }
    const int64_t n = isTransposed_ ? numbers / columns : columns;
    const int64_t k = isTransposed_ ? columns : numbers / columns;
    std::vector<int64_t> shape = x.shape();
    if (shape.empty() || shape.back() != k) {
      throw OpError("product: expected x with rows as long as the weight is deep");
    }
    shape.back() = n;
    if (bias.size() > 0) bias.expect("product", "bias", {n});
    const Tensor out = run.allocateOutput(0, shape);
    GemmArgs args;
    args.m = out.size() / static_cast<size_t>(n > 0 ? n : 1);
    args.n = static_cast<size_t>(n);
    args.k = static_cast<size_t>(k);
    args.a = x.data();
    args.lda = args.k;
    args.b = {weight.data(), encoding_};
    args.ldb = columns_;
    args.transposeB = isTransposed_;
    args.bias = bias.optional();
    args.c = out.data();
    args.ldc = args.n;
    gemm(args);
  }

 private:
  const Encoding encoding_;
  const size_t columns_;  // of the weight, whatever the shape of its bytes
  const bool isTransposed_;
};

}  // namespace

void registerProduct() { registerOp<Product>(); }

}  // namespace tensorflow
}  // namespace emu
