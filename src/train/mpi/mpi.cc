// MPI for data-parallel training: the addon emu-mpi.node, which scripts/build-native.js builds
// where mpi.h is. One thread calls it, whichever opened it.
#include <mpi.h>
#include <sched.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <stdexcept>
#include <string>
#include <vector>

#include "../../kernels/native/binding.h"

namespace emu {
namespace {

enum class State { kUnopened, kOpen, kClosed };

// MPI can be opened once in a process, whichever JavaScript thread does it.
State state = State::kUnopened;
int worldRank = 0, worldSize = 1;

void check(int code, const char* operation) {
  if (code == MPI_SUCCESS) return;
  char text[MPI_MAX_ERROR_STRING];
  int length = 0;
  MPI_Error_string(code, text, &length);
  throw std::runtime_error(std::string(operation) + ": " + std::string(text, length));
}

void requireOpen() {
  if (state == State::kOpen) return;
  throw std::runtime_error(state == State::kClosed ? "MPI is closed in this process"
                                                   : "MPI is not open in this process");
}

// Ranks of this machine that may use exactly the cores that this one may, this one included.
int countCoreSharers() {
  MPI_Comm machine;
  check(MPI_Comm_split_type(MPI_COMM_WORLD, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &machine),
        "MPI_Comm_split_type");
  int ranks = 1;
  check(MPI_Comm_size(machine, &ranks), "MPI_Comm_size");
  cpu_set_t mine;
  std::memset(&mine, 0, sizeof(mine));
  sched_getaffinity(0, sizeof(mine), &mine);
  std::vector<cpu_set_t> all(ranks);
  check(MPI_Allgather(&mine, sizeof(mine), MPI_BYTE, all.data(), sizeof(mine), MPI_BYTE, machine),
        "MPI_Allgather");
  check(MPI_Comm_free(&machine), "MPI_Comm_free");
  return static_cast<int>(std::count_if(
      all.begin(), all.end(), [&](const cpu_set_t& other) { return CPU_EQUAL(&mine, &other); }));
}

MPI_Datatype datatypeOf(const float*) { return MPI_FLOAT; }
MPI_Datatype datatypeOf(const double*) { return MPI_DOUBLE; }

// What one rank adds up at a time, 128 KB of floats: from every rank, it stays in the cache.
constexpr size_t kPiece = size_t{1} << 15;

// out[i] = pieces[0][i] + pieces[1][i] + ..., in that order, in float64; a piece a rank.
template <class T>
void addPieces(const std::vector<T>& pieces, size_t count, T* out) {
  constexpr size_t kBlock = 256;
  double sums[kBlock];
  for (size_t begin = 0; begin < count; begin += kBlock) {
    const size_t n = std::min(kBlock, count - begin);
    for (size_t i = 0; i < n; ++i) sums[i] = pieces[begin + i];
    for (int rank = 1; rank < worldSize; ++rank) {
      const T* piece = &pieces[rank * count + begin];
      for (size_t i = 0; i < n; ++i) sums[i] += piece[i];
    }
    for (size_t i = 0; i < n; ++i) out[begin + i] = static_cast<T>(sums[i]);
  }
}

// Sums `values` over the ranks in place. Each rank adds up its own piece, in the order of ranks,
// and gives the result to all. MPI_Allreduce moves as many bytes, but its order of additions, and
// whether all ranks get the same bits, are its algorithm's, which Open MPI chooses by size and
// configuration.
template <class T>
void sumInPlace(T* values, size_t count) {
  const MPI_Datatype datatype = datatypeOf(values);
  const size_t window = kPiece * worldSize;
  std::vector<int> counts(worldSize), offsets(worldSize), ownCounts(worldSize),
      ownOffsets(worldSize);
  std::vector<T> pieces;
  for (size_t begin = 0; begin < count; begin += window) {
    const size_t n = std::min(window, count - begin);
    const size_t piece = (n + worldSize - 1) / worldSize;
    for (int rank = 0; rank < worldSize; ++rank) {
      const size_t from = std::min(n, rank * piece);
      offsets[rank] = static_cast<int>(from);
      counts[rank] = static_cast<int>(std::min(n, from + piece) - from);
    }
    const int own = counts[worldRank];
    for (int rank = 0; rank < worldSize; ++rank) {
      ownCounts[rank] = own;
      ownOffsets[rank] = rank * own;
    }
    pieces.resize(static_cast<size_t>(own) * worldSize);
    T* here = values + begin;
    check(MPI_Alltoallv(here, counts.data(), offsets.data(), datatype, pieces.data(),
                        ownCounts.data(), ownOffsets.data(), datatype, MPI_COMM_WORLD),
          "MPI_Alltoallv");
    addPieces(pieces, own, here + offsets[worldRank]);
    check(MPI_Allgatherv(MPI_IN_PLACE, 0, MPI_DATATYPE_NULL, here, counts.data(), offsets.data(),
                         datatype, MPI_COMM_WORLD),
          "MPI_Allgatherv");
  }
}

struct TypedArray {
  napi_typedarray_type type{};
  size_t length = 0;
  void* data = nullptr;
};

TypedArray typedArray(const Call& call, size_t index) {
  call.bytes(index, 0);  // throws for anything else
  TypedArray array;
  napi_get_typedarray_info(call.env(), call.value(index), &array.type, &array.length, &array.data,
                           nullptr, nullptr);
  return array;
}

size_t elementBytes(napi_typedarray_type type) {
  switch (type) {
    case napi_uint8_array:
      return 1;
    case napi_float32_array:
      return 4;
    case napi_float64_array:
      return 8;
    default:
      return 0;
  }
}

void setNumber(napi_env env, napi_value object, const char* name, double number) {
  napi_value value;
  napi_create_double(env, number, &value);
  napi_set_named_property(env, object, name, value);
}

}  // namespace

EMU_EXPORT(version) {  // () -> what the MPI library says it is
  char text[MPI_MAX_LIBRARY_VERSION_STRING];
  int length = 0;
  check(MPI_Get_library_version(text, &length), "MPI_Get_library_version");
  napi_value value;
  napi_create_string_utf8(call.env(), text, length, &value);
  call.returns(value);
}

EMU_EXPORT(open) {  // () -> {rank, size, coreSharers}
  if (state != State::kUnopened) throw std::runtime_error("MPI was opened before in this process");
  // A rank that waits gives way to threads that compute: without it, four ranks on two cores took
  // over 30 times as long for a sum (docs/scale.md). mpirun sets it only where it knows that cores
  // are short.
  setenv("OMPI_MCA_mpi_yield_when_idle", "1", /*overwrite=*/0);
  int threads = 0;
  check(MPI_Init_thread(nullptr, nullptr, MPI_THREAD_SERIALIZED, &threads), "MPI_Init_thread");
  state = State::kOpen;
  check(MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN), "MPI_Comm_set_errhandler");
  if (threads < MPI_THREAD_SERIALIZED) {
    throw std::runtime_error("this MPI library serves the main thread only");
  }
  check(MPI_Comm_rank(MPI_COMM_WORLD, &worldRank), "MPI_Comm_rank");
  check(MPI_Comm_size(MPI_COMM_WORLD, &worldSize), "MPI_Comm_size");
  napi_value result;
  napi_create_object(call.env(), &result);
  setNumber(call.env(), result, "rank", worldRank);
  setNumber(call.env(), result, "size", worldSize);
  setNumber(call.env(), result, "coreSharers", countCoreSharers());
  call.returns(result);
}

EMU_EXPORT(sum) {  // (Float32Array or Float64Array): summed in place over the ranks
  requireOpen();
  const TypedArray array = typedArray(call, 0);
  if (array.type == napi_float32_array) {
    sumInPlace(static_cast<float*>(array.data), array.length);
  } else if (array.type == napi_float64_array) {
    sumInPlace(static_cast<double*>(array.data), array.length);
  } else {
    call.fail(0, "a Float32Array or Float64Array");
  }
}

EMU_EXPORT(broadcast) {  // (Uint8Array, Float32Array or Float64Array; root)
  requireOpen();
  const TypedArray array = typedArray(call, 0);
  const size_t width = elementBytes(array.type);
  if (width == 0) call.fail(0, "a Uint8Array, Float32Array or Float64Array");
  const size_t root = call.size(1);
  if (root >= static_cast<size_t>(worldSize)) call.fail(1, "a rank");
  constexpr size_t kMost = size_t{1} << 28;  // MPI counts in int
  uint8_t* bytes = static_cast<uint8_t*>(array.data);
  for (size_t left = array.length * width; left > 0;) {
    const size_t n = std::min(kMost, left);
    check(MPI_Bcast(bytes, static_cast<int>(n), MPI_BYTE, static_cast<int>(root), MPI_COMM_WORLD),
          "MPI_Bcast");
    bytes += n;
    left -= n;
  }
}

EMU_EXPORT(barrier) {
  requireOpen();
  check(MPI_Barrier(MPI_COMM_WORLD), "MPI_Barrier");
}

EMU_EXPORT(abort) {  // (code): ends all ranks
  requireOpen();
  MPI_Abort(MPI_COMM_WORLD, static_cast<int>(call.size(0)));
}

EMU_EXPORT(close) {  // waits for the other ranks to close
  requireOpen();
  state = State::kClosed;
  check(MPI_Finalize(), "MPI_Finalize");
}

}  // namespace emu
