// From JavaScript to kernels: unpacks and checks arguments, turns C++ errors into JavaScript ones.
//
// Each op folder has a `name.napi.cc` with its entry points; nothing else has to be edited in C++:
//
//   EMU_EXPORT(rmsNorm) {  // (x, weight, encoding, out, rows, cols, eps)
//     RmsNormArgs args;
//     args.rows = call.size(4);
//     args.cols = call.size(5);
//     args.x = call.floats(0, args.rows * args.cols);
//     args.weight = call.weight(1, 2, args.cols, args.cols);
//     args.out = call.floats(3, args.rows * args.cols);
//     args.eps = call.number(6);
//     rmsNorm(args);
//   }
#ifndef EMU_KERNELS_NATIVE_BINDING_H_
#define EMU_KERNELS_NATIVE_BINDING_H_

#include <node_api.h>

#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

#include "encoding.h"

namespace emu {

// A wrong argument: reaches JavaScript as a TypeError.
class ArgumentError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// One call of an exported function. The accessors throw ArgumentError when argument `index` is of
// another type or holds fewer than `count` elements.
class Call {
 public:
  static constexpr size_t kMaxArguments = 32;

  Call(napi_env env, napi_callback_info info, const char* name);

  float* floats(size_t index, size_t count) const;
  int32_t* ints(size_t index, size_t count) const;
  uint8_t* bytes(size_t index, size_t count) const;  // any typed array, `count` in bytes
  // nullptr when the argument is null or undefined
  float* optionalFloats(size_t index, size_t count) const;
  int32_t* optionalInts(size_t index, size_t count) const;
  // A weight of `count` elements in rows of `rowSize`: bytes at `index`, its encoding's code at
  // `encodingIndex`.
  Weight weight(size_t index, size_t encodingIndex, size_t count, size_t rowSize) const;
  std::vector<size_t> sizes(size_t index) const;  // an Int32Array of non-negative numbers

  double number(size_t index) const;
  size_t size(size_t index) const;  // a whole number >= 0
  bool flag(size_t index) const;
  std::string text(size_t index) const;
  bool isMissing(size_t index) const;  // null, undefined or not given

  napi_env env() const { return env_; }
  napi_value value(size_t index) const { return index < count_ ? values_[index] : nullptr; }
  // Sets what the call returns; without it the call returns undefined.
  void returns(napi_value value) { result_ = value; }
  napi_value result() const { return result_; }

  [[noreturn]] void fail(size_t index, const std::string& expected) const;

 private:
  void* typedArray(size_t index, napi_typedarray_type type, size_t count, const char* name) const;

  napi_env env_;
  const char* name_;
  size_t count_ = kMaxArguments;
  napi_value values_[kMaxArguments];
  napi_value result_ = nullptr;
};

// An entry of the addon's table, linked into a list before main().
struct Export {
  Export(const char* name, void (*function)(Call&));
  const char* name;
  void (*function)(Call&);
  const Export* next;
  static const Export* first;
};

#define EMU_EXPORT(name)                                               \
  static void emuCall_##name(::emu::Call& call);                       \
  static const ::emu::Export emuExport_##name(#name, &emuCall_##name); \
  static void emuCall_##name([[maybe_unused]] ::emu::Call& call)

}  // namespace emu

#endif  // EMU_KERNELS_NATIVE_BINDING_H_
