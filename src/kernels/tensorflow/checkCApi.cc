// Compiles only if cApi.h says what TensorFlow's own headers say: a function declared otherwise
// there is a conflict, and sizes and numbers are asserted. Never linked. To be run when the pinned
// version changes, with the folder include/ of a wheel of tensorflow-cpu:
//   c++ -std=c++17 -fsyntax-only -Iinclude src/kernels/tensorflow/checkCApi.cc
#include <cstddef>
#include <type_traits>

#include "tensorflow/c/c_api.h"
#include "tensorflow/c/eager/c_api.h"
#include "tensorflow/c/kernels.h"
#include "tensorflow/c/ops.h"
#include "tensorflow/c/tf_tstring.h"

#define EMU_CHECK_C_API
#include "cApi.h"

#define EMU_SAME_NUMBER(name, value) static_assert(static_cast<int>(name) == value, #name);
EMU_TF_DATA_TYPES(EMU_SAME_NUMBER)
EMU_TF_CODES(EMU_SAME_NUMBER)
EMU_TF_ATTR_TYPES(EMU_SAME_NUMBER)

static_assert(sizeof(TF_TString) == EMU_TF_STRING_SIZE, "TF_TString");
static_assert(sizeof(TF_Output) == 16 && offsetof(TF_Output, oper) == 0, "TF_Output");
static_assert(offsetof(TF_Output, index) == 8, "TF_Output");
static_assert(std::is_same<decltype(TF_Output::index), int>::value, "TF_Output");
