// How the rows of a batch are read: in which order, how many at a time, and where they are cut.
#pragma once

#include "cells.h"

namespace longshort {
namespace {

// Rows sorted by length, longest first, so that those which are read at one position are always
// the first of them. A position counts steps in the order of reading: t = T - 1 - position where
// the batch is read backwards.
struct Rows {
  const Problem* problem;
  // of one part: every parts-th of the sorted rows
  const int64_t* batch;
  const int64_t* length;
  int64_t count;

  INLINE int64_t step(int64_t position) const {
    return problem->reverse ? problem->steps - 1 - position : position;
  }
  // rows that are read at a position
  int64_t active(int64_t position, int64_t guess) const {
    const int64_t shortest = problem->reverse ? problem->steps - position : position + 1;
    while (guess > 0 && length[guess - 1] < shortest) --guess;
    while (guess < count && length[guess] >= shortest) ++guess;
    return guess;
  }
  INLINE int64_t first(int64_t row) const { return problem->reverse ? problem->steps - length[row] : 0; }
  // whether a row begins anew before it is read at a position
  INLINE bool cut(int64_t row, int64_t position) const {
    if (!problem->resets) return false;
    const int64_t at = step(position) + (problem->reverse ? 1 : 0);
    return at < length[row] && as<const bool>(problem->resets)[batch[row] * problem->steps + at];
  }
};

template <class T>
INLINE const T* at(const Field& field, int64_t b, int64_t t = 0) {
  return field.at ? as<const T>(field.at) + b * field.row + t * field.step : nullptr;
}

// lengths from 0 to T
INLINE int64_t length_of(const Problem& p, int64_t b) {
  if (!p.lengths) return p.steps;
  return std::clamp<int64_t>(as<const int64_t>(p.lengths)[b], 0, p.steps);
}

// Sort all rows by length into `batch`, stably (counting sort; starts holds T + 2 numbers), and
// deal them out: part k has every parts-th row from row k on, one part behind the other.
inline void deal(const Problem& p, int parts, int64_t* batch, int64_t* length, int64_t* sorted,
                 int64_t* starts) {
  if (!p.lengths) {
    for (int64_t b = 0; b < p.rows; ++b) sorted[b] = b;
  } else {
    std::fill(starts, starts + p.steps + 2, 0);
    for (int64_t b = 0; b < p.rows; ++b) ++starts[p.steps - length_of(p, b) + 1];
    for (int64_t k = 0; k < p.steps; ++k) starts[k + 1] += starts[k];
    for (int64_t b = 0; b < p.rows; ++b) sorted[starts[p.steps - length_of(p, b)]++] = b;
  }
  int64_t to = 0;
  for (int part = 0; part < parts; ++part)
    for (int64_t from = part; from < p.rows; from += parts, ++to)
      batch[to] = sorted[from], length[to] = length_of(p, sorted[from]);
}
INLINE int64_t first_of(const Problem& p, int parts, int part) {
  return part * (p.rows / parts) + std::min<int64_t>(part, p.rows % parts);
}

// hands out aligned pieces of a block, or only counts their bytes
class Layout {
 public:
  explicit Layout(char* base) : base_(base) {}
  template <class U>
  U* take(int64_t count) {
    char* const found = base_ + used_;
    used_ += (count * sizeof(U) + 63) / 64 * 64;
    return reinterpret_cast<U*>(found);
  }
  size_t used() const { return used_; }

 private:
  char* base_;
  size_t used_ = 0;
};

}  // namespace
}  // namespace longshort
