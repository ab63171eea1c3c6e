#include "embedding.h"

#include "../native/binding.h"

namespace emu {
namespace {

void checkIds(const Call& call, const int32_t* ids, size_t numIds, size_t numRows) {
  for (size_t i = 0; i < numIds; ++i) {
    if (ids[i] < 0 || static_cast<size_t>(ids[i]) >= numRows) call.fail(0, "ids within the table");
  }
}

}  // namespace

EMU_EXPORT(embedding) {  // (ids, table, encoding, out, numIds, numRows, size)
  EmbeddingArgs args;
  args.numIds = call.size(4);
  const size_t numRows = call.size(5);
  args.size = call.size(6);
  args.ids = call.ints(0, args.numIds);
  args.table = call.weight(1, 2, numRows * args.size, args.size);
  args.out = call.floats(3, args.numIds * args.size);
  checkIds(call, args.ids, args.numIds, numRows);
  embedding(args);
}

EMU_EXPORT(embeddingGrad) {  // (ids, dy, dTable, numIds, numRows, size)
  EmbeddingGradArgs args;
  args.numIds = call.size(3);
  args.numRows = call.size(4);
  args.size = call.size(5);
  args.ids = call.ints(0, args.numIds);
  args.dy = call.floats(1, args.numIds * args.size);
  args.dTable = call.floats(2, args.numRows * args.size);
  checkIds(call, args.ids, args.numIds, args.numRows);
  embeddingGrad(args);
}

}  // namespace emu
