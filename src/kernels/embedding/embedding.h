// Rows of a table, and the scatter-add that is its gradient.
#ifndef EMU_KERNELS_EMBEDDING_EMBEDDING_H_
#define EMU_KERNELS_EMBEDDING_EMBEDDING_H_

#include <cstddef>
#include <cstdint>

#include "../native/encoding.h"
#include "../native/select.h"

namespace emu {

struct EmbeddingArgs {
  const int32_t* ids;  // [numIds], each in [0, numRows)
  Weight table;        // [numRows, size]
  float* out;          // [numIds, size]
  size_t numIds, size;
};

struct EmbeddingGradArgs {
  const int32_t* ids;  // [numIds], each in [0, numRows)
  const float* dy;     // [numIds, size]
  float* dTable;       // [numRows, size]
  size_t numIds, numRows, size;
};

EMU_VARIANTS(embedding, EmbeddingArgs)
EMU_VARIANTS(embeddingGrad, EmbeddingGradArgs)

}  // namespace emu

#endif  // EMU_KERNELS_EMBEDDING_EMBEDDING_H_
