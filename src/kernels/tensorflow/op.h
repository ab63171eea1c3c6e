// What every op of ours on TensorFlow needs: owners of its C objects, and registration.
//
// An op is a class with a signature, a constructor from its attributes and `compute`, see
// norm.cc. Its kernel runs on the host: `compute` gets tensors in this process's memory.
#ifndef EMU_KERNELS_TENSORFLOW_OP_H_
#define EMU_KERNELS_TENSORFLOW_OP_H_

#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

#include "cApi.h"

namespace emu {
namespace tensorflow {

// A wrong input or attribute; reaches JavaScript as an Error with this message.
class OpError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

class Status {
 public:
  Status() : status_(TF_NewStatus()) {}
  ~Status() { TF_DeleteStatus(status_); }
  Status(const Status&) = delete;
  Status& operator=(const Status&) = delete;
  operator TF_Status*() const { return status_; }
  void check() const {
    if (TF_GetCode(status_) != TF_OK) throw OpError(TF_Message(status_));
  }

 private:
  TF_Status* const status_;
};

// A tensor of a running kernel, contiguous and row-major; its type is what the signature says.
class Tensor {
 public:
  explicit Tensor(TF_Tensor* tensor) : tensor_(tensor) {}
  ~Tensor() { TF_DeleteTensor(tensor_); }
  Tensor(const Tensor&) = delete;
  Tensor& operator=(const Tensor&) = delete;
  float* data() const { return static_cast<float*>(TF_TensorData(tensor_)); }
  int32_t* ints() const { return static_cast<int32_t*>(TF_TensorData(tensor_)); }
  // nullptr for an input that stands for none: an empty one.
  float* optional() const { return size() == 0 ? nullptr : data(); }
  int32_t* optionalInts() const { return size() == 0 ? nullptr : ints(); }
  size_t size() const { return static_cast<size_t>(TF_TensorElementCount(tensor_)); }
  std::vector<int64_t> shape() const {
    std::vector<int64_t> dims(TF_NumDims(tensor_));
    for (size_t i = 0; i < dims.size(); ++i) dims[i] = TF_Dim(tensor_, static_cast<int>(i));
    return dims;
  }
  size_t dim(int axis) const { return static_cast<size_t>(TF_Dim(tensor_, axis)); }
  // Throws OpError, which begins with the op's name, unless the shape is `wanted`.
  void expect(const char* op, const char* name, const std::vector<int64_t>& wanted) const {
    if (shape() != wanted) throw OpError(std::string(op) + ": wrong shape of " + name);
  }
  TF_Tensor* get() const { return tensor_; }

 private:
  TF_Tensor* const tensor_;
};

// One run of a kernel.
class Run {
 public:
  explicit Run(TF_OpKernelContext* context) : context_(context) {}
  Tensor input(int index) const {
    Status status;
    TF_Tensor* tensor = nullptr;
    TF_GetInput(context_, index, &tensor, status);
    status.check();
    return Tensor(tensor);
  }
  // A float32 output.
  Tensor allocateOutput(int index, const std::vector<int64_t>& shape) const {
    Status status;
    size_t size = sizeof(float);
    for (const int64_t dim : shape) size *= static_cast<size_t>(dim);
    TF_Tensor* tensor = TF_AllocateOutput(context_, index, TF_FLOAT, shape.data(),
                                          static_cast<int>(shape.size()), size, status);
    status.check();
    return Tensor(tensor);
  }
  Tensor allocateOutput(int index, const Tensor& like) const {
    return allocateOutput(index, like.shape());
  }
  // Has the output be the input's own memory.
  void setOutput(int index, const Tensor& tensor) const {
    Status status;
    TF_SetOutput(context_, index, tensor.get(), status);
    status.check();
  }

 private:
  TF_OpKernelContext* const context_;
};

// The attributes of an op's instance.
class Attributes {
 public:
  explicit Attributes(TF_OpKernelConstruction* construction) : construction_(construction) {}
  float number(const char* name) const {
    Status status;
    float value = 0.0f;
    TF_OpKernelConstruction_GetAttrFloat(construction_, name, &value, status);
    status.check();
    return value;
  }
  size_t size(const char* name) const {
    Status status;
    int64_t value = 0;
    TF_OpKernelConstruction_GetAttrInt64(construction_, name, &value, status);
    status.check();
    return value < 0 ? 0 : static_cast<size_t>(value);
  }
  bool flag(const char* name) const {
    Status status;
    unsigned char value = 0;
    TF_OpKernelConstruction_GetAttrBool(construction_, name, &value, status);
    status.check();
    return value != 0;
  }

 private:
  TF_OpKernelConstruction* const construction_;
};

// The arguments of an op in TensorFlow's notation: "x: float", "eps: float". Attributes are what is
// the same at every call: TensorFlow keeps a kernel for each of their values.
struct Signature {
  const char* name;
  std::vector<const char*> inputs, outputs, attributes;
};

void defineOp(const Signature& signature);
void addKernel(const char* op, void* (*create)(TF_OpKernelConstruction*),
               void (*compute)(void*, TF_OpKernelContext*), void (*destroy)(void*));

// Registers Op: `Op::signature()`, a constructor from Attributes and `compute(const Run&) const`.
template <class Op>
void registerOp() {
  defineOp(Op::signature());
  addKernel(
      Op::signature().name,
      [](TF_OpKernelConstruction* construction) -> void* {
        try {
          return new Op(Attributes(construction));
        } catch (const std::exception& error) {
          Status status;
          TF_SetStatus(status, TF_INVALID_ARGUMENT, error.what());
          TF_OpKernelConstruction_Failure(construction, status);
          return nullptr;
        }
      },
      [](void* op, TF_OpKernelContext* context) {
        try {
          static_cast<const Op*>(op)->compute(Run(context));
        } catch (const std::exception& error) {
          Status status;
          TF_SetStatus(status, TF_INVALID_ARGUMENT, error.what());
          TF_OpKernelContext_Failure(context, status);
        }
      },
      [](void* op) { delete static_cast<Op*>(op); });
}

// One function a file, called by registerOps() in ops.cc.
void registerAdamw();
void registerAttention();
void registerBatchNorm();
void registerCacheWrite();
void registerConv2D();
void registerElementwise();
void registerGroupNorm();
void registerNorm();
void registerPatches();
void registerProduct();
void registerRope();
void registerSoftmaxCrossEntropy();

}  // namespace tensorflow
}  // namespace emu

#endif  // EMU_KERNELS_TENSORFLOW_OP_H_
