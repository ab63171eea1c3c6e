// Weights of our ops: float32, or the bytes of another encoding.
#ifndef EMU_KERNELS_TENSORFLOW_WEIGHT_H_
#define EMU_KERNELS_TENSORFLOW_WEIGHT_H_

#include "../native/encoding.h"
#include "op.h"

namespace emu {
namespace tensorflow {

inline Encoding encodingAttribute(const Attributes& attributes) {
  return static_cast<Encoding>(attributes.size("encoding"));
}

// The shape of the numbers. Bytes have one dimension more: those of one number or, where a row
// is stored as blocks, of one block, before it the blocks of a row.
inline std::vector<int64_t> encodedShape(const char* op, const Tensor& weight, Encoding encoding) {
  std::vector<int64_t> shape = weight.shape();
  if (encoding == Encoding::kF32) return shape;
  if (shape.size() < 2 || shape.back() != static_cast<int64_t>(bytesPerBlock(encoding))) {
    throw OpError(std::string(op) + ": expected a weight of the bytes of its encoding");
  }
  shape.pop_back();
  shape.back() *= static_cast<int64_t>(elementsPerBlock(encoding));
  return shape;
}

inline int64_t count(const std::vector<int64_t>& shape) {
  int64_t product = 1;
  for (const int64_t size : shape) product *= size;
  return product;
}

}  // namespace tensorflow
}  // namespace emu

#endif  // EMU_KERNELS_TENSORFLOW_WEIGHT_H_
