#include "attention.h"

#include "../native/binding.h"

namespace emu {
namespace {

// Arguments 0 to 10 of both exports: q, k, v, bias | null, keyStart | null, keyEnd | null,
// sizes = [batch, queries, heads, headDim, rows, capacity, keys], isBiasShared, isStartPerQuery,
// isCausal, scale
AttentionInputs readInputs(const Call& call) {
  AttentionInputs in;
  const std::vector<size_t> sizes = call.sizes(6);
  if (sizes.size() != 7) call.fail(6, "7 sizes");
  in.batch = sizes[0];
  in.queries = sizes[1];
  in.heads = sizes[2];
  in.headDim = sizes[3];
  in.rows = sizes[4];
  in.capacity = sizes[5];
  in.keys = sizes[6];
  in.isBiasShared = call.flag(7);
  in.isStartPerQuery = call.flag(8);
  in.isCausal = call.flag(9);
  in.scale = static_cast<float>(call.number(10));
  const size_t cacheSize = in.rows * in.capacity * in.heads * in.headDim;
  in.q = call.floats(0, in.batch * in.queries * in.heads * in.headDim);
  in.k = call.floats(1, cacheSize);
  in.v = call.floats(2, cacheSize);
  in.bias =
      call.optionalFloats(3, (in.isBiasShared ? 1 : in.batch) * in.heads * in.queries * in.keys);
  in.keyStart = call.optionalInts(4, in.batch * (in.isStartPerQuery ? in.queries : 1));
  in.keyEnd = call.optionalInts(5, in.batch);
  return in;
}

// Without cacheRows sequence b reads row b.
void checkOwnRows(const Call& call, const AttentionInputs& in) {
  if (in.rows < in.batch) call.fail(6, "a cache row for each sequence");
  if (in.keys > in.capacity) call.fail(6, "no more keys than the capacity");
}

}  // namespace

EMU_EXPORT(attention) {  // (inputs..., cacheRows | null, out, logSumExp)
  AttentionArgs args;
  args.in = readInputs(call);
  const AttentionInputs& in = args.in;
  args.cacheRows = call.optionalInts(11, in.batch * in.keys);
  args.out = call.floats(12, in.batch * in.queries * in.heads * in.headDim);
  args.logSumExp = call.floats(13, in.batch * in.heads * in.queries);
  if (args.cacheRows) {
    // Positions beyond the capacity lie in the rows after theirs.
    const size_t places = in.rows * in.capacity;
    for (size_t i = 0; i < in.batch * in.keys; ++i) {
      const int32_t row = args.cacheRows[i];
      if (row < 0 || static_cast<size_t>(row) >= in.rows ||
          static_cast<size_t>(row) * in.capacity + i % in.keys >= places) {
        call.fail(11, "rows of the cache");
      }
    }
  } else {
    checkOwnRows(call, in);
  }
  attention(args);
}

EMU_EXPORT(attentionGrad) {  // (inputs..., out, logSumExp, dy, dq, dk, dv, dBias | null)
  AttentionGradArgs args;
  args.in = readInputs(call);
  const AttentionInputs& in = args.in;
  checkOwnRows(call, in);
  const size_t querySize = in.batch * in.queries * in.heads * in.headDim;
  const size_t cacheSize = in.rows * in.capacity * in.heads * in.headDim;
  args.out = call.floats(11, querySize);
  args.logSumExp = call.floats(12, in.batch * in.heads * in.queries);
  args.dy = call.floats(13, querySize);
  args.dq = call.floats(14, querySize);
  args.dk = call.floats(15, cacheSize);
  args.dv = call.floats(16, cacheSize);
  args.dBias = in.bias ? call.optionalFloats(
                             17, (in.isBiasShared ? 1 : in.batch) * in.heads * in.queries * in.keys)
                       : nullptr;
  attentionGrad(args);
}

}  // namespace emu
