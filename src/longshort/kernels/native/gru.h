// The GRU's step and its derivative, reset after the product; the equations are those of
// reference/gru.
#pragma once

#include "cells.h"

namespace longshort {
namespace {

// Sums: the candidate's share of the input, r, z, the candidate's share of the hidden state. The
// input feeds the first three of them and the hidden state the last three.
template <class T, bool GENERAL_>
struct Gru {
  static constexpr bool GENERAL = GENERAL_, CARRIES = true, HAS_C = false;
  using Sums = Slots<4, 0, 3, 1, 3>;
  static constexpr int input_order[] = {2, 0, 1}, hidden_order[] = {0, 1, 2};
  static constexpr int L = Lanes<T>::count, XN = 0, R = 1, Z = 2, HN = 3;

  static INLINE void forward(const Problem& p, const Row<T>& row, int64_t u0, int64_t u1, T* sums) {
    const int64_t H = p.units;
    const auto at = [&](int64_t u, int slot) INLINE_LAMBDA {
      return sums + ((u - u0) / L * 4 + slot) * L;
    };
    const auto each = [&](auto&& run) INLINE_LAMBDA {
      for (int64_t u = u0; u < u1; u += L) run(u, std::min<int64_t>(L, u1 - u));
    };
    const auto spread_of = [&](int slot) {
      if (!GENERAL || !p.norm_gain) return Spread<T>{};
      return measure<T>(H, [&](int64_t u, int64_t) { return load(at(u, slot)); });
    };
    const auto in = [&](int gate, const Spread<T>& spread, Vec<T> value, int64_t u,
                        int64_t count) INLINE_LAMBDA {
      return GENERAL ? into(p, gate, spread, value, u, count) : value;
    };
    T* const saved = row.saved;
    const bool keeps = GENERAL && saved && p.keeps_sums();
    const Spread<T> spread_r = spread_of(R), spread_z = spread_of(Z);
    // the candidate's sum takes the place of its share of the input
    const auto candidate = [&](int64_t u, int64_t count) INLINE_LAMBDA {
      const Vec<T> r = sigmoid<T>(in(0, spread_r, load(at(u, R)), u, count));
      const Vec<T> hidden = load(at(u, HN));
      if (saved) store(saved + u, r, count), store(saved + 3 * H + u, hidden, count);
      store(at(u, XN), load(at(u, XN)) + r * hidden);
    };
    const auto finish = [&](const Spread<T>& spread_n, int64_t u, int64_t count) INLINE_LAMBDA {
      const Vec<T> z = sigmoid<T>(in(1, spread_z, load(at(u, Z)), u, count));
      const Vec<T> n = tanh(in(2, spread_n, load(at(u, XN)), u, count));
      if (saved) store(saved + H + u, z, count), store(saved + 2 * H + u, n, count);
      if (keeps)
        store(saved + 4 * H + u, load(at(u, R)), count),
            store(saved + 5 * H + u, load(at(u, Z)), count),
            store(saved + 6 * H + u, load(at(u, XN)), count);
      const Vec<T> fresh = GENERAL ? masked(p, row, n, u, count) : n;
      leave<T, GENERAL>(p, row, u, count, fresh + z * (load(row.h + u) - fresh));
    };
    if (GENERAL && p.norm_gain) {
      each(candidate);
      const Spread<T> spread_n = spread_of(XN);
      each([&](int64_t u, int64_t count) { finish(spread_n, u, count); });
    } else {
      each([&](int64_t u, int64_t count) INLINE_LAMBDA {
        candidate(u, count);
        finish({}, u, count);
      });
    }
  }

  static INLINE void backward(const Problem& p, const Row<T>& row, int64_t u0, int64_t u1,
                       const T* incoming, const Small<T>& small) {
    const int64_t H = p.units;
    const T* const saved = row.saved;
    const auto each = [&](auto&& run) INLINE_LAMBDA {
      for (int64_t u = u0; u < u1; u += L) run(u, std::min<int64_t>(L, u1 - u));
    };
    const auto sums = [&](int gate) { return saved + (4 + gate) * H; };
    const auto spread_of = [&](int gate) {
      if (!GENERAL || !p.norm_gain) return Spread<T>{};
      return measure<T>(H, [&](int64_t u, int64_t count) { return load(sums(gate) + u, count); });
    };
    const auto back = [&](int gate, const Spread<T>& spread, Vec<T> d, int64_t u,
                          int64_t count) INLINE_LAMBDA {
      if (!GENERAL || p.gate_clip == UNBOUNDED) return d;
      return clipped_back(p, gate, spread, d, load(sums(gate) + u, count), u, count);
    };
    const auto told = [&](int gate, Vec<T> d, int64_t u, int64_t count) INLINE_LAMBDA {
      return GENERAL ? recorded(p, row, gate, d, u, count) : d;
    };
    const Spread<T> spread_r = spread_of(0), spread_z = spread_of(1), spread_n = spread_of(2);
    // up to the candidate's sum, and the update gate
    const auto candidate = [&](int64_t u, int64_t count) INLINE_LAMBDA {
      const Vec<T> d_h =
          arrive<T, GENERAL, true>(p, row, u, count, load(incoming + (u - u0)));
      const Vec<T> z = load(saved + H + u, count), n = load(saved + 2 * H + u, count);
      const Vec<T> fresh = GENERAL ? masked(p, row, n, u, count) : n;
      const Vec<T> past = d_h * z;
      store(row.carry + u, GENERAL ? load(row.carry + u) + past : past);
      const Vec<T> d_z = told(1, d_h * (read(row.h_prev, u, count) - fresh), u, count);
      store(row.d_gates + Z * H + u, back(1, spread_z, d_z * z * (T(1) - z), u, count), count);
      Vec<T> d_n = d_h - past;
      if (GENERAL) d_n = masked(p, row, d_n, u, count);
      d_n = told(2, d_n, u, count);
      store(row.d_gates + XN * H + u, back(2, spread_n, d_n * (T(1) - n * n), u, count), count);
    };
    const auto reset = [&](int64_t u, int64_t count) INLINE_LAMBDA {
      const Vec<T> d_n = load(row.d_gates + XN * H + u, count), r = load(saved + u, count);
      const Vec<T> d_r = told(0, d_n * load(saved + 3 * H + u, count), u, count);
      store(row.d_gates + R * H + u, back(0, spread_r, d_r * r * (T(1) - r), u, count), count);
      store(row.d_gates + HN * H + u, d_n * r, count);
    };
    if (GENERAL && p.norm_gain) {
      each(candidate);
      unnormalise_gate(p, 2, sums(2), spread_n, row.d_gates + XN * H, small);
      unnormalise_gate(p, 1, sums(1), spread_z, row.d_gates + Z * H, small);
      each(reset);
      unnormalise_gate(p, 0, sums(0), spread_r, row.d_gates + R * H, small);
    } else {
      each([&](int64_t u, int64_t count) INLINE_LAMBDA {
        candidate(u, count);
        reset(u, count);
      });
    }
  }

  static void unprojected(const Problem&, const Row<T>&, T*) {}
};

}  // namespace
}  // namespace longshort
