// The library of our ops on TensorFlow: a Node addon that registers them as it loads. They compute
// by the same kernels as the native backend, with threads of their own.
#include <node_api.h>

#include <mutex>
#include <string>

#include "../native/cpu.h"
#include "../native/threadPool.h"
#include "op.h"

namespace emu {
namespace tensorflow {

void defineOp(const Signature& signature) {
  TF_OpDefinitionBuilder* builder = TF_NewOpDefinitionBuilder(signature.name);
  for (const char* spec : signature.inputs) TF_OpDefinitionBuilderAddInput(builder, spec);
  for (const char* spec : signature.outputs) TF_OpDefinitionBuilderAddOutput(builder, spec);
  for (const char* spec : signature.attributes) TF_OpDefinitionBuilderAddAttr(builder, spec);
  Status status;
  TF_RegisterOpDefinition(builder, status);
  status.check();
}

void addKernel(const char* op, void* (*create)(TF_OpKernelConstruction*),
               void (*compute)(void*, TF_OpKernelContext*), void (*destroy)(void*)) {
  Status status;
  TF_RegisterKernelBuilder(op, TF_NewKernelBuilder(op, "CPU", create, compute, destroy), status);
  status.check();
}

namespace {

// Once a process: a worker thread that loads the library again finds the ops there.
void registerOps() {
  registerAdamw();
  registerAttention();
  registerBatchNorm();
  registerCacheWrite();
  registerConv2D();
  registerElementwise();
  registerGroupNorm();
  registerNorm();
  registerPatches();
  registerProduct();
  registerRope();
  registerSoftmaxCrossEntropy();
}

napi_value setThreads(napi_env env, napi_callback_info info) {  // (count)
  size_t count = 1;
  napi_value argument;
  int32_t threads = 0;
  napi_get_cb_info(env, info, &count, &argument, nullptr, nullptr);
  napi_get_value_int32(env, argument, &threads);
  setNumThreads(threads);
  return nullptr;
}

napi_value canComputeInBf16(napi_env env, napi_callback_info) {  // () -> whether the processor can
  napi_value result = nullptr;
  napi_get_boolean(env, canRun(Isa::kAvx512Bf16), &result);
  return result;
}

void define(napi_env env, napi_value exports, const char* name, napi_callback callback) {
  napi_value function = nullptr;
  napi_create_function(env, name, NAPI_AUTO_LENGTH, callback, nullptr, &function);
  napi_set_named_property(env, exports, name, function);
}

napi_value initialize(napi_env env, napi_value exports) {
  static std::once_flag isRegistered;
  try {
    std::call_once(isRegistered, registerOps);
    define(env, exports, "setThreads", setThreads);
    define(env, exports, "canComputeInBf16", canComputeInBf16);
  } catch (const std::exception& error) {
    napi_throw_error(env, nullptr, error.what());
  }
  return exports;
}

}  // namespace
}  // namespace tensorflow
}  // namespace emu

NAPI_MODULE_INIT() { return emu::tensorflow::initialize(env, exports); }
