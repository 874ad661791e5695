// What every cell shares: a row of a step, masks, normalisation, and the way in and out of a cell.
#pragma once

#include <cmath>

#include "problem.h"
#include "tile.h"

namespace longshort {
namespace {

template <class T>
INLINE T* as(uintptr_t at) {
  return reinterpret_cast<T*>(at);
}

// one row of a Field at one step, read by unit
template <class T>
struct Values {
  const T* at;
  int64_t unit;
  INLINE explicit operator bool() const { return at; }
  INLINE Vec<T> read(int64_t u, int64_t count) const {
    return unit ? load(at + u, count) : all<T>(*at);
  }
};
template <class T>
INLINE Values<T> values(const Field& field, int64_t b, int64_t t) {
  return {field.at ? as<const T>(field.at) + b * field.row + t * field.step : nullptr, field.unit};
}

// one row at one step; pointers are to its own parts
template <class T>
struct Row {
  int64_t b, t;
  // forward: state in and out, c in place; raw is the output before projection
  T* c;
  const T* h;
  T* h_new;
  T* q_new;
  T* y;
  T* raw;
  // both: (slots, H) of this step; null where nothing is kept
  T* saved;
  // H values each, to be used within a call
  T* scratch[3];
  // backward: the state before this step (null: zeros), the gradients' way
  const T* h_prev;
  const T* c_prev;
  T* d_gates;
  T* d_c;
  T* carry;
  // the state after this step was thrown away: its gradients end in the initial state's
  bool cut;
  T* d_initial_h;
  T* d_initial_c;
};

// sums over rows and steps of the small weights' gradients; null where there are none
template <class T>
struct Small {
  T* peephole;
  T* norm_gain;
  T* norm_bias;
  T* norm_c_gain;
  T* norm_c_bias;
};

template <class T>
INLINE Vec<T> read(const T* at, int64_t u, int64_t count) {
  return at ? load(at + u, count) : Vec<T>{};
}
template <class T>
INLINE void add(T* at, Vec<T> value, int64_t count) {
  store(at, load(at, count) + value, count);
}

// ---- layer normalisation and clipping: in(s) = clip(LN(s)), see reference/gates ----

template <class T>
struct Spread {
  T mean = 0, scale = 1;
};

// of H values, value(u, count) giving a vector with zeros behind count
template <class T, class Value>
INLINE Spread<T> measure(int64_t units, Value&& value) {
  constexpr int L = Lanes<T>::count;
  Vec<T> total{};
  for (int64_t u = 0; u < units; u += L) total += first<T>(value(u, std::min<int64_t>(L, units - u)), units - u);
  const T mean = sum<T>(total) / units;
  Vec<T> squares{};
  for (int64_t u = 0; u < units; u += L) {
    const Vec<T> off = first<T>(value(u, std::min<int64_t>(L, units - u)) - mean, units - u);
    squares += off * off;
  }
  return {mean, T(1) / std::sqrt(sum<T>(squares) / units + T(1e-5))};
}

template <class T>
INLINE Vec<T> normalised(Vec<T> value, const Spread<T>& spread, const T* gain, const T* bias,
                         int64_t count) {
  const Vec<T> scaled = (value - spread.mean) * spread.scale * load(gain, count);
  return bias ? scaled + load(bias, count) : scaled;
}

// a sum of gate block `gate` on its way into the nonlinearity
template <class T>
INLINE Vec<T> into(const Problem& p, int gate, const Spread<T>& spread, Vec<T> value, int64_t u,
                   int64_t count) {
  const int64_t at = gate * p.units + u;
  if (p.norm_gain)
    value = normalised(value, spread, as<const T>(p.norm_gain) + at,
                       p.norm_bias ? as<const T>(p.norm_bias) + at : nullptr, count);
  if (p.gate_clip != UNBOUNDED) value = clamp<T>(value, -p.gate_clip, p.gate_clip);
  return value;
}

// d where clip(value) follows value, 0 where it does not
template <class T>
INLINE Vec<T> through(Vec<T> d, Vec<T> value, double bound) {
  const T b = static_cast<T>(bound);
  return value >= -b ? (value <= b ? d : Vec<T>{}) : Vec<T>{};
}

// the same on the way back through `into`, up to the normalisation: value is the sum
template <class T>
INLINE Vec<T> clipped_back(const Problem& p, int gate, const Spread<T>& spread, Vec<T> d,
                           Vec<T> value, int64_t u, int64_t count) {
  if (p.gate_clip == UNBOUNDED) return d;
  const int64_t at = gate * p.units + u;
  if (p.norm_gain)
    value = normalised(value, spread, as<const T>(p.norm_gain) + at,
                       p.norm_bias ? as<const T>(p.norm_bias) + at : nullptr, count);
  return through<T>(d, value, p.gate_clip);
}

// Back through a layer norm, in place: d over H units becomes the gradient of the values.
//   dv = scale (e - mean(e) - v^ mean(e v^)),  e = gain d,  v^ = scale (v - mean)
template <class T>
void unnormalise(int64_t units, const T* value, const Spread<T>& spread, const T* gain, T* d,
                 T* d_gain, T* d_bias) {
  constexpr int L = Lanes<T>::count;
  Vec<T> total{}, moment{};
  for (int64_t u = 0; u < units; u += L) {
    const int64_t count = std::min<int64_t>(L, units - u);
    const Vec<T> in = load(d + u, count);
    const Vec<T> hat = (load(value + u, count) - spread.mean) * spread.scale;
    const Vec<T> e = first<T>(in * load(gain + u, count), count);
    total += e;
    moment += e * hat;
    if (d_gain) add(d_gain + u, in * hat, count);
    if (d_bias) add(d_bias + u, in, count);
  }
  const T mean = sum<T>(total) / units, slope = sum<T>(moment) / units;
  for (int64_t u = 0; u < units; u += L) {
    const int64_t count = std::min<int64_t>(L, units - u);
    const Vec<T> hat = (load(value + u, count) - spread.mean) * spread.scale;
    const Vec<T> e = load(d + u, count) * load(gain + u, count);
    store(d + u, (e - mean - hat * slope) * spread.scale, count);
  }
}

// the gate block's part of it, d lying where the block's gradients do
template <class T>
void unnormalise_gate(const Problem& p, int gate, const T* value, const Spread<T>& spread, T* d,
                      const Small<T>& small) {
  const int64_t at = gate * p.units;
  unnormalise<T>(p.units, value, spread, as<const T>(p.norm_gain) + at, d,
                 small.norm_gain ? small.norm_gain + at : nullptr,
                 small.norm_bias ? small.norm_bias + at : nullptr);
}

// value * (1 - keep) + old * keep, exactly `value` where keep is 0 and `old` where it is 1
template <class T>
INLINE Vec<T> kept(Vec<T> value, Vec<T> old, Vec<T> keep) {
  const Vec<T> way = old - value;
  return keep < T(0.5) ? value + keep * way : old - (T(1) - keep) * way;
}

// ---- in and out of a cell ----

// the hidden state after a step: zoneout, then to the output, the next step and its product
template <class T, bool GENERAL>
INLINE void leave(const Problem& p, const Row<T>& row, int64_t u, int64_t count, Vec<T> h) {
  if constexpr (GENERAL) {
    if (const auto keep = values<T>(p.keep_h, row.b, row.t))
      h = kept<T>(h, load(row.h + u), keep.read(u, count));
    if (const auto mask = values<T>(p.mask_h, row.b, 0))
      store(row.q_new + u, h * mask.read(u, count));
  }
  store(row.h_new + u, first<T>(h, count));
  store(row.y + u, h, count);
}

// Its gradient on the way back: what came through the product of the next step (d), past it
// (carry), and from the output; zoneout sends its share on to the step before.
template <class T, bool GENERAL, bool CARRIES>
INLINE Vec<T> arrive(const Problem& p, const Row<T>& row, int64_t u, int64_t count, Vec<T> d) {
  if constexpr (GENERAL)
    if (const auto mask = values<T>(p.mask_h, row.b, 0)) d *= mask.read(u, count);
  if constexpr (GENERAL || CARRIES) d += load(row.carry + u);
  if constexpr (GENERAL)
    if (row.cut) {
      add(row.d_initial_h + u, d, count);
      d = Vec<T>{};
    }
  if (const auto d_y = values<T>(p.d_y, row.b, row.t)) d += d_y.read(u, count);
  if constexpr (GENERAL) {
    Vec<T> past{};
    if (const auto keep = values<T>(p.keep_h, row.b, row.t)) {
      past = d * keep.read(u, count);
      d -= past;
    }
    store(row.carry + u, past);
  }
  return d;
}

template <class T>
INLINE Vec<T> masked(const Problem& p, const Row<T>& row, Vec<T> value, int64_t u, int64_t count) {
  const auto mask = values<T>(p.mask_g, row.b, row.t);
  return mask ? value * mask.read(u, count) : value;
}
// the gradient that a recorded gate sends
template <class T>
INLINE Vec<T> recorded(const Problem& p, const Row<T>& row, int gate, Vec<T> d, int64_t u,
                       int64_t count) {
  const auto from = values<T>(p.d_gates[gate], row.b, row.t);
  return from ? d + from.read(u, count) : d;
}

}  // namespace
}  // namespace longshort
