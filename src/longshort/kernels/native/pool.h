// A pool of threads for work that is split into parts.
#pragma once

#include <cstddef>

namespace longshort {

// Call work(argument, part) for every part from 0 to parts - 1, on as many threads. Where the pool
// is in use, or has died in a fork, the parts run one after the other: the result is the same.
void run_parts(int parts, void (*work)(void*, int), void* argument);

template <class Work>
void in_parts(int parts, Work&& work) {
  run_parts(parts, [](void* argument, int part) { (*static_cast<Work*>(argument))(part); }, &work);
}

// Memory for a call, 64-byte aligned, not initialised. Blocks are kept and used again: fresh pages
// cost more than the arithmetic that is done on them.
class Block {
 public:
  explicit Block(size_t bytes);
  ~Block();
  Block(const Block&) = delete;
  Block& operator=(const Block&) = delete;
  char* data() const { return data_; }

 private:
  char* data_;
  size_t bytes_;
};

}  // namespace longshort
