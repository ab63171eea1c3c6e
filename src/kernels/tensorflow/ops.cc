// The library of our ops on TensorFlow: a Node addon without exports that registers them as it
// loads.
#include <node_api.h>

#include <mutex>
#include <string>

#include "op.h"

namespace emu {
namespace tensorflow {

void defineOp(const Signature& signature) {
  TF_OpDefinitionBuilder* builder = TF_NewOpDefinitionBuilder(signature.name);
  for (const char* spec : signature.inputs) TF_OpDefinitionBuilderAddInput(builder, spec);
  for (const char* spec : signature.outputs) TF_OpDefinitionBuilderAddOutput(builder, spec);
  for (const char* spec : signature.attributes) TF_OpDefinitionBuilderAddAttr(builder, spec);
  TF_OpDefinitionBuilderSetShapeInferenceFunction(builder, signature.inferShapes);
  Status status;
  TF_RegisterOpDefinition(builder, status);
  status.check();
}

void copyShape(TF_ShapeInferenceContext* context, int input, int output, TF_Status* status) {
  TF_ShapeHandle* shape = TF_NewShapeHandle();
  TF_ShapeInferenceContextGetInput(context, input, shape, status);
  if (TF_GetCode(status) == TF_OK) {
    TF_ShapeInferenceContextSetOutput(context, output, shape, status);
  }
  TF_DeleteShapeHandle(shape);
}

void addKernel(const char* op, void* (*create)(TF_OpKernelConstruction*),
               void (*compute)(void*, TF_OpKernelContext*), void (*destroy)(void*)) {
  Status status;
  TF_RegisterKernelBuilder(op, TF_NewKernelBuilder(op, "CPU", create, compute, destroy), status);
  status.check();
}

namespace {

// Once a process: a worker thread that loads the library again finds the ops there.
void registerOps() { registerRmsNorm(); }

napi_value initialize(napi_env env, napi_value exports) {
  static std::once_flag isRegistered;
  try {
    std::call_once(isRegistered, registerOps);
  } catch (const std::exception& error) {
    napi_throw_error(env, nullptr, error.what());
  }
  return exports;
}

}  // namespace
}  // namespace tensorflow
}  // namespace emu

NAPI_MODULE_INIT() { return emu::tensorflow::initialize(env, exports); }
