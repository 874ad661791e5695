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

  // weights of more bytes are fetched ahead of their use
  static constexpr int64_t CACHED = 1 << 20;
  // Where weights are as many as these bytes, or rows so few, reading the weights costs more than
  // multiplying: the inputs' share of the sums is then made ahead, of some positions together.
  static constexpr int64_t LARGE = 3 << 20, FEW = 16, AHEAD_ROWS = 128;

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
    // of every row at this position: the whole row, and what the products read of it
    Row<T>* here;
    const T **x, **reads;
    // the input's product for `chunk` positions: rows that are read, and where a position begins
    int64_t chunk;
    const T** left;
    int64_t* begins;
    int64_t wide_h, wide_p, panels, slots;
    // whether the weights do not stay in the cache from one position to the next
    bool far;
  };

  static void lay(Part& part, int64_t count, Layout& layout) {
    const Problem& p = part.p;
    part.wide_h = padded<T>(p.units), part.wide_p = padded<T>(p.outputs);
    part.panels = part.wide_h / L, part.slots = slots(p);
    const int64_t sums = S::all * part.wide_h;
    const int64_t weights = ((p.features * S::xn + p.outputs * S::hn) * part.wide_h) * sizeof(W);
    part.far = weights > CACHED;
    const bool ahead = p.steps > 1 && (count < FEW || weights > LARGE);
    part.chunk = ahead ? std::min<int64_t>(p.steps, (AHEAD_ROWS + count - 1) / count) : 0;
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
    part.begins = layout.take<int64_t>(part.chunk);
    part.here = layout.take<Row<T>>(count);
    part.x = layout.take<const T*>(count);
    part.reads = layout.take<const T*>(count);
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
    for (int64_t row = 0; row < rows.count; ++row) part.here[row] = row_of(part, row);
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
    int64_t now = part.rows.count, held = 0;
    for (int64_t position = from; position < to; ++position) {
      now = part.rows.active(position, now);
      part.begins[position - from] = held;
      for (int64_t row = 0; row < now; ++row, ++held)
        part.left[held] = input(part, row, position, held);
    }
    const int64_t group = panels_at_once(tallest(held), S::all), wide = S::all * part.wide_h;
    for (int64_t first = 0; first < part.panels; first += group) {
      const W* const weights = part.weights.input + first * p.features * S::xn * L;
      in_tiles(held, [&](int64_t row, int count) INLINE_LAMBDA {
        multiply<T, W, Ahead>(count, std::min<int64_t>(group, part.panels - first),
                              {part.left + row, weights, p.features, weights}, {},
                              {part.weights.start + first * S::all * L, 0},
                              {part.ahead + row * wide + first * S::all * L, wide});
      });
    }
  }

  static void step(Part& part, int64_t position, int64_t now, int old) {
    const Problem& p = part.p;
    if (C::GENERAL && p.resets)
      for (int64_t row = 0; row < now; ++row)
        if (part.rows.cut(row, position))
          start_from(part, row, old, p.initial_h, p.initial_c);
    for (int64_t row = 0; row < now; ++row) advance(part, position, old, row);
    // with layer norm a row needs all of its sums before the first of its units
    const int64_t group = p.normed() ? part.panels : panels_at_once(tallest(now), S::all);
    const int64_t groups = (part.panels + group - 1) / group;
    // every other position goes through the weights from the end: what was read last is still in
    // the cache
    const bool back = position % 2;
    for (int64_t k = 0; k < groups; ++k) {
      const int64_t first = (back ? groups - 1 - k : k) * group;
      const int64_t next = !part.far || k + 1 == groups ? -1 : back ? first - group : first + group;
      tiles_of(part, position, now, first, std::min(group, part.panels - first), next);
    }
    if (p.w_hr) project(part, now, old);
  }

  // a row, but for what changes from position to position
  static INLINE Row<T> row_of(Part& part, int64_t row) {
    const Problem& p = part.p;
    Row<T> found{};
    found.b = part.rows.batch[row];
    found.c = part.c + row * part.wide_h;
    found.raw = p.w_hr ? part.raw + row * part.wide_h : nullptr;
    for (int k = 0; k < 3; ++k) found.scratch[k] = part.scratch[k];
    return found;
  }
  static INLINE void advance(Part& part, int64_t position, int old, int64_t row) {
    const Problem& p = part.p;
    Row<T>& here = part.here[row];
    const int64_t t = here.t = part.rows.step(position), at_row = row * part.wide_p;
    here.h = part.h[old] + at_row, here.h_new = part.h[1 - old] + at_row;
    here.q_new = part.q[1 - old] + at_row, part.reads[row] = part.q[old] + at_row;
    here.y = const_cast<T*>(at<T>(p.y, here.b, t));
    if (p.saved) here.saved = as<T>(p.saved) + (here.b * p.steps + t) * part.slots * p.units;
    if (part.chunk || p.mask_x.at) return;
    part.x[row] = at<T>(p.x, here.b, t);
    // the next input of this row lies far from that of the row before
    const T* const next = part.x[row] + (p.reverse ? -p.x.step : p.x.step);
    for (int64_t k = 0; k < p.features; k += 64 / sizeof(T)) __builtin_prefetch(next + k, 0, 2);
  }

  // fetch what a row will write from unit u on: waiting for it would cost more than computing it
  static INLINE void expect(Part& part, const Row<T>& row, int64_t u) {
    __builtin_prefetch(row.y + u, 1, 3);
    if (!row.saved) return;
    for (int64_t slot = 0; slot < part.slots; ++slot)
      __builtin_prefetch(row.saved + slot * part.p.units + u, 1, 3);
  }

  // the panels from `first` on, in all rows; the panels from `next` on, if any, are fetched meanwhile
  static INLINE void tiles_of(Part& part, int64_t position, int64_t now, int64_t first,
                              int64_t panels, int64_t next) {
    const Problem& p = part.p;
    const int64_t wide = S::all * part.wide_h, depth = part.chunk ? 0 : p.features;
    const int64_t x_panel = p.features * S::xn * L, q_panel = p.outputs * S::hn * L;
    const W *const w_x = part.weights.input + first * x_panel;
    const W *const w_q = part.weights.hidden + first * q_panel;
    constexpr int LINE = 64 / sizeof(W);
    int64_t fetched = 0;
    const Lines<T> sums = {part.sums, panels * S::all * L};
    const Lines<const T> start =
        part.chunk ? Lines<const T>{part.ahead + part.begins[position % part.chunk] * wide +
                                        first * S::all * L, wide}
                   : Lines<const T>{part.weights.start + first * S::all * L, 0};
    in_tiles(now, [&](int64_t row, int count) INLINE_LAMBDA {
      if (p.mask_x.at && !part.chunk)
        for (int m = 0; m < count; ++m) part.x[row + m] = input(part, row + m, position, m);
      for (int m = 0; m < count; ++m) expect(part, part.here[row + m], first * L);
      const bool soon = next >= 0 && fetched < S::hn * L / LINE;
      multiply<T, W, S>(
          count, panels,
          {part.x + row, w_x, depth,
           soon ? part.weights.input + next * x_panel + fetched * p.features * LINE : w_x},
          {part.reads + row, w_q, p.outputs,
           soon ? part.weights.hidden + next * q_panel + fetched * p.outputs * LINE : w_q},
          {start.at + row * start.stride, start.stride}, sums);
      ++fetched;
      for (int m = 0; m < count; ++m)
        C::forward(p, part.here[row + m], first * L, std::min((first + panels) * L, p.units),
                   sums.at + m * sums.stride);
    });
  }

  // the hidden state from the outputs of all units: clip(W_hr raw)
  static void project(Part& part, int64_t now, int old) {
    const Problem& p = part.p;
    const int64_t last = projected_slot(p);
    in_tiles(now, [&](int64_t row, int count) {
      const T* left[TILE_ROWS];
      for (int m = 0; m < count; ++m) left[m] = part.raw + (row + m) * part.wide_h;
      const Lines<T> out = {part.h[1 - old] + row * part.wide_p, part.wide_p};
      product(count, part.wide_p / L, left, part.weights.projection, p.units, out);
      for (int m = 0; m < count; ++m) {
        const Row<T>& here = part.here[row + m];
        for (int64_t u = 0; u < p.outputs; u += L) {
          const int64_t width = std::min<int64_t>(L, p.outputs - u);
          Vec<T> h = load(out.at + m * out.stride + u);
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
