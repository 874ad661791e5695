#include "pool.h"

#include <pthread.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <mutex>
#include <new>
#include <thread>
#include <vector>

namespace longshort {
namespace {

inline void pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

// a helper that waits spins this long before it sleeps: two pools that spin on the same cores
// would cost far more than waking up does
constexpr auto SPIN = std::chrono::microseconds(20);

// wait until value differs from old
void await(const std::atomic<uint32_t>& value, uint32_t old) {
  const auto until = std::chrono::steady_clock::now() + SPIN;
  while (std::chrono::steady_clock::now() < until)
    for (int spin = 0; spin < 64; ++spin) {
      if (value.load(std::memory_order_acquire) != old) return;
      pause();
    }
  while (value.load(std::memory_order_acquire) == old) value.wait(old, std::memory_order_acquire);
}

struct Helper {
  std::atomic<uint32_t> asked{0}, done{0};
  void (*work)(void*, int) = nullptr;
  void* argument = nullptr;
  int part = 0;

  void loop() {
    for (uint32_t round = 0;; ++round) {
      await(asked, round);
      work(argument, part);
      done.store(round + 1, std::memory_order_release);
      done.notify_one();
    }
  }
};

struct Pool {
  std::mutex busy;
  std::vector<Helper*> helpers;
};

std::atomic<Pool*> pool{nullptr};

Pool& current() {
  Pool* found = pool.load(std::memory_order_acquire);
  if (found) return *found;
  // never deleted: helpers wait in it until the process ends
  Pool* made = new Pool;
  if (pool.compare_exchange_strong(found, made)) return *made;
  delete made;
  return *found;
}

}  // namespace

void run_parts(int parts, void (*work)(void*, int), void* argument) {
  if (parts > 1) {
    Pool& own = current();
    std::unique_lock<std::mutex> lock(own.busy, std::try_to_lock);
    if (lock.owns_lock()) {
      try {
        while (static_cast<int>(own.helpers.size()) < parts - 1) {
          own.helpers.reserve(own.helpers.size() + 1);
          Helper* helper = new Helper;
          std::thread([helper] { helper->loop(); }).detach();
          own.helpers.push_back(helper);
        }
      } catch (...) {
        // no thread to be had: the parts that have none run here
      }
      const int others = std::min<int>(parts - 1, own.helpers.size());
      std::vector<uint32_t> rounds(others);
      for (int k = 0; k < others; ++k) {
        Helper& helper = *own.helpers[k];
        helper.work = work, helper.argument = argument, helper.part = k + 1;
        rounds[k] = helper.asked.load(std::memory_order_relaxed);
        helper.asked.store(rounds[k] + 1, std::memory_order_release);
        helper.asked.notify_one();
      }
      work(argument, 0);
      for (int part = others + 1; part < parts; ++part) work(argument, part);
      for (int k = 0; k < others; ++k) await(own.helpers[k]->done, rounds[k]);
      return;
    }
  }
  for (int part = 0; part < parts; ++part) work(argument, part);
}

namespace {

struct Kept {
  char* data;
  size_t bytes;
};

// blocks that nobody uses now; small enough to search
constexpr size_t MOST_BLOCKS = 16;
constexpr size_t MOST_BYTES = size_t(256) << 20;
std::mutex store;
std::vector<Kept> kept;
size_t kept_bytes = 0;

// A fork's child has none of its parent's threads: it begins with a pool of its own, and with a
// store that no other thread was about to change.
const int forks = pthread_atfork([] { store.lock(); }, [] { store.unlock(); },
                                 [] {
                                   store.unlock();
                                   pool.store(nullptr);
                                 });

}  // namespace

Block::Block(size_t bytes) : bytes_((bytes + 4095) / 4096 * 4096) {
  {
    std::lock_guard<std::mutex> lock(store);
    // the smallest that fits and is not much too large
    size_t best = kept.size();
    for (size_t k = 0; k < kept.size(); ++k)
      if (kept[k].bytes >= bytes_ && kept[k].bytes <= 2 * bytes_ &&
          (best == kept.size() || kept[k].bytes < kept[best].bytes))
        best = k;
    if (best < kept.size()) {
      data_ = kept[best].data, bytes_ = kept[best].bytes;
      kept_bytes -= bytes_;
      kept[best] = kept.back();
      kept.pop_back();
      return;
    }
  }
  data_ = static_cast<char*>(std::aligned_alloc(64, bytes_));
  if (!data_) throw std::bad_alloc();
}

Block::~Block() {
  std::lock_guard<std::mutex> lock(store);
  if (kept.size() < MOST_BLOCKS && kept_bytes + bytes_ <= MOST_BYTES) {
    try {
      kept.push_back({data_, bytes_});
      kept_bytes += bytes_;
      return;
    } catch (...) {
    }
  }
  std::free(data_);
}

}  // namespace longshort
