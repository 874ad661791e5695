// Dropout masks from Philox4x32-10, as layers/masks.py defines them (Salmon et al. 2011, SC11).
#pragma once

#include <algorithm>

#include "pool.h"
#include "problem.h"

namespace longshort {

// the elements of a stream from `first` on, kept where their word is `least` or more
struct Draw {
  uint64_t seed, stream, first, count, least;
  // what is written where an element is kept; 0 elsewhere
  double kept;
  bool wide;
  int threads;
  uintptr_t to;
};

namespace {

// counters that are computed side by side, each of four words; a word in 64 bits for its products
constexpr int ABREAST = 16;
typedef uint64_t Words __attribute__((vector_size(8 * ABREAST)));

// words[4 k + lane] of the counters from `block` on
INLINE void philox(uint64_t block, const Draw& d, uint32_t* words) {
  constexpr uint64_t LOW = 0xFFFFFFFF;
  Words x0, x1, x2 = Words{} + (d.stream & LOW), x3 = Words{} + (d.stream >> 32);
  for (int k = 0; k < ABREAST; ++k) x0[k] = (block + k) & LOW, x1[k] = (block + k) >> 32;
  uint64_t k0 = d.seed & LOW, k1 = d.seed >> 32;
  for (int round = 0; round < 10; ++round) {
    const Words first = x0 * 0xD2511F53u, second = x2 * 0xCD9E8D57u;
    x0 = (second >> 32) ^ x1 ^ k0, x1 = second & LOW;
    x2 = (first >> 32) ^ x3 ^ k1, x3 = first & LOW;
    k0 = (k0 + 0x9E3779B9) & LOW, k1 = (k1 + 0xBB67AE85) & LOW;
  }
  for (int k = 0; k < ABREAST; ++k) {
    words[4 * k] = static_cast<uint32_t>(x0[k]), words[4 * k + 1] = static_cast<uint32_t>(x1[k]);
    words[4 * k + 2] = static_cast<uint32_t>(x2[k]), words[4 * k + 3] = static_cast<uint32_t>(x3[k]);
  }
}

template <class T>
void draw_part(const Draw& d, uint64_t from, uint64_t until) {
  constexpr uint64_t MANY = 4 * ABREAST;
  T* to = reinterpret_cast<T*>(d.to);
  const T kept = static_cast<T>(d.kept);
  // nothing is kept where `least` is more than any word
  const bool none = d.least > UINT32_MAX;
  const uint32_t least = none ? 0 : static_cast<uint32_t>(d.least);
  uint32_t words[MANY];
  for (uint64_t at = from; at < until;) {
    const uint64_t position = d.first + at, skipped = position % 4;
    const uint64_t taken = std::min(MANY - skipped, until - at);
    philox(position / 4, d, words);
    for (uint64_t k = 0; k < taken; ++k)
      to[at + k] = !none && words[skipped + k] >= least ? kept : T(0);
    at += taken;
  }
}

template <class T>
void draw_all(const Draw& d) {
  // less is done before a helper has woken up
  constexpr uint64_t WORTH = 1 << 16;
  const int parts = static_cast<int>(std::clamp<uint64_t>(d.count / WORTH, 1, d.threads));
  in_parts(parts, [&](int part) {
    draw_part<T>(d, d.count * part / parts, d.count * (part + 1) / parts);
  });
}

}  // namespace
}  // namespace longshort
