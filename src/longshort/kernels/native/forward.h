// The loop over time, forwards.
#pragma once

#include "pool.h"
#include "rows.h"

namespace longshort {
namespace {

// weights in the order in which tiles read them
template <class T, class W>
struct Packed {
  W* input;
  W* hidden;
  // the sums' first values: the biases
  T* start;
  T* projection;
};

template <class T, class W, class C>
struct Forward {
  using S = typename C::Sums;
  using Ahead = Slots<S::all, S::xo, S::xn, 0, 0>;
  static constexpr int L = Lanes<T>::count;

  // input shares of this many rows are made together, ahead of their steps
  static constexpr int64_t AHEAD_ROWS = 192;
  // weights of this many bytes are read at every step together
  static constexpr int64_t CACHED = 1 << 20;

  static Packed<T, W> lay(const Problem& p, Layout& layout) {
    const int64_t panels = padded<T>(p.units) / L;
    Packed<T, W> packed;
    packed.input = layout.take<W>(panels * p.features * S::xn * L);
    packed.hidden = layout.take<W>(panels * p.outputs * S::hn * L);
    packed.start = layout.take<T>(panels * S::all * L);
    packed.projection = layout.take<T>(p.w_hr ? padded<T>(p.outputs) * p.units : 0);
    return packed;
  }

  static size_t packed_bytes(const Problem& p) {
    Layout layout(nullptr);
    lay(p, layout);
    return layout.used();
  }

  static void pack(const Problem& p, char* to) {
    Layout layout(to);
    const Packed<T, W> packed = lay(p, layout);
    const int64_t H = p.units, panels = padded<T>(H) / L;
    pack_units(as<const T>(p.w_ih), H, p.features, C::input_order, S::xn, packed.input);
    pack_units(as<const T>(p.w_hh), H, p.outputs, C::hidden_order, S::hn, packed.hidden);
    std::fill(packed.start, packed.start + panels * S::all * L, T(0));
    add_units(as<const T>(p.b_ih), H, C::input_order, S::xn, S::all, S::xo, packed.start);
    add_units(as<const T>(p.b_hh), H, C::hidden_order, S::hn, S::all, S::ho, packed.start);
    if (p.w_hr) pack_transposed(as<const T>(p.w_hr), p.outputs, H, packed.projection);
  }

  // what one part of the rows works with
  struct Part {
    const Problem& p;
    Packed<T, W> weights;
    Rows rows;
    // the hidden state and, where masked, what the product reads; two of each, new and old
    T *h[2], *q[2], *c, *raw, *sums, *ahead, *inputs, *scratch[3];
    // rows of the input's product
    const T** left;
    T** right;
    int64_t chunk;
    int64_t wide_h, wide_p, panels;
  };

  static void lay(Part& part, int64_t count, Layout& layout) {
    const Problem& p = part.p;
    part.wide_h = padded<T>(p.units), part.wide_p = padded<T>(p.outputs);
    part.panels = part.wide_h / L;
    const int64_t sums = S::all * part.wide_h;
    const int64_t weights = ((p.features * S::xn + p.outputs * S::hn) * part.wide_h) * sizeof(W);
    const bool fused = p.steps == 1 || weights <= CACHED || count >= AHEAD_ROWS;
    part.chunk = fused ? 0 : std::min<int64_t>(p.steps, (AHEAD_ROWS + count - 1) / count);
    for (int k = 0; k < 2; ++k) {
      part.h[k] = layout.take<T>(count * part.wide_p);
      part.q[k] = p.mask_h.at ? layout.take<T>(count * part.wide_p) : part.h[k];
    }
    part.c = layout.take<T>(C::HAS_C ? count * part.wide_h : 0);
    part.raw = layout.take<T>(p.w_hr ? count * part.wide_h : 0);
    part.sums = layout.take<T>(TILE_ROWS * (p.normed() ? sums : 4 * S::all * L));
    part.ahead = layout.take<T>(part.chunk * count * sums);
    part.inputs = layout.take<T>(p.mask_x.at ? std::max<int64_t>(part.chunk * count, TILE_ROWS) * p.features : 0);
    part.left = layout.take<const T*>(part.chunk * count);
    part.right = layout.take<T*>(part.chunk * count);
    for (T*& row : part.scratch) row = layout.take<T>(C::GENERAL ? part.wide_h : 0);
  }

  static int parts_of(const Problem& p) {
    // below this a second thread costs more than it does
    const double work = double(p.rows) * p.steps * p.units * (p.features + p.outputs) * S::all;
    const int64_t most = std::min<int64_t>(p.rows / 4, static_cast<int64_t>(work / 2e5));
    return static_cast<int>(std::clamp<int64_t>(p.threads, 1, std::max<int64_t>(1, most)));
  }

  static void run(const Problem& p, const char* packed) {
    const int parts = parts_of(p);
    const int64_t most = (p.rows + parts - 1) / parts;
    Layout weights(const_cast<char*>(packed));
    const Packed<T, W> w = lay(p, weights);
    const auto work = [&](char* base, int part) {
      Layout layout(base);
      Part own{p, w};
      lay(own, most, layout);
      return std::pair(own, layout.used());
    };
    const size_t each = work(nullptr, 0).second;
    Layout counted(nullptr);
    const auto tables = [&](Layout& layout) {
      return std::tuple(layout.take<int64_t>(p.rows), layout.take<int64_t>(p.rows),
                        layout.take<int64_t>(p.rows), layout.take<int64_t>(p.steps + 2));
    };
    tables(counted);
    Block block(counted.used() + parts * each);
    Layout layout(block.data());
    const auto [batch, length, sorted, starts] = tables(layout);
    deal(p, parts, batch, length, sorted, starts);
    char* const base = block.data() + counted.used();
    const int64_t *all_batch = batch, *all_length = length;
    in_parts(parts, [&](int k) {
      Part part = work(base + k * each, k).first;
      const int64_t from = first_of(p, parts, k), to = first_of(p, parts, k + 1);
      part.rows = {&p, all_batch + from, all_length + from, to - from};
      read(part);
    });
  }

  // all positions of one part's rows
  static void read(Part& part) {
    const Problem& p = part.p;
    const Rows& rows = part.rows;
    int old = 0;
    int64_t now = rows.active(0, rows.count), before = 0;
    int64_t made = 0;
    for (int64_t row = 0; row < rows.count; ++row)
      if (rows.length[row] == 0) begin(part, row, 0), end(part, row, 0);
    for (int64_t position = 0; position < p.steps; ++position) {
      for (int64_t row = before; row < now; ++row) begin(part, row, old);
      if (part.chunk && position == made) {
        made = std::min(position + part.chunk, p.steps);
        look_ahead(part, position, made);
      }
      step(part, position, now, old);
      old = 1 - old;
      const int64_t next = position + 1 < p.steps ? rows.active(position + 1, now) : 0;
      for (int64_t row = std::min(next, now); row < now; ++row) end(part, row, old);
      before = now, now = next;
    }
  }

  // a row's first state, before its first step
  static void begin(Part& part, int64_t row, int old) {
    start_from(part, row, old, part.p.h_0, part.p.c_0);
  }
  static void start_from(Part& part, int64_t row, int old, const Field& h, const Field& c) {
    const Problem& p = part.p;
    const int64_t b = part.rows.batch[row];
    for (int64_t u = 0; u < p.outputs; u += L) {
      const int64_t count = std::min<int64_t>(L, p.outputs - u);
      const Vec<T> value = read_at(h, b, u, count);
      store(part.h[old] + row * part.wide_p + u, value);
      if (const auto mask = values<T>(p.mask_h, b, 0))
        store(part.q[old] + row * part.wide_p + u, value * mask.read(u, count));
    }
    if (C::HAS_C)
      for (int64_t u = 0; u < p.units; u += L)
        store(part.c + row * part.wide_h + u,
              read_at(c, b, u, std::min<int64_t>(L, p.units - u)));
  }
  static INLINE Vec<T> read_at(const Field& field, int64_t b, int64_t u, int64_t count) {
    return longshort::read(at<T>(field, b), u, count);
  }
  // a row's last state, and zeros where it has no steps
  static void end(Part& part, int64_t row, int old) {
    const Problem& p = part.p;
    const int64_t b = part.rows.batch[row];
    std::copy_n(part.h[old] + row * part.wide_p, p.outputs, as<T>(p.h_n) + b * p.outputs);
    if (C::HAS_C)
      std::copy_n(part.c + row * part.wide_h, p.units, as<T>(p.c_n) + b * p.units);
    for (int64_t t = part.rows.length[row]; t < p.steps; ++t) {
      std::fill_n(const_cast<T*>(at<T>(p.y, b, t)), p.outputs, T(0));
    }
  }

  // the inputs of some rows at one position
  static INLINE const T* input(Part& part, int64_t row, int64_t position, int64_t slot) {
    const Problem& p = part.p;
    const int64_t b = part.rows.batch[row], t = part.rows.step(position);
    const T* from = at<T>(p.x, b, t);
    const auto mask = values<T>(p.mask_x, b, 0);
    if (!mask) return from;
    T* const to = part.inputs + slot * p.features;
    for (int64_t k = 0; k < p.features; k += L) {
      const int64_t count = std::min<int64_t>(L, p.features - k);
      store(to + k, load(from + k, count) * mask.read(k, count), count);
    }
    return to;
  }

  // the input's share of the sums at positions [from, to): every panel of weights is read once
  static void look_ahead(Part& part, int64_t from, int64_t to) {
    const Problem& p = part.p;
    const int64_t wide = S::all * part.wide_h;
    int64_t now = part.rows.count, held = 0;
    for (int64_t position = from; position < to; ++position) {
      now = part.rows.active(position, now);
      for (int64_t row = 0; row < now; ++row, ++held) {
        part.left[held] = input(part, row, position, held);
        part.right[held] = part.ahead + ((position - from) * part.rows.count + row) * wide;
      }
    }
    const int64_t group = panels_at_once(tallest(held), S::all);
    for (int64_t first = 0; first < part.panels; first += group)
      in_tiles(held, [&](int64_t row, int count) INLINE_LAMBDA {
        const T* start[TILE_ROWS];
        T* out[TILE_ROWS];
        for (int m = 0; m < count; ++m) {
          start[m] = part.weights.start + first * S::all * L;
          out[m] = part.right[row + m] + first * S::all * L;
        }
        multiply<T, W, Ahead>(
            count, std::min<int64_t>(group, part.panels - first),
            {part.left + row, part.weights.input + first * p.features * S::xn * L, p.features},
            {nullptr, nullptr, 0}, start, out);
      });
  }

  static void step(Part& part, int64_t position, int64_t now, int old) {
    const Problem& p = part.p;
    if (C::GENERAL && p.resets)
      for (int64_t row = 0; row < now; ++row)
        if (part.rows.cut(row, position))
          start_from(part, row, old, p.initial_h, p.initial_c);
    // with layer norm a row needs all of its sums before the first of its units
    const int64_t group = p.normed() ? part.panels : panels_at_once(tallest(now), S::all);
    for (int64_t first = 0; first < part.panels; first += group) {
      const int64_t panels = std::min(group, part.panels - first);
      in_tiles(now, [&](int64_t row, int count) INLINE_LAMBDA {
        tile_of(part, position, old, row, count, first, panels, group);
      });
    }
    if (p.w_hr) project(part, position, now, old);
  }

  static INLINE Row<T> row_at(Part& part, int64_t position, int old, int64_t row) {
    const Problem& p = part.p;
    Row<T> found{};
    found.b = part.rows.batch[row], found.t = part.rows.step(position);
    found.c = part.c + row * part.wide_h;
    found.h = part.h[old] + row * part.wide_p;
    found.h_new = part.h[1 - old] + row * part.wide_p;
    found.q_new = part.q[1 - old] + row * part.wide_p;
    found.y = const_cast<T*>(at<T>(p.y, found.b, found.t));
    found.raw = p.w_hr ? part.raw + row * part.wide_h : nullptr;
    found.saved = p.saved ? as<T>(p.saved) + (found.b * p.steps + found.t) * slots(p) * p.units
                          : nullptr;
    for (int k = 0; k < 3; ++k) found.scratch[k] = part.scratch[k];
    return found;
  }

  static INLINE void tile_of(Part& part, int64_t position, int old, int64_t row, int count,
                             int64_t first, int64_t panels, int64_t group) {
    const Problem& p = part.p;
    const T *x[TILE_ROWS], *q[TILE_ROWS], *start[TILE_ROWS];
    T* out[TILE_ROWS];
    for (int m = 0; m < count; ++m) {
      q[m] = part.q[old] + (row + m) * part.wide_p;
      out[m] = part.sums + m * group * S::all * L;
      if (part.chunk) {
        const int64_t at = (position % part.chunk) * part.rows.count + row + m;
        start[m] = part.ahead + (at * part.panels + first) * S::all * L;
      } else {
        x[m] = input(part, row + m, position, m);
        start[m] = part.weights.start + first * S::all * L;
      }
    }
    multiply<T, W, S>(count, panels,
                      {x, part.weights.input + first * p.features * S::xn * L,
                       part.chunk ? 0 : p.features},
                      {q, part.weights.hidden + first * p.outputs * S::hn * L, p.outputs}, start,
                      out);
    for (int m = 0; m < count; ++m)
      C::forward(p, row_at(part, position, old, row + m), first * L,
                 std::min((first + panels) * L, p.units), out[m]);
  }

  // the hidden state from the outputs of all units: clip(W_hr raw)
  static void project(Part& part, int64_t position, int64_t now, int old) {
    const Problem& p = part.p;
    const int64_t last = slots(p) - 1;
    in_tiles(now, [&](int64_t row, int count) {
      const T* left[TILE_ROWS];
      T* out[TILE_ROWS];
      for (int m = 0; m < count; ++m) {
        left[m] = part.raw + (row + m) * part.wide_h;
        out[m] = part.h[1 - old] + (row + m) * part.wide_p;
      }
      product(count, part.wide_p / L, left, part.weights.projection, p.units, out);
      for (int m = 0; m < count; ++m) {
        const Row<T> here = row_at(part, position, old, row + m);
        for (int64_t u = 0; u < p.outputs; u += L) {
          const int64_t width = std::min<int64_t>(L, p.outputs - u);
          Vec<T> h = load(out[m] + u);
          if (p.proj_clip != UNBOUNDED) {
            if (here.saved) store(here.saved + last * p.units + u, h, width);
            h = clamp<T>(h, -p.proj_clip, p.proj_clip);
          }
          leave<T, true>(p, here, u, width, h);
        }
      }
    });
  }
};

}  // namespace
}  // namespace longshort
