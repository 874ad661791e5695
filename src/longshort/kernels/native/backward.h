// The loop over time, backwards: the derivative of forward.h.
//
// A step leaves the gradients of its sums in a ring; what is made of them stands in gradients.h.
#pragma once

#include "gradients.h"
#include "pool.h"

namespace longshort {
namespace {

template <class T, class C>
struct Backward {
  using Of = Gradients<T, C>;
  using S = typename Of::S;
  using Part = typename Of::Part;
  using Weights = typename Of::Weights;
  static constexpr int L = Of::L;
  static constexpr bool CARRIES = Of::CARRIES;

  static Weights lay(const Problem& p, Layout& layout) {
    return {layout.take<T>(padded<T>(p.outputs) * p.units * S::hn),
            layout.take<T>(p.d_x.at ? padded<T>(p.features) * p.units * S::xn : 0),
            layout.take<T>(p.w_hr ? padded<T>(p.units) * p.outputs : 0)};
  }
  static void pack(const Problem& p, const Weights& to) {
    pack_columns(as<const T>(p.w_hh), p.outputs, p.units, C::hidden_order, S::hn, to.hidden);
    if (p.d_x.at)
      pack_columns(as<const T>(p.w_ih), p.features, p.units, C::input_order, S::xn, to.input);
    static constexpr int only[] = {0};
    if (p.w_hr) pack_columns(as<const T>(p.w_hr), p.units, p.outputs, only, 1, to.projection);
  }

  static int parts_of(const Problem& p) {
    const double work = double(p.rows) * p.steps * p.units * (p.features + p.outputs) * S::all;
    const int64_t most = std::min<int64_t>(p.rows / 4, static_cast<int64_t>(work / 2e5));
    return static_cast<int>(std::clamp<int64_t>(p.threads, 1, std::max<int64_t>(1, most)));
  }

  static void run(const Problem& p) {
    const int parts = parts_of(p);
    const int64_t most = (p.rows + parts - 1) / parts;
    const auto shared = [&](Layout& layout) {
      return std::tuple(layout.take<int64_t>(p.rows), layout.take<int64_t>(p.rows),
                        layout.take<int64_t>(p.rows), layout.take<int64_t>(p.steps + 2),
                        lay(p, layout));
    };
    const auto one = [&](char* base, const Weights& weights) {
      Layout layout(base);
      Part part{p, weights};
      Of::lay(part, most, layout);
      return std::pair(part, layout.used());
    };
    Layout counted(nullptr);
    shared(counted);
    const size_t each = one(nullptr, {}).second;
    Block block(counted.used() + parts * each);
    Layout layout(block.data());
    const auto [batch, length, sorted, starts, weights] = shared(layout);
    deal(p, parts, batch, length, sorted, starts);
    pack(p, weights);
    char* const base = block.data() + counted.used();
    const int64_t *all_batch = batch, *all_length = length;
    const Weights packed = weights;
    in_parts(parts, [&](int k) {
      Part part = one(base + k * each, packed).first;
      char* const sums = reinterpret_cast<char*>(part.d_weights);
      std::memset(sums, 0, base + (k + 1) * each - sums);
      if (p.resets) std::fill_n(part.nowhere, std::max(part.wide_h, part.wide_p), T(0));
      const int64_t from = first_of(p, parts, k), to = first_of(p, parts, k + 1);
      part.rows = {&p, all_batch + from, all_length + from, to - from};
      read(part);
    });
    Of::give(p, parts, [&](int k) { return one(base + k * each, packed).first; });
  }

  // all positions of one part's rows, the last first
  static void read(Part& part) {
    const Problem& p = part.p;
    const Rows& rows = part.rows;
    for (int64_t row = 0; row < rows.count; ++row) {
      if (rows.length[row] == 0) begin(part, row), end(part, row, nullptr, 0);
      part.here[row] = row_of(part, row);
      blank(part, row);
    }
    int64_t before = 0;
    const T* d_last = nullptr;
    for (int64_t position = p.steps - 1; position >= 0; --position) {
      const int64_t now = rows.active(position, before);
      for (int64_t row = now; row < before; ++row) end(part, row, d_last + row * part.wide_d, position + 1);
      for (int64_t row = before; row < now; ++row) begin(part, row);
      if (part.held + now > part.ring) Of::flush(part);
      T* const d_now = part.d_gates[part.turn] + part.held * part.wide_d;
      step(part, position, now, std::min(now, before), d_last, d_now);
      for (int64_t row = 0; row < now; ++row) part.samples[part.held++] = {row, position};
      d_last = d_now, before = now;
    }
    for (int64_t row = 0; row < before; ++row) end(part, row, d_last + row * part.wide_d, 0);
    Of::flush(part);
  }

  // inputs at padding have a gradient of zero
  static void blank(Part& part, int64_t row) {
    const Problem& p = part.p;
    const int64_t b = part.rows.batch[row];
    if (p.d_x.at)
      for (int64_t t = part.rows.length[row]; t < p.steps; ++t)
        std::fill_n(const_cast<T*>(at<T>(p.d_x, b, t)), p.features, T(0));
  }

  // a row's last state: where its gradients come from
  static void begin(Part& part, int64_t row) {
    const Problem& p = part.p;
    const int64_t b = part.rows.batch[row];
    const auto fill = [&](T* to, uintptr_t from, int64_t width, int64_t wide) {
      if (from) std::copy_n(as<const T>(from) + b * width, width, to);
      else std::fill_n(to, width, T(0));
      std::fill(to + width, to + wide, T(0));
    };
    if (CARRIES) fill(part.carry + row * part.wide_p, p.d_h_n, p.outputs, part.wide_p);
    if (C::HAS_C) fill(part.d_c + row * part.wide_h, p.d_c_n, p.units, part.wide_h);
  }

  // a row's first state: where they go
  static void end(Part& part, int64_t row, const T* d_gates, int64_t position) {
    const Problem& p = part.p;
    const int64_t b = part.rows.batch[row];
    const bool cut = d_gates && part.rows.cut(row, position);
    T* const d_h = cut ? as<T>(p.d_initial_h) : as<T>(p.d_h_0);
    T* const d_c = cut ? as<T>(p.d_initial_c) : as<T>(p.d_c_0);
    if (cut && p.d_h_0) std::fill_n(as<T>(p.d_h_0) + b * p.outputs, p.outputs, T(0));
    if (cut && p.d_c_0) std::fill_n(as<T>(p.d_c_0) + b * p.units, p.units, T(0));
    const auto put = [&](T* to, Vec<T> value, int64_t count) {
      if (cut) add(to, value, count);
      else store(to, value, count);
    };
    for (int64_t u = 0; d_h && u < p.outputs; u += 4 * L) {
      const int64_t panels = std::min<int64_t>(4, part.wide_p / L - u / L);
      std::fill_n(part.incoming, 4 * L, T(0));
      if (d_gates) {
        const T* left[] = {d_gates + S::ho * p.units};
        product(1, panels, left, part.weights.hidden + u * S::hn * p.units, S::hn * p.units,
                {part.incoming, 0});
      } else if (!CARRIES && p.d_h_n) {
        std::copy_n(as<const T>(p.d_h_n) + b * p.outputs + u,
                    std::min<int64_t>(4 * L, p.outputs - u), part.incoming);
      }
      for (int64_t v = u; v < std::min(u + 4 * L, p.outputs); v += L) {
        const int64_t count = std::min<int64_t>(L, p.outputs - v);
        Vec<T> d = load(part.incoming + (v - u));
        if (const auto mask = values<T>(p.mask_h, b, 0)) d *= mask.read(v, count);
        if (CARRIES) d += load(part.carry + row * part.wide_p + v);
        put(d_h + b * p.outputs + v, d, count);
      }
    }
    if (C::HAS_C && d_c)
      for (int64_t u = 0; u < p.units; u += L)
        put(d_c + b * p.units + u, load(part.d_c + row * part.wide_h + u),
            std::min<int64_t>(L, p.units - u));
  }

  // a row, but for what changes from position to position
  static Row<T> row_of(Part& part, int64_t row) {
    const Problem& p = part.p;
    Row<T> found{};
    const int64_t b = found.b = part.rows.batch[row];
    for (int k = 0; k < 3; ++k) found.scratch[k] = part.scratch[k];
    found.d_c = part.d_c + row * part.wide_h;
    found.carry = part.carry + row * part.wide_p;
    // where nobody wants the gradient, it is added up to nothing
    found.d_initial_h = p.d_initial_h ? as<T>(p.d_initial_h) + b * p.outputs : part.nowhere;
    found.d_initial_c = p.d_initial_c ? as<T>(p.d_initial_c) + b * p.units : part.nowhere;
    return found;
  }
  static INLINE void advance(Part& part, int64_t position, int64_t row, T* d_now) {
    const Problem& p = part.p;
    Row<T>& here = part.here[row];
    const int64_t b = here.b, t = here.t = part.rows.step(position), size = part.slots * p.units;
    here.saved = as<T>(p.saved) + (b * p.steps + t) * size;
    here.h_prev = Of::before(part, position, row);
    if (C::HAS_C) {
      if (part.rows.cut(row, position)) here.c_prev = at<T>(p.initial_c, b);
      else if (position == part.rows.first(row)) here.c_prev = at<T>(p.c_0, b);
      else here.c_prev = here.saved + (part.rows.step(position - 1) - t) * size + 4 * p.units;
    }
    here.d_gates = d_now + row * part.wide_d;
    here.cut = p.resets && position + 1 < p.steps && part.rows.cut(row, position + 1);
  }
  // one position: of `now` rows, the first `going` have been read at the position behind it
  static void step(Part& part, int64_t position, int64_t now, int64_t going, const T* d_last,
                   T* d_now) {
    const Problem& p = part.p;
    for (int64_t row = 0; row < now; ++row) advance(part, position, row, d_now);
    const int64_t vectors = part.wide_p / L, group = Of::whole(p) ? vectors : 4;
    const int64_t groups = (vectors + group - 1) / group;
    // every other position goes through the weights from the end, as forwards
    const bool back = position % 2;
    for (int64_t k = 0; k < groups; ++k) {
      const int64_t first = (back ? groups - 1 - k : k) * group;
      const int64_t next = !part.far || k + 1 == groups ? -1 : back ? first - group : first + group;
      const int64_t panels = std::min(group, vectors - first);
      in_tiles(going, [&](int64_t row, int count) INLINE_LAMBDA {
        into_rows(part, row, count, first, panels, next, d_last);
      });
      in_tiles(now - going, [&](int64_t row, int count) INLINE_LAMBDA {
        into_rows(part, going + row, count, first, panels, -1, nullptr);
      });
    }
  }

  // fetch what is read of a row from unit u on, while the product before it is made
  static INLINE void expect(const Part& part, const Row<T>& here, int64_t u, int64_t panels) {
    const Problem& p = part.p;
    const int64_t read = std::min<int64_t>(part.slots, C::HAS_C ? 5 : 4);
    for (int64_t v = u; v < u + panels * L; v += L) {
      for (int64_t slot = 0; slot < read; ++slot)
        __builtin_prefetch(here.saved + slot * p.units + v, 0, 3);
      if (p.d_y.at) __builtin_prefetch(at<T>(p.d_y, here.b, here.t) + v, 0, 3);
      if (C::HAS_C && here.c_prev) __builtin_prefetch(here.c_prev + v, 0, 3);
    }
  }

  // `panels` vectors of units of some rows; d_last is null where they were not read behind this
  static INLINE void into_rows(Part& part, int64_t row, int count, int64_t first, int64_t panels,
                               int64_t next, const T* d_last) {
    const Problem& p = part.p;
    const int64_t wide = panels * L, depth = S::hn * p.units;
    for (int m = 0; m < count; ++m) expect(part, part.here[row + m], first * L, panels);
    if (d_last) {
      const T* left[TILE_ROWS];
      for (int m = 0; m < count; ++m)
        left[m] = d_last + (row + m) * part.wide_d + S::ho * p.units;
      const T* const from = part.weights.hidden + first * L * depth;
      // a line at every k: each tile fetches a part of the next group
      constexpr int LINE = 64 / sizeof(T);
      const int64_t fetched = row / TILE_ROWS;
      const bool soon = next >= 0 && fetched < 4 * L / LINE;
      product(count, panels, left, from, depth, {part.incoming, wide},
              soon ? part.weights.hidden + next * L * depth + fetched * depth * LINE : nullptr);
    }
    for (int m = 0; m < count; ++m) {
      T* const out = part.incoming + m * wide;
      const Row<T>& here = part.here[row + m];
      if (!d_last) fresh(part, row + m, first * L, wide, out);
      if (p.w_hr) through_projection(part, here, row + m, out);
      else C::backward(p, here, first * L, std::min(first * L + wide, p.units), out, part.small);
    }
  }

  // what comes into a row at its last step
  static INLINE void fresh(Part& part, int64_t row, int64_t first, int64_t count, T* out) {
    const Problem& p = part.p;
    std::fill_n(out, count, T(0));
    if (!CARRIES && p.d_h_n)
      std::copy_n(as<const T>(p.d_h_n) + part.rows.batch[row] * p.outputs + first,
                  std::min(count, p.outputs - first), out);
  }

  // back through h = clip(W_hr raw), then through the cell
  static void through_projection(Part& part, const Row<T>& here, int64_t row, T* d_h) {
    const Problem& p = part.p;
    const int64_t sample = part.held + row;
    T* const d_projected = part.d_projected + sample * part.wide_p;
    const T* const projected = here.saved + projected_slot(p) * p.units;
    for (int64_t u = 0; u < p.outputs; u += L) {
      const int64_t count = std::min<int64_t>(L, p.outputs - u);
      Vec<T> d = arrive<T, true, false>(p, here, u, count, load(d_h + u));
      if (p.proj_clip != UNBOUNDED) d = through<T>(d, load(projected + u, count), p.proj_clip);
      store(d_projected + u, d);
    }
    C::unprojected(p, here, part.raw + sample * part.wide_h);
    const T* left[] = {d_projected};
    product(1, part.wide_h / L, left, part.weights.projection, p.outputs, {part.d_raw, 0});
    C::backward(p, here, 0, p.units, part.d_raw, part.small);
  }

};

}  // namespace
}  // namespace longshort
