// What every op of ours on TensorFlow needs: owners of its C objects, and registration.
//
// An op is a class with a signature, a constructor from its attributes and `compute`, see
// rmsNorm.cc. Its kernel runs on the host: `compute` gets tensors in this process's memory.
#ifndef EMU_KERNELS_TENSORFLOW_OP_H_
#define EMU_KERNELS_TENSORFLOW_OP_H_

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

// A float32 tensor of a running kernel, contiguous and row-major.
class Tensor {
 public:
  explicit Tensor(TF_Tensor* tensor) : tensor_(tensor) {}
  ~Tensor() { TF_DeleteTensor(tensor_); }
  Tensor(const Tensor&) = delete;
  Tensor& operator=(const Tensor&) = delete;
  float* data() const { return static_cast<float*>(TF_TensorData(tensor_)); }
  size_t size() const { return static_cast<size_t>(TF_TensorElementCount(tensor_)); }
  std::vector<int64_t> shape() const {
    std::vector<int64_t> dims(TF_NumDims(tensor_));
    for (size_t i = 0; i < dims.size(); ++i) dims[i] = TF_Dim(tensor_, static_cast<int>(i));
    return dims;
  }

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
  Tensor allocateOutput(int index, const Tensor& like) const {
    Status status;
    const std::vector<int64_t> shape = like.shape();
    TF_Tensor* tensor =
        TF_AllocateOutput(context_, index, TF_FLOAT, shape.data(), static_cast<int>(shape.size()),
                          like.size() * sizeof(float), status);
    status.check();
    return Tensor(tensor);
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

 private:
  TF_OpKernelConstruction* const construction_;
};

// The arguments of an op in TensorFlow's notation: "x: float", "eps: float".
struct Signature {
  const char* name;
  std::vector<const char*> inputs, outputs, attributes;
  // Sets the shape of each output, by copyShape().
  void (*inferShapes)(TF_ShapeInferenceContext* context, TF_Status* status);
};

void defineOp(const Signature& signature);
void copyShape(TF_ShapeInferenceContext* context, int input, int output, TF_Status* status);
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

// One function an op file, called by registerOps() in ops.cc.
void registerRmsNorm();

}  // namespace tensorflow
}  // namespace emu

#endif  // EMU_KERNELS_TENSORFLOW_OP_H_
