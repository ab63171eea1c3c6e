#include "threadPool.h"

#include <atomic>
#include <condition_variable>
#include <cstdlib>
#include <exception>
#include <mutex>
#include <new>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "cancel.h"
#include "cpu.h"

#if defined(__x86_64__)
#include <emmintrin.h>
#endif

#if defined(__GLIBCXX__)
// What a new compiler would ask of a new system is taken in its older form, so that the addon loads
// wherever Node itself does (glibc 2.28). libstdc++ has a second version of this since GCC 12 ...
__asm__(
    ".symver _ZNSt18condition_variable4waitERSt11unique_lockISt5mutexE,"
    "_ZNSt18condition_variable4waitERSt11unique_lockISt5mutexE@GLIBCXX_3.4.11");
// ... and shared_ptr reads this of glibc 2.32: here it says that there are always several threads.
extern "C" {
__attribute__((visibility("hidden"))) char __libc_single_threaded = 0;
}
#endif

namespace emu {
namespace {

std::atomic<bool> cancelRequested{false};

// True on a thread that is inside a piece: nested parallelFor() runs in place.
thread_local bool isInsidePiece = false;

void pause() {
#if defined(__x86_64__)
  _mm_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

// About 20 to 50 us: longer than the JavaScript between two kernels of a running model, short
// enough not to steal a core from another process.
constexpr int kSpins = 1000;

struct Job {
  size_t n, grain;
  RangeFunction function;
  void* context;
  std::atomic<size_t> next{0};
  std::atomic<bool> hasFailed{false};
  std::atomic<int> helpers{0};  // pool threads inside work()
  // Written by whoever sets hasFailed first. Not an exception_ptr: that would ask for GCC 11's library.
  enum class Failure { kCancelled, kNoMemory, kOther } failure = Failure::kOther;
  std::string message;  // of kOther

  // Takes pieces until none is left.
  void work() {
    isInsidePiece = true;
    try {
      while (!hasFailed.load(std::memory_order_relaxed)) {
        const size_t begin = next.fetch_add(grain, std::memory_order_relaxed);
        if (begin >= n) break;
        checkCancelled();
        function(context, begin, n - begin < grain ? n : begin + grain);
      }
    } catch (const Cancelled&) {
      fail(Failure::kCancelled);
    } catch (const std::bad_alloc&) {
      fail(Failure::kNoMemory);
    } catch (const std::exception& error) {
      fail(Failure::kOther, error.what());
    }
    isInsidePiece = false;
  }

  void fail(Failure kind, const char* what = "") {
    bool expected = false;
    if (!hasFailed.compare_exchange_strong(expected, true)) return;
    failure = kind;
    message = what;
  }

  [[noreturn]] void rethrow() const {
    if (failure == Failure::kCancelled) throw Cancelled{};
    if (failure == Failure::kNoMemory) throw std::bad_alloc();
    throw std::runtime_error(message);
  }
};

// Helpers join the current job under `mutex_` and are counted, so a helper that wakes late never
// touches a job that is over, and a job never waits for a helper that has not begun.
class Pool {
 public:
  explicit Pool(int threads) : threads_(threads) {
    for (int i = 1; i < threads; ++i) helpers_.emplace_back([this] { help(); });
  }

  ~Pool() {
    {
      std::lock_guard<std::mutex> lock(mutex_);
      isStopping_ = true;
      epoch_.fetch_add(1);
    }
    wake_.notify_all();
    for (std::thread& helper : helpers_) helper.join();
  }

  int threads() const { return threads_; }

  void run(Job& job) {
    {
      std::lock_guard<std::mutex> lock(mutex_);
      job_ = &job;
      epoch_.fetch_add(1, std::memory_order_release);
    }
    if (sleepers_.load() > 0) wake_.notify_all();
    job.work();
    std::unique_lock<std::mutex> lock(mutex_);
    job_ = nullptr;
    lock.unlock();
    for (int spin = 0; spin < kSpins && job.helpers.load(std::memory_order_acquire) > 0; ++spin)
      pause();
    lock.lock();
    done_.wait(lock, [&] { return job.helpers.load() == 0; });
  }

 private:
  void help() {
    unsigned seen = 0;
    for (;;) {
      for (int spin = 0; spin < kSpins && epoch_.load(std::memory_order_acquire) == seen; ++spin)
        pause();
      std::unique_lock<std::mutex> lock(mutex_);
      sleepers_.fetch_add(1);
      wake_.wait(lock, [&] { return epoch_.load() != seen; });
      sleepers_.fetch_sub(1);
      seen = epoch_.load();
      if (isStopping_) return;
      Job* job = job_;
      if (!job) continue;
      job->helpers.fetch_add(1);
      lock.unlock();
      job->work();
      lock.lock();
      if (job->helpers.fetch_sub(1, std::memory_order_release) == 1) done_.notify_one();
    }
  }

  const int threads_;
  std::vector<std::thread> helpers_;
  std::mutex mutex_;
  std::condition_variable wake_, done_;
  std::atomic<unsigned> epoch_{0};
  std::atomic<int> sleepers_{0};
  Job* job_ = nullptr;
  bool isStopping_ = false;
};

// JavaScript threads take turns: one job at a time. Never destroyed, for helpers may outlive
// main().
std::mutex& turn() {
  static auto* mutex = new std::mutex;
  return *mutex;
}

Pool*& pool() {
  static Pool* current = new Pool(allowedCores());
  return current;
}

struct Scratch {
  float* data[kScratchSlots] = {};
  size_t capacity[kScratchSlots] = {};
  ~Scratch() {
    for (float* buffer : data) std::free(buffer);
  }
};
thread_local Scratch threadScratch;

}  // namespace

void setCancelled(bool on) { cancelRequested.store(on, std::memory_order_relaxed); }

void checkCancelled() {
  if (cancelRequested.load(std::memory_order_relaxed)) throw Cancelled{};
}

int numThreads() {
  std::lock_guard<std::mutex> lock(turn());
  return pool()->threads();
}

void setNumThreads(int count) {
  std::lock_guard<std::mutex> lock(turn());
  const int wanted = count < 1 ? allowedCores() : count;
  if (wanted == pool()->threads()) return;
  delete pool();
  pool() = new Pool(wanted);
}

void runParallel(size_t n, size_t grain, RangeFunction function, void* context) {
  if (n == 0) return;
  if (grain == 0) grain = 1;
  if (isInsidePiece || n <= grain) {
    for (size_t begin = 0; begin < n; begin += grain) {
      checkCancelled();
      function(context, begin, n - begin < grain ? n : begin + grain);
    }
    return;
  }
  std::lock_guard<std::mutex> lock(turn());
  Job job;
  job.n = n;
  job.grain = grain;
  job.function = function;
  job.context = context;
  if (pool()->threads() == 1) {
    job.work();
  } else {
    pool()->run(job);
  }
  if (job.hasFailed) job.rethrow();
}

float* scratch(int slot, size_t count) {
  Scratch& buffers = threadScratch;
  if (buffers.capacity[slot] < count) {
    std::free(buffers.data[slot]);
    buffers.data[slot] = nullptr;
    buffers.capacity[slot] = 0;
    const size_t bytes = (count * sizeof(float) + 4095) / 4096 * 4096;
    void* memory = nullptr;
    if (posix_memalign(&memory, 64, bytes) != 0) throw std::bad_alloc();
    buffers.data[slot] = static_cast<float*>(memory);
    buffers.capacity[slot] = bytes / sizeof(float);
  }
  return buffers.data[slot];
}

}  // namespace emu
