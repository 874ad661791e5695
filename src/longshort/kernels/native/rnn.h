// The plain recurrent network's step and its derivative; the equations are those of reference/rnn.
#pragma once

#include "cells.h"

namespace longshort {
namespace {

template <class T, bool GENERAL_>
struct Rnn {
  static constexpr bool GENERAL = GENERAL_, CARRIES = false, HAS_C = false;
  using Sums = Slots<1, 0, 1, 0, 1>;
  static constexpr int input_order[] = {0}, hidden_order[] = {0};
  static constexpr int L = Lanes<T>::count;

  static INLINE void forward(const Problem& p, const Row<T>& row, int64_t u0, int64_t u1, T* sums) {
    Spread<T> spread;
    if (GENERAL && p.norm_gain)
      spread = measure<T>(p.units, [&](int64_t u, int64_t) { return load(sums + u); });
    for (int64_t u = u0; u < u1; u += L, sums += L) {
      const int64_t count = std::min<int64_t>(L, u1 - u);
      Vec<T> n = load(sums);
      if (GENERAL && row.saved && p.keeps_sums()) store(row.saved + p.units + u, n, count);
      if (GENERAL) n = into(p, 0, spread, n, u, count);
      n = GENERAL && p.relu ? (n < T(0) ? Vec<T>{} : n) : tanh(n);
      if (row.saved) store(row.saved + u, n, count);
      leave<T, GENERAL>(p, row, u, count, n);
    }
  }

  static INLINE void backward(const Problem& p, const Row<T>& row, int64_t u0, int64_t u1,
                       const T* incoming, const Small<T>& small) {
    const T* const sums = row.saved + p.units;
    Spread<T> spread;
    if (GENERAL && p.norm_gain)
      spread = measure<T>(p.units,
                          [&](int64_t u, int64_t count) { return load(sums + u, count); });
    for (int64_t u = u0; u < u1; u += L) {
      const int64_t count = std::min<int64_t>(L, u1 - u);
      Vec<T> d = arrive<T, GENERAL, false>(p, row, u, count, load(incoming + (u - u0)));
      if (GENERAL) d = recorded(p, row, 0, d, u, count);
      const Vec<T> n = load(row.saved + u, count);
      d = GENERAL && p.relu ? (n > T(0) ? d : Vec<T>{}) : d * (T(1) - n * n);
      if (GENERAL && p.gate_clip != UNBOUNDED)
        d = clipped_back(p, 0, spread, d, load(sums + u, count), u, count);
      store(row.d_gates + u, d, count);
    }
    if (GENERAL && p.norm_gain) unnormalise_gate(p, 0, sums, spread, row.d_gates, small);
  }

  static void unprojected(const Problem&, const Row<T>&, T*) {}
};

}  // namespace
}  // namespace longshort
