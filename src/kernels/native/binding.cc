#include "binding.h"

#include <cmath>
#include <new>

#include "cancel.h"

namespace emu {

const Export* Export::first = nullptr;

Export::Export(const char* exportName, void (*exportFunction)(Call&))
    : name(exportName), function(exportFunction), next(first) {
  first = this;
}

Call::Call(napi_env env, napi_callback_info info, const char* name) : env_(env), name_(name) {
  napi_get_cb_info(env, info, &count_, values_, nullptr, nullptr);
  if (count_ > kMaxArguments) count_ = kMaxArguments;
}

void Call::fail(size_t index, const std::string& expected) const {
  throw ArgumentError(std::string(name_) + ": expected " + expected + " as argument " +
                      std::to_string(index + 1));
}

bool Call::isMissing(size_t index) const {
  if (index >= count_) return true;
  napi_valuetype type;
  napi_typeof(env_, values_[index], &type);
  return type == napi_undefined || type == napi_null;
}

void* Call::typedArray(size_t index, napi_typedarray_type type, size_t count,
                       const char* name) const {
  bool isTypedArray = false;
  napi_typedarray_type found{};
  size_t length = 0;
  void* data = nullptr;
  if (index < count_) napi_is_typedarray(env_, values_[index], &isTypedArray);
  if (isTypedArray) {
    napi_get_typedarray_info(env_, values_[index], &found, &length, &data, nullptr, nullptr);
  }
  if (!isTypedArray || found != type) fail(index, name);
  if (length < count) {
    fail(index, std::string(name) + " of at least " + std::to_string(count) + " elements, got " +
                    std::to_string(length));
  }
  return data;
}

float* Call::floats(size_t index, size_t count) const {
  return static_cast<float*>(typedArray(index, napi_float32_array, count, "a Float32Array"));
}

int32_t* Call::ints(size_t index, size_t count) const {
  return static_cast<int32_t*>(typedArray(index, napi_int32_array, count, "an Int32Array"));
}

float* Call::optionalFloats(size_t index, size_t count) const {
  return isMissing(index) ? nullptr : floats(index, count);
}

int32_t* Call::optionalInts(size_t index, size_t count) const {
  return isMissing(index) ? nullptr : ints(index, count);
}

uint8_t* Call::bytes(size_t index, size_t count) const {
  bool isTypedArray = false;
  if (index < count_) napi_is_typedarray(env_, values_[index], &isTypedArray);
  if (!isTypedArray) fail(index, "a typed array");
  napi_typedarray_type type;
  size_t length = 0;
  void* data = nullptr;
  napi_get_typedarray_info(env_, values_[index], &type, &length, &data, nullptr, nullptr);
  size_t width = 8;
  switch (type) {
    case napi_int8_array:
    case napi_uint8_array:
    case napi_uint8_clamped_array:
      width = 1;
      break;
    case napi_int16_array:
    case napi_uint16_array:
      width = 2;
      break;
    case napi_int32_array:
    case napi_uint32_array:
    case napi_float32_array:
      width = 4;
      break;
    default:
      break;
  }
  if (length * width < count) {
    fail(index, "a typed array of at least " + std::to_string(count) + " bytes, got " +
                    std::to_string(length * width));
  }
  return static_cast<uint8_t*>(data);
}

Weight Call::weight(size_t index, size_t encodingIndex, size_t count, size_t rowSize) const {
  const size_t code = size(encodingIndex);
  if (code > static_cast<size_t>(kLastEncoding)) fail(encodingIndex, "an encoding's code");
  const Encoding encoding = static_cast<Encoding>(code);
  if (rowSize % elementsPerBlock(encoding) != 0) fail(index, "rows of whole blocks");
  return {bytes(index, encodedBytes(encoding, count)), encoding};
}

std::vector<size_t> Call::sizes(size_t index) const {
  const int32_t* data = ints(index, 0);
  size_t length = 0;
  napi_get_typedarray_info(env_, values_[index], nullptr, &length, nullptr, nullptr, nullptr);
  std::vector<size_t> result(length);
  for (size_t i = 0; i < length; ++i) {
    if (data[i] < 0) fail(index, "an Int32Array of sizes");
    result[i] = static_cast<size_t>(data[i]);
  }
  return result;
}

double Call::number(size_t index) const {
  double result = 0;
  if (index >= count_ || napi_get_value_double(env_, values_[index], &result) != napi_ok) {
    fail(index, "a number");
  }
  return result;
}

size_t Call::size(size_t index) const {
  const double result = number(index);
  if (!(result >= 0 && result <= 9007199254740991.0 && result == std::floor(result))) {
    fail(index, "a whole number >= 0");
  }
  return static_cast<size_t>(result);
}

bool Call::flag(size_t index) const {
  bool result = false;
  if (index >= count_ || napi_get_value_bool(env_, values_[index], &result) != napi_ok) {
    fail(index, "true or false");
  }
  return result;
}

std::string Call::text(size_t index) const {
  size_t length = 0;
  if (index >= count_ ||
      napi_get_value_string_utf8(env_, values_[index], nullptr, 0, &length) != napi_ok) {
    fail(index, "a string");
  }
  std::string result(length + 1, '\0');
  napi_get_value_string_utf8(env_, values_[index], &result[0], length + 1, &length);
  result.resize(length);
  return result;
}

namespace {

napi_value invoke(napi_env env, napi_callback_info info) {
  void* data = nullptr;
  napi_get_cb_info(env, info, nullptr, nullptr, nullptr, &data);
  const Export& entry = *static_cast<const Export*>(data);
  try {
    Call call(env, info, entry.name);
    entry.function(call);
    return call.result();
  } catch (const Cancelled&) {
    napi_throw_error(env, "cancelled", "the computation was cancelled");
  } catch (const ArgumentError& error) {
    napi_throw_type_error(env, nullptr, error.what());
  } catch (const std::bad_alloc&) {
    napi_throw_error(env, "out_of_memory", (std::string(entry.name) + ": out of memory").c_str());
  } catch (const std::exception& error) {
    napi_throw_error(env, nullptr, error.what());
  }
  return nullptr;
}

}  // namespace
}  // namespace emu

NAPI_MODULE_INIT() {
  for (const emu::Export* entry = emu::Export::first; entry; entry = entry->next) {
    napi_value function;
    napi_create_function(env, entry->name, NAPI_AUTO_LENGTH, emu::invoke,
                         const_cast<emu::Export*>(entry), &function);
    napi_set_named_property(env, exports, entry->name, function);
  }
  return exports;
}
