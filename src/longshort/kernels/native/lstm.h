// The LSTM's step and its derivative; the equations are those of reference/lstm.
#pragma once

#include "cells.h"

namespace longshort {
namespace {

// gate blocks i, f, g, o; or i, g, o where the forget gate is coupled or absent
template <class T, int BLOCKS, bool GENERAL_>
struct Lstm {
  static constexpr bool GENERAL = GENERAL_, CARRIES = false, HAS_C = true;
  using Sums = Slots<BLOCKS, 0, BLOCKS, 0, BLOCKS>;
  static constexpr int input_order[] = {0, 1, 2, 3}, hidden_order[] = {0, 1, 2, 3};
  static constexpr int L = Lanes<T>::count, I = 0, F = 1, G = BLOCKS - 2, O = BLOCKS - 1;
  static constexpr bool GATED = BLOCKS == 4;

  static INLINE const T* peephole(const Problem& p, int block, int64_t u) {
    return as<const T>(p.peephole) + block * p.units + u;
  }
  static constexpr int P_F = 1, P_O = BLOCKS - 2;

  static INLINE void forward_plain(const Problem& p, const Row<T>& row, int64_t u0, int64_t u1,
                                   const T* sums) {
    const int64_t H = p.units;
    for (int64_t u = u0; u < u1; u += L, sums += BLOCKS * L) {
      const int64_t count = std::min<int64_t>(L, u1 - u);
      const Vec<T> f = sigmoid<T>(load(sums + F * L));
      const Vec<T> under_i = inverse_sigmoid<T>(load(sums + I * L));
      const Vec<T> under_o = inverse_sigmoid<T>(load(sums + O * L));
      const Fraction<T> g = tanh_fraction(load(sums + G * L));
      // i g and o tanh(c) take one division each
      const Vec<T> both = T(1) / (under_i * g.under);
      const Vec<T> c = f * load(row.c + u) + g.over * both;
      const Fraction<T> shown = tanh_fraction(c);
      const Vec<T> out = T(1) / (under_o * shown.under);
      store(row.c + u, c);
      if (T* saved = row.saved) {
        store(saved + u, g.under * both, count), store(saved + H + u, f, count);
        store(saved + 2 * H + u, g.over * both * under_i, count);
        store(saved + 3 * H + u, shown.under * out, count);
        store(saved + 4 * H + u, c, count);
      }
      leave<T, false>(p, row, u, count, shown.over * out);
    }
  }

  // units [u0, u1) of one row; with layer norm these are all of them
  static INLINE void forward(const Problem& p, const Row<T>& row, int64_t u0, int64_t u1, T* sums) {
    if constexpr (!GENERAL) return forward_plain(p, row, u0, u1, sums);
    const int64_t H = p.units;
    const auto at = [&](int64_t u, int block) INLINE_LAMBDA {
      return sums + ((u - u0) / L * BLOCKS + block) * L;
    };
    const auto each = [&](auto&& run) INLINE_LAMBDA {
      for (int64_t u = u0; u < u1; u += L) run(u, std::min<int64_t>(L, u1 - u));
    };
    const auto spread_of = [&](int block) {
      if (!p.norm_gain) return Spread<T>{};
      return measure<T>(H, [&](int64_t u, int64_t) { return load(at(u, block)); });
    };
    T* const saved = row.saved;
    if (p.peephole)
      each([&](int64_t u, int64_t count) {
        const Vec<T> c = load(row.c + u);
        store(at(u, I), load(at(u, I)) + load(peephole(p, I, u), count) * c);
        if (GATED) store(at(u, F), load(at(u, F)) + load(peephole(p, P_F, u), count) * c);
      });
    const Spread<T> spread_i = spread_of(I), spread_f = spread_of(F), spread_g = spread_of(G);
    T* const new_c = row.scratch[0];
    each([&](int64_t u, int64_t count) {
      const Vec<T> i = sigmoid<T>(into(p, I, spread_i, load(at(u, I)), u, count));
      const Vec<T> g = tanh(into(p, G, spread_g, load(at(u, G)), u, count));
      Vec<T> f = all<T>(1);
      if (GATED) f = sigmoid<T>(into(p, F, spread_f, load(at(u, F)), u, count));
      else if (p.forget == COUPLED) f -= i;
      Vec<T> c = f * load(row.c + u) + i * masked(p, row, g, u, count);
      if (p.cell_clip != UNBOUNDED) c = clamp<T>(c, -p.cell_clip, p.cell_clip);
      if (p.peephole)
        store(at(u, O), load(at(u, O)) + load(peephole(p, P_O, u), count) * c);
      store(new_c + u, first<T>(c, count));
      if (saved)
        store(saved + u, i, count), store(saved + H + u, f, count),
            store(saved + 2 * H + u, g, count);
    });
    const Spread<T> spread_o = spread_of(O);
    Spread<T> spread_c;
    if (p.norm_c_gain)
      spread_c = measure<T>(H, [&](int64_t u, int64_t) { return load(new_c + u); });
    each([&](int64_t u, int64_t count) {
      const Vec<T> o = sigmoid<T>(into(p, O, spread_o, load(at(u, O)), u, count));
      Vec<T> c = load(new_c + u);
      const Vec<T> h = o * tanh(seen(p, spread_c, c, u, count));
      if (const auto keep = values<T>(p.keep_c, row.b, row.t))
        c = kept<T>(c, load(row.c + u), keep.read(u, count));
      store(row.c + u, c);
      if (saved) {
        store(saved + 3 * H + u, o, count), store(saved + 4 * H + u, c, count);
        if (p.keeps_sums())
          for (int k = 0; k < BLOCKS; ++k)
            store(saved + (5 + k) * H + u, load(at(u, k)), count);
      }
      if (row.raw) store(row.raw + u, first<T>(h, count));
      else leave<T, true>(p, row, u, count, h);
    });
  }

  static INLINE Vec<T> seen(const Problem& p, const Spread<T>& spread, Vec<T> c, int64_t u,
                            int64_t count) {
    if (!p.norm_c_gain) return c;
    return normalised(c, spread, as<const T>(p.norm_c_gain) + u,
                      p.norm_c_bias ? as<const T>(p.norm_c_bias) + u : nullptr, count);
  }

  // the cell before clipping and zoneout, from what was saved
  static INLINE Vec<T> unclipped(const Problem& p, const Row<T>& row, int64_t u, int64_t count) {
    const int64_t H = p.units;
    return load(row.saved + H + u, count) * read(row.c_prev, u, count) +
           load(row.saved + u, count) *
               masked(p, row, load(row.saved + 2 * H + u, count), u, count);
  }

  // W_hr's other factor: the output before projection, once more
  static void unprojected(const Problem& p, const Row<T>& row, T* raw) {
    const int64_t H = p.units;
    const Spread<T> spread = reread(p, row);
    for (int64_t u = 0; u < H; u += L) {
      const int64_t count = std::min<int64_t>(L, H - u);
      const Vec<T> c = load(row.scratch[0] + u);
      store(raw + u, first<T>(load(row.saved + 3 * H + u, count) * tanh(seen(p, spread, c, u, count)), count));
    }
  }

  // the new cell into scratch[0], and its spread
  static Spread<T> reread(const Problem& p, const Row<T>& row) {
    const int64_t H = p.units;
    // only zoneout makes what is saved another cell than what was read
    const bool again = p.keep_c.at;
    for (int64_t u = 0; u < H; u += L) {
      const int64_t count = std::min<int64_t>(L, H - u);
      Vec<T> c = again ? unclipped(p, row, u, count) : load(row.saved + 4 * H + u, count);
      if (again && p.cell_clip != UNBOUNDED) c = clamp<T>(c, -p.cell_clip, p.cell_clip);
      store(row.scratch[0] + u, first<T>(c, count));
    }
    if (!p.norm_c_gain) return {};
    return measure<T>(H, [&](int64_t u, int64_t) { return load(row.scratch[0] + u); });
  }

  static INLINE void backward_plain(const Problem& p, const Row<T>& row, int64_t u0, int64_t u1,
                                    const T* incoming) {
    const int64_t H = p.units;
    for (int64_t u = u0; u < u1; u += L) {
      const int64_t count = std::min<int64_t>(L, u1 - u);
      const Vec<T> d_h = arrive<T, false, false>(p, row, u, count, load(incoming + (u - u0)));
      const T* const saved = row.saved + u;
      const Vec<T> i = load(saved, count), f = load(saved + H, count);
      const Vec<T> g = load(saved + 2 * H, count), o = load(saved + 3 * H, count);
      const Vec<T> shown = tanh(load(saved + 4 * H, count));
      const Vec<T> d_c = load(row.d_c + u) + d_h * o * (T(1) - shown * shown);
      T* const d = row.d_gates + u;
      store(d, d_c * g * i * (T(1) - i), count);
      store(d + H, d_c * read(row.c_prev, u, count) * f * (T(1) - f), count);
      store(d + 2 * H, d_c * i * (T(1) - g * g), count);
      store(d + 3 * H, d_h * shown * o * (T(1) - o), count);
      store(row.d_c + u, d_c * f);
    }
  }

  // incoming: the gradient of the hidden state's units, or, where projected, of what is projected
  static INLINE void backward(const Problem& p, const Row<T>& row, int64_t u0, int64_t u1,
                       const T* incoming, const Small<T>& small) {
    if constexpr (!GENERAL) return backward_plain(p, row, u0, u1, incoming);
    const int64_t H = p.units;
    const T* const saved = row.saved;
    T *const new_c = row.scratch[0], *const d_seen = row.scratch[1];
    const auto each = [&](auto&& run) INLINE_LAMBDA {
      for (int64_t u = u0; u < u1; u += L) run(u, std::min<int64_t>(L, u1 - u));
    };
    const auto sums = [&](int block) { return saved + (5 + block) * H; };
    const auto spread_of = [&](int block) {
      if (!p.norm_gain) return Spread<T>{};
      return measure<T>(H, [&](int64_t u, int64_t count) { return load(sums(block) + u, count); });
    };
    // a gate's gradient back to its sum, but for the normalisation
    const auto gate_back = [&](int block, const Spread<T>& spread, Vec<T> d, int64_t u,
                               int64_t count) INLINE_LAMBDA {
      if (p.gate_clip != UNBOUNDED)
        d = clipped_back(p, block, spread, d, load(sums(block) + u, count), u, count);
      store(row.d_gates + block * H + u, d, count);
    };
    Spread<T> spread_c;
    const bool again = p.keep_c.at;
    if (p.norm_c_gain) {
      spread_c = reread(p, row);
    } else {
      each([&](int64_t u, int64_t count) {
        Vec<T> c = again ? unclipped(p, row, u, count) : load(saved + 4 * H + u, count);
        if (again && p.cell_clip != UNBOUNDED) c = clamp<T>(c, -p.cell_clip, p.cell_clip);
        store(new_c + u, first<T>(c, count));
      });
    }
    const Spread<T> spread_o = spread_of(O);
    each([&](int64_t u, int64_t count) {
      Vec<T> d_h = load(incoming + (u - u0));
      if (!p.w_hr) d_h = arrive<T, true, false>(p, row, u, count, d_h);
      const Vec<T> o = load(saved + 3 * H + u, count);
      const Vec<T> shown = tanh(seen(p, spread_c, load(new_c + u), u, count));
      store(d_seen + u, first<T>(d_h * o * (T(1) - shown * shown), count));
      const Vec<T> d_o = recorded(p, row, 3, d_h * shown, u, count);
      gate_back(O, spread_o, d_o * o * (T(1) - o), u, count);
    });
    if (p.norm_gain) unnormalise_gate(p, O, sums(O), spread_o, row.d_gates + O * H, small);
    if (p.norm_c_gain)
      unnormalise<T>(H, new_c, spread_c, as<const T>(p.norm_c_gain), d_seen, small.norm_c_gain,
                     small.norm_c_bias);
    const Spread<T> spread_i = spread_of(I), spread_f = spread_of(F), spread_g = spread_of(G);
    each([&](int64_t u, int64_t count) {
      Vec<T> d_new = load(row.d_c + u);
      if (row.cut) {
        add(row.d_initial_c + u, d_new, count);
        d_new = Vec<T>{};
      }
      if (const auto d_cells = values<T>(p.d_cells, row.b, row.t)) d_new += d_cells.read(u, count);
      Vec<T> d_old{};
      if (const auto keep = values<T>(p.keep_c, row.b, row.t)) {
        d_old = d_new * keep.read(u, count);
        d_new -= d_old;
      }
      d_new += load(d_seen + u);
      if (p.peephole) {
        const Vec<T> d_o = load(row.d_gates + O * H + u, count);
        d_new += load(peephole(p, P_O, u), count) * d_o;
        if (small.peephole) add(small.peephole + P_O * H + u, d_o * load(new_c + u), count);
      }
      if (p.cell_clip != UNBOUNDED)
        d_new = through<T>(d_new, unclipped(p, row, u, count), p.cell_clip);
      const Vec<T> i = load(saved + u, count), f = load(saved + H + u, count);
      const Vec<T> g = load(saved + 2 * H + u, count), before = read(row.c_prev, u, count);
      Vec<T> d_i = recorded(p, row, 0, d_new * masked(p, row, g, u, count), u, count);
      const Vec<T> d_f = recorded(p, row, 1, d_new * before, u, count);
      const Vec<T> d_g = recorded(p, row, 2, masked(p, row, d_new * i, u, count), u, count);
      if (p.forget == COUPLED) d_i -= d_f;
      gate_back(I, spread_i, d_i * i * (T(1) - i), u, count);
      if (GATED) gate_back(F, spread_f, d_f * f * (T(1) - f), u, count);
      gate_back(G, spread_g, d_g * (T(1) - g * g), u, count);
      store(row.d_c + u, first<T>(d_old + d_new * f, count));
    });
    if (p.norm_gain) {
      unnormalise_gate(p, I, sums(I), spread_i, row.d_gates + I * H, small);
      if (GATED) unnormalise_gate(p, F, sums(F), spread_f, row.d_gates + F * H, small);
      unnormalise_gate(p, G, sums(G), spread_g, row.d_gates + G * H, small);
    }
    if (p.peephole)
      each([&](int64_t u, int64_t count) {
        Vec<T> d_c = load(row.d_c + u);
        const Vec<T> before = read(row.c_prev, u, count);
        for (int block = 0; block < (GATED ? 2 : 1); ++block) {
          const Vec<T> d = load(row.d_gates + block * H + u, count);
          d_c += d * load(peephole(p, block, u), count);
          if (small.peephole) add(small.peephole + block * H + u, d * before, count);
        }
        store(row.d_c + u, first<T>(d_c, count));
      });
  }
};

}  // namespace
}  // namespace longshort
