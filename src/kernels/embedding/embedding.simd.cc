#include "embedding.h"

#include "../native/encoded.h"
#include "../native/simd.h"
#include "../native/threadPool.h"

namespace emu {
namespace EMU_ISA {
namespace {

constexpr size_t kPieceElements = 16384;

size_t rowsPerPiece(size_t size) {
  return size > 0 && size < kPieceElements ? kPieceElements / size : 1;
}

template <Encoding E>
void copyRow(const void* table, size_t start, size_t size, float* out) {
  size_t i = 0;
  for (; i + kLanes <= size; i += kLanes) store(out + i, loadAs<E>(table, start + i));
  if (i < size) storePartial(out + i, loadPartialAs<E>(table, start + i, size - i), size - i);
}

void addRow(const float* row, size_t size, float* sums) {
  size_t i = 0;
  for (; i + kLanes <= size; i += kLanes) store(sums + i, load(sums + i) + load(row + i));
  const size_t rest = size - i;
  if (rest > 0) {
    storePartial(sums + i, loadPartial(sums + i, rest) + loadPartial(row + i, rest), rest);
  }
}

}  // namespace

void embedding(const EmbeddingArgs& args) {
  withEncoding(args.table.encoding, [&](auto tag) {
    constexpr Encoding kEncoding = decltype(tag)::value;
    parallelFor(args.numIds, rowsPerPiece(args.size), [&](size_t begin, size_t end) {
      for (size_t i = begin; i < end; ++i) {
        const size_t start = static_cast<size_t>(args.ids[i]) * args.size;
        copyRow<kEncoding>(args.table.data, start, args.size, args.out + i * args.size);
      }
    });
  });
}

// A piece owns rows of the table and looks for them among all ids, in order: no two pieces write
// one row, and the sums don't depend on the threads.
void embeddingGrad(const EmbeddingGradArgs& args) {
  const size_t size = args.size;
  const size_t rowsForMemory = rowsPerPiece(size);
  // At most about 64 pieces, because each scans all ids.
  const size_t rowsForScan = (args.numRows + 63) / 64;
  const size_t grain = rowsForMemory > rowsForScan ? rowsForMemory : rowsForScan;
  parallelFor(args.numRows, grain, [&](size_t begin, size_t end) {
    memset(args.dTable + begin * size, 0, (end - begin) * size * sizeof(float));
    for (size_t i = 0; i < args.numIds; ++i) {
      const size_t row = static_cast<size_t>(args.ids[i]);
      if (row < begin || row >= end) continue;
      addRow(args.dy + i * size, size, args.dTable + row * size);
    }
  });
}

}  // namespace EMU_ISA
}  // namespace emu
