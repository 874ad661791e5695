// What is made of the gradients of a step's sums: those of the inputs and of the weights.
//
// They live in a ring of some steps only. When it is full, the gradients of the inputs are made of
// them and those of the weights are added up, by matrix products over all rows and steps in it.
#pragma once

#include "rows.h"

namespace longshort {
namespace {

template <class T, class C>
struct Gradients {
  using S = typename C::Sums;
  static constexpr int L = Lanes<T>::count;
  static constexpr bool CARRIES = C::GENERAL || C::CARRIES;

  // one row at one step, in the ring
  struct Sample {
    int64_t row, position;
  };

  // weights for the way back
  struct Weights {
    T *hidden, *input, *projection;
  };

  struct Part {
    const Problem& p;
    Weights weights;
    Rows rows;
    int64_t ring, wide_h, wide_p, wide_d, wide_a, slots;
    // every row at this position
    Row<T>* here;
    // whether the weights do not stay in the cache from one position to the next
    bool far;
    // two rings of d_gates: the last step of the one before is still read
    T* d_gates[2];
    int turn;
    int64_t held;
    Sample* samples;
    T *d_c, *carry, *incoming, *d_raw, *left, *slice, *scratch[3];
    T *d_projected, *raw;
    T* nowhere;
    // sums over this part: (F + P + 1, S::all * H) and (P, H)
    T *d_weights, *d_projection;
    Small<T> small;
  };

  // weights of more bytes are fetched ahead of their use
  static constexpr int64_t CACHED = 1 << 20;

  static bool whole(const Problem& p) { return p.normed() || p.w_hr; }

  static void lay(Part& part, int64_t count, Layout& layout) {
    const Problem& p = part.p;
    part.wide_h = padded<T>(p.units), part.wide_p = padded<T>(p.outputs);
    part.wide_d = padded<T>(S::all * p.units) + L;
    part.wide_a = padded<T>(p.features + p.outputs + 1);
    part.ring = std::max<int64_t>(count, std::min<int64_t>(count * p.steps, SAMPLES));
    part.slots = slots(p);
    part.here = layout.take<Row<T>>(count);
    part.far = padded<T>(p.outputs) * p.units * S::hn * int64_t(sizeof(T)) > CACHED;
    for (T*& ring : part.d_gates) ring = layout.take<T>(part.ring * part.wide_d);
    part.samples = layout.take<Sample>(part.ring);
    part.d_c = layout.take<T>(C::HAS_C ? count * part.wide_h : 0);
    part.carry = layout.take<T>(CARRIES ? count * part.wide_p : 0);
    part.incoming = layout.take<T>(TILE_ROWS * std::max<int64_t>(whole(p) ? part.wide_p : 0, 4 * L));
    part.d_raw = layout.take<T>(p.w_hr ? TILE_ROWS * part.wide_h : 0);
    part.left = layout.take<T>(part.ring * part.wide_a);
    part.slice = layout.take<T>(SAMPLES * 4 * L);
    for (T*& row : part.scratch) row = layout.take<T>(C::GENERAL ? part.wide_h : 0);
    part.d_projected = layout.take<T>(p.w_hr ? part.ring * part.wide_p : 0);
    part.raw = layout.take<T>(p.w_hr ? part.ring * part.wide_h : 0);
    part.nowhere = layout.take<T>(p.resets ? std::max(part.wide_h, part.wide_p) : 0);
    part.turn = 0, part.held = 0;
    // everything from here on is summed over parts
    part.d_weights = layout.take<T>((p.features + p.outputs + 1) * part.wide_d);
    part.d_projection = layout.take<T>(p.w_hr ? p.outputs * part.wide_h : 0);
    const auto some = [&](uintptr_t wanted, int64_t size) {
      return wanted ? layout.take<T>(size + L) : nullptr;
    };
    part.small = {some(p.d_peephole, 3 * p.units), some(p.d_norm_gain, 4 * p.units),
                  some(p.d_norm_bias, 4 * p.units), some(p.d_norm_c_gain, p.units),
                  some(p.d_norm_c_bias, p.units)};
  }

  // the hidden state that a row had before a position
  static INLINE const T* before(Part& part, int64_t position, int64_t row) {
    const Problem& p = part.p;
    const int64_t b = part.rows.batch[row];
    if (part.rows.cut(row, position)) return at<T>(p.initial_h, b);
    if (position == part.rows.first(row)) return at<T>(p.h_0, b);
    return at<T>(p.y, b, part.rows.step(position - 1));
  }

  // everything that is made of the gradients in the ring
  static void flush(Part& part) {
    const Problem& p = part.p;
    const T* const d_gates = part.d_gates[part.turn];
    const int64_t H = p.units, F = p.features, P = p.outputs, D = part.wide_d;
    if (p.d_x.at) input_gradients(part, d_gates);
    T* const out = part.d_weights;
    // where no weight is learned, nobody wants its gradient
    const bool wanted = p.d_w_ih || p.d_w_hh || p.d_b_ih || p.d_b_hh;
    for (int64_t k = 0; wanted && k < part.held; ++k) fill_left(part, k);
    if (!wanted) {
    } else if (S::xn == S::all && S::hn == S::all) {
      add_outer(part.left, part.wide_a, F + P + 1, d_gates, D, S::all * H, part.held, out, D,
                part.slice);
    } else {
      const auto block = [&](int64_t from, int64_t width, int offset, int count) {
        add_outer(part.left + from, part.wide_a, width, d_gates + offset * H, D, count * H,
                  part.held, out + from * D + offset * H, D, part.slice);
      };
      block(0, F, S::xo, S::xn), block(F, P, S::ho, S::hn), block(F + P, 1, 0, S::all);
    }
    if (p.d_w_hr)
      add_outer(part.d_projected, part.wide_p, P, part.raw, part.wide_h, H, part.held,
                part.d_projection, part.wide_h, part.slice);
    part.turn = 1 - part.turn, part.held = 0;
  }

  // [x, q, 1] of one sample, as the products of the step read them
  static INLINE void fill_left(Part& part, int64_t k) {
    const Problem& p = part.p;
    const Sample sample = part.samples[k];
    const int64_t b = part.rows.batch[sample.row], t = part.rows.step(sample.position);
    T* const to = part.left + k * part.wide_a;
    const auto copy = [&](T* out, const T* from, const Field& field, int64_t width) INLINE_LAMBDA {
      const auto mask = values<T>(field, b, 0);
      for (int64_t u = 0; u < width; u += L) {
        const int64_t count = std::min<int64_t>(L, width - u);
        Vec<T> value = longshort::read(from, u, count);
        if (mask) value *= mask.read(u, count);
        store(out + u, value, count);
      }
    };
    copy(to, at<T>(p.x, b, t), p.mask_x, p.features);
    copy(to + p.features, before(part, sample.position, sample.row), p.mask_h, p.outputs);
    to[p.features + p.outputs] = T(1);
  }

  static void input_gradients(Part& part, const T* d_gates) {
    const Problem& p = part.p;
    const int64_t vectors = padded<T>(p.features) / L, depth = S::xn * p.units;
    alignas(64) T sums[TILE_ROWS * 4 * L];
    for (int64_t first = 0; first < vectors; first += 4) {
      const int64_t panels = std::min<int64_t>(4, vectors - first);
      in_tiles(part.held, [&](int64_t k, int count) {
        const T* left[TILE_ROWS];
        for (int m = 0; m < count; ++m) left[m] = d_gates + (k + m) * part.wide_d + S::xo * p.units;
        product(count, panels, left, part.weights.input + first * L * depth, depth, {sums, 4 * L});
        for (int m = 0; m < count; ++m) {
          const Sample sample = part.samples[k + m];
          const int64_t b = part.rows.batch[sample.row], t = part.rows.step(sample.position);
          T* const to = const_cast<T*>(at<T>(p.d_x, b, t));
          const auto mask = values<T>(p.mask_x, b, 0);
          for (int64_t u = first * L; u < std::min((first + panels) * L, p.features); u += L) {
            const int64_t wide = std::min<int64_t>(L, p.features - u);
            Vec<T> d = load(sums + m * 4 * L + u - first * L);
            if (mask) d *= mask.read(u, wide);
            store(to + u, d, wide);
          }
        }
      });
    }
  }

  // The weights' gradients, summed over parts in their order, into the layout of the weights.
  template <class PartOf>
  static void give(const Problem& p, int parts, PartOf&& part_of) {
    Part sums = part_of(0);
    for (int k = 1; k < parts; ++k) {
      const Part other = part_of(k);
      // one piece of memory, laid out alike in every part
      const int64_t count = total(sums);
      for (int64_t at = 0; at < count; ++at) sums.d_weights[at] += other.d_weights[at];
    }
    const int64_t H = p.units, F = p.features, P = p.outputs, D = sums.wide_d;
    const auto matrix = [&](uintptr_t to, int64_t from, int64_t width, const int* order,
                            int offset, int count) {
      if (!to) return;
      T* const out = as<T>(to);
      for (int s = 0; s < count; ++s)
        for (int64_t u = 0; u < H; u += L)
          for (int64_t k = 0; k < width; k += L) {
            const T* const of = sums.d_weights + (from + k) * D + (offset + s) * H + u;
            Vec<T> block[L];
            for (int64_t m = 0; m < L; ++m) block[m] = k + m < width ? load(of + m * D) : Vec<T>{};
            transpose<T>(block);
            for (int64_t m = 0; m < std::min<int64_t>(L, H - u); ++m)
              store(out + (order[s] * H + u + m) * width + k, block[m], width - k);
          }
    };
    matrix(p.d_w_ih, 0, F, C::input_order, S::xo, S::xn);
    matrix(p.d_w_hh, F, P, C::hidden_order, S::ho, S::hn);
    matrix(p.d_b_ih, F + P, 1, C::input_order, S::xo, S::xn);
    matrix(p.d_b_hh, F + P, 1, C::hidden_order, S::ho, S::hn);
    for (int64_t k = 0; p.d_w_hr && k < P; ++k)
      std::copy_n(sums.d_projection + k * sums.wide_h, H, as<T>(p.d_w_hr) + k * H);
    const auto copy = [&](uintptr_t to, const T* from, int64_t size) {
      if (to) std::copy_n(from, size, as<T>(to));
    };
    copy(p.d_peephole, sums.small.peephole, (S::all - 1) * H);
    copy(p.d_norm_gain, sums.small.norm_gain, blocks() * H);
    copy(p.d_norm_bias, sums.small.norm_bias, blocks() * H);
    copy(p.d_norm_c_gain, sums.small.norm_c_gain, H);
    copy(p.d_norm_c_bias, sums.small.norm_c_bias, H);
  }
  static constexpr int blocks() { return S::hn; }
  static int64_t total(const Part& part) {
    const T* last = part.d_weights + (part.p.features + part.p.outputs + 1) * part.wide_d;
    const auto upto = [&](const T* from, int64_t size) {
      if (from) last = std::max(last, from + size);
    };
    const int64_t H = part.p.units;
    if (part.p.w_hr) upto(part.d_projection, part.p.outputs * part.wide_h);
    upto(part.small.peephole, 3 * H + L), upto(part.small.norm_gain, 4 * H + L);
    upto(part.small.norm_bias, 4 * H + L), upto(part.small.norm_c_gain, H + L);
    upto(part.small.norm_c_bias, H + L);
    return last - part.d_weights;
  }
};

}  // namespace
}  // namespace longshort
