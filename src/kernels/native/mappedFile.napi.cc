// Read-only mapped files: regions reach JavaScript as external ArrayBuffers. The pages stay mapped
// until the file is closed and the last region is garbage.
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <string>

#include "binding.h"

namespace emu {
namespace {

class Mapping {
 public:
  explicit Mapping(const std::string& path) {
    const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (file < 0) fail(path);
    // Not fstat(): that would ask for glibc 2.33.
    const off_t size = lseek(file, 0, SEEK_END);
    if (size < 0) {
      close(file);
      fail(path);
    }
    size_ = static_cast<size_t>(size);
    if (size_ > 0) {
      void* start = mmap(nullptr, size_, PROT_READ, MAP_SHARED, file, 0);
      if (start == MAP_FAILED) {
        close(file);
        fail(path);
      }
      start_ = static_cast<uint8_t*>(start);
    }
    close(file);
  }
  ~Mapping() {
    if (start_) munmap(start_, size_);
  }
  Mapping(const Mapping&) = delete;
  Mapping& operator=(const Mapping&) = delete;

  uint8_t* start() const { return start_; }
  size_t size() const { return size_; }

  // Has the system read ahead the pages of a region; does not wait.
  void prefetch(size_t offset, size_t length) const {
    const size_t page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
    const size_t begin = offset / page * page;
    madvise(start_ + begin, offset + length - begin, MADV_WILLNEED);
  }

 private:
  [[noreturn]] static void fail(const std::string& path) {
    throw std::runtime_error(path + ": " + std::strerror(errno));
  }

  uint8_t* start_ = nullptr;
  size_t size_ = 0;
};

using SharedMapping = std::shared_ptr<Mapping>;

const SharedMapping& mappingOf(const Call& call, size_t index) {
  void* data = nullptr;
  if (napi_get_value_external(call.env(), call.value(index), &data) != napi_ok || !data) {
    call.fail(index, "a mapping");
  }
  const auto& mapping = *static_cast<SharedMapping*>(data);
  if (!mapping) call.fail(index, "a mapping that is not closed");
  return mapping;
}

void checkRange(const Call& call, const Mapping& mapping, size_t offset, size_t length) {
  if (offset > mapping.size() || length > mapping.size() - offset) {
    call.fail(1, "a region inside the file of " + std::to_string(mapping.size()) + " bytes");
  }
}

struct Region {
  SharedMapping mapping;
  int64_t length;
};

void finalizeRegion(napi_env env, void*, void* hint) {
  Region* region = static_cast<Region*>(hint);
  int64_t total;
  napi_adjust_external_memory(env, region->length, &total);
  delete region;
}

}  // namespace

EMU_EXPORT(mapOpen) {  // (path) -> mapping
  auto mapping = std::make_unique<SharedMapping>(std::make_shared<Mapping>(call.text(0)));
  napi_value external;
  napi_create_external(
      call.env(), mapping.get(),
      [](napi_env, void* data, void*) { delete static_cast<SharedMapping*>(data); }, nullptr,
      &external);
  mapping.release();
  call.returns(external);
}

EMU_EXPORT(mapSize) {  // (mapping) -> bytes
  napi_value size;
  napi_create_double(call.env(), static_cast<double>(mappingOf(call, 0)->size()), &size);
  call.returns(size);
}

EMU_EXPORT(mapRegion) {  // (mapping, offset, length > 0) -> ArrayBuffer on the mapped pages
  const SharedMapping& mapping = mappingOf(call, 0);
  const size_t offset = call.size(1), length = call.size(2);
  if (length == 0) call.fail(2, "a length above 0");
  checkRange(call, *mapping, offset, length);
  auto region = std::make_unique<Region>(Region{mapping, static_cast<int64_t>(length)});
  napi_value buffer;
  if (napi_create_external_arraybuffer(call.env(), mapping->start() + offset, length,
                                       finalizeRegion, region.get(), &buffer) != napi_ok) {
    throw std::runtime_error("mapRegion: the region does not fit in an ArrayBuffer");
  }
  // File pages are not the heap's burden: without this, opening 9 GB of weights makes the collector
  // run after every few tensors.
  int64_t total;
  napi_adjust_external_memory(call.env(), -region->length, &total);
  region.release();
  call.returns(buffer);
}

EMU_EXPORT(mapPrefetch) {  // (mapping, offset, length)
  const SharedMapping& mapping = mappingOf(call, 0);
  const size_t offset = call.size(1), length = call.size(2);
  checkRange(call, *mapping, offset, length);
  if (length > 0) mapping->prefetch(offset, length);
}

EMU_EXPORT(mapClose) {  // (mapping): regions stay valid
  void* data = nullptr;
  if (napi_get_value_external(call.env(), call.value(0), &data) == napi_ok && data) {
    static_cast<SharedMapping*>(data)->reset();
  }
}

}  // namespace emu
