// Loads libtensorflow before all that is linked with it: with the environment that it is to see,
// and without its notes. A Node addon that depends on nothing of TensorFlow's.
#include <dlfcn.h>
#include <fcntl.h>
#include <node_api.h>
#include <stdlib.h>
#include <unistd.h>

#include <string>

namespace {

std::string text(napi_env env, napi_value value) {
  size_t size = 0;
  if (napi_get_value_string_utf8(env, value, nullptr, 0, &size) != napi_ok) return {};
  std::string bytes(size + 1, '\0');
  napi_get_value_string_utf8(env, value, &bytes[0], bytes.size(), &size);
  bytes.resize(size);
  return bytes;
}

// setEnvironment(name, value), as setenv(3).
napi_value setEnvironment(napi_env env, napi_callback_info info) {
  size_t count = 2;
  napi_value arguments[2];
  napi_get_cb_info(env, info, &count, arguments, nullptr, nullptr);
  setenv(text(env, arguments[0]).c_str(), text(env, arguments[1]).c_str(), 1);
  return nullptr;
}

// Nothing reaches stderr while it lives.
class Silence {
 public:
  Silence() : stderr_(dup(STDERR_FILENO)) {
    const int nothing = open("/dev/null", O_WRONLY | O_CLOEXEC);
    if (stderr_ >= 0 && nothing >= 0) dup2(nothing, STDERR_FILENO);
    if (nothing >= 0) close(nothing);
  }
  ~Silence() {
    if (stderr_ < 0) return;
    dup2(stderr_, STDERR_FILENO);
    close(stderr_);
  }
  Silence(const Silence&) = delete;
  Silence& operator=(const Silence&) = delete;

 private:
  const int stderr_;
};

// load(file, level): one of TensorFlow's libraries, or what goes with them. It stays until the
// process ends, even where the worker thread that wanted it ends before: TensorFlow has threads, and
// functions that are called at the end. It tells on stderr which instructions it uses, partly while
// it is loaded, and heeds no variable about that; afterwards its logging library does, by a function
// that is found by its name in the pinned version: `level` and above are printed (0 notes, 2 errors,
// 3 what ends the process).
napi_value load(napi_env env, napi_callback_info info) {
  size_t count = 2;
  napi_value arguments[2];
  napi_get_cb_info(env, info, &count, arguments, nullptr, nullptr);
  int32_t level = 0;
  napi_get_value_int32(env, arguments[1], &level);
  void* library;
  {
    const Silence silence;
    library = dlopen(text(env, arguments[0]).c_str(), RTLD_LAZY | RTLD_LOCAL | RTLD_NODELETE);
  }
  if (!library) {
    napi_throw_error(env, nullptr, dlerror());
    return nullptr;
  }
  void* setMinLogLevel =
      dlsym(library, "_ZN4absl12lts_2025081414SetMinLogLevelENS0_18LogSeverityAtLeastE");
  if (setMinLogLevel) reinterpret_cast<void (*)(int)>(setMinLogLevel)(level);
  return nullptr;
}

void define(napi_env env, napi_value exports, const char* name, napi_callback callback) {
  napi_value function = nullptr;
  napi_create_function(env, name, NAPI_AUTO_LENGTH, callback, nullptr, &function);
  napi_set_named_property(env, exports, name, function);
}

}  // namespace

NAPI_MODULE_INIT() {
  define(env, exports, "setEnvironment", setEnvironment);
  define(env, exports, "load", load);
  return exports;
}
