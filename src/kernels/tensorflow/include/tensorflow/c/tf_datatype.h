// Stands in for TensorFlow's own header of this name.
#include "../../../cApi.h"
