// softmax(scale q k^T + bias) v per head, and its gradient.
#ifndef EMU_KERNELS_ATTENTION_ATTENTION_H_
#define EMU_KERNELS_ATTENTION_ATTENTION_H_

#include <cstddef>
#include <cstdint>

#include "../native/select.h"

namespace emu {

// What both directions read. Query t of sequence b sees the keys s with
// keyStart[b] <= s < keyEnd[b] (keyStart[b, t] if isStartPerQuery), and if isCausal
// s <= keys - queries + t.
struct AttentionInputs {
  const float* q;     // [batch, queries, heads, headDim]
  const float* k;     // [rows, capacity, heads, headDim], of which `keys` positions are filled
  const float* v;     // like k
  const float* bias;  // [1 or batch, heads, queries, keys] or nullptr
  const int32_t* keyStart;  // [batch], [batch, queries] or nullptr: 0
  const int32_t* keyEnd;    // [batch] or nullptr: keys
  size_t batch, queries, heads, headDim, rows, capacity, keys;
  bool isBiasShared;     // bias is [1, ...]
  bool isStartPerQuery;  // keyStart is [batch, queries]
  bool isCausal;
  float scale;
};

struct AttentionArgs {
  AttentionInputs in;
  const int32_t* cacheRows;  // [batch, keys]: the row of k and v to read; nullptr: row b.
                             // Positions beyond the capacity count on into the rows after it
  float* out;                // [batch, queries, heads, headDim]
  float* logSumExp;          // [batch, heads, queries]; -infinity where a query sees no key
};

struct AttentionGradArgs {
  AttentionInputs in;
  const float* out;        // of the forward direction
  const float* logSumExp;  // of the forward direction
  const float* dy;         // [batch, queries, heads, headDim]
  float* dq;               // like q
  float* dk;               // like k
  float* dv;               // like v
  float* dBias;            // like bias, or nullptr
};

EMU_VARIANTS(attention, AttentionArgs)
EMU_VARIANTS(attentionGrad, AttentionGradArgs)

}  // namespace emu

#endif  // EMU_KERNELS_ATTENTION_ATTENTION_H_
