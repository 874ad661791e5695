// What one call of the engine computes: sizes, options and where every tensor lies.
//
// Shapes and names are those of kernels/reference: B rows, T steps, F features, H units, P outputs
// (P = H unless projected). Strides count elements. A null pointer means that the tensor is absent.
#pragma once

#include <cstdint>
#include <limits>

// Compiled for several instruction sets, of which the linker may keep one copy of a function: what
// they share is always inlined.
#define INLINE inline __attribute__((always_inline))

namespace longshort {

enum Cell { LSTM = 0, GRU = 1, RNN = 2 };
enum Forget { GATE = 0, COUPLED = 1, NONE = 2 };

constexpr double UNBOUNDED = std::numeric_limits<double>::infinity();

// a tensor indexed by row, step and unit; a stride of 0 shares one value
struct Field {
  uintptr_t at = 0;
  int64_t row = 0, step = 0, unit = 0;
};

struct Problem {
  int64_t rows = 0, steps = 0, features = 0, units = 0, outputs = 0;
  int cell = LSTM;
  // float64 rather than float32
  bool wide = false;
  // weights packed as bfloat16, for inference only
  bool narrow = false;
  int threads = 1;

  int forget = GATE;
  bool relu = false;
  bool reverse = false;
  double gate_clip = UNBOUNDED, cell_clip = UNBOUNDED, proj_clip = UNBOUNDED;

  // (G*H, F), (G*H, P), (G*H,), (G*H,), (P, H) and the others as in reference.Weights
  uintptr_t w_ih = 0, w_hh = 0, b_ih = 0, b_hh = 0, w_hr = 0, peephole = 0;
  uintptr_t norm_gain = 0, norm_bias = 0, norm_c_gain = 0, norm_c_bias = 0;

  Field x, y;
  // (B, P) and (B, H) by row
  Field h_0, c_0;
  // (B, P) and (B, H), contiguous
  uintptr_t h_n = 0, c_n = 0;
  // (B,) of int64, (B, T) of bool, contiguous
  uintptr_t lengths = 0, resets = 0;
  Field initial_h, initial_c;
  Field mask_x, mask_h, mask_g, keep_h, keep_c;

  // (B, T, slots(*this), H), contiguous: what backward needs and what is recorded
  uintptr_t saved = 0;

  // gradients that come in: of y, of the last states, of the recorded cells and gates
  Field d_y;
  uintptr_t d_h_n = 0, d_c_n = 0;
  Field d_cells, d_gates[4];
  // gradients that go out, contiguous; all are written whole
  Field d_x;
  uintptr_t d_h_0 = 0, d_c_0 = 0, d_initial_h = 0, d_initial_c = 0;
  uintptr_t d_w_ih = 0, d_w_hh = 0, d_b_ih = 0, d_b_hh = 0, d_w_hr = 0, d_peephole = 0;
  uintptr_t d_norm_gain = 0, d_norm_bias = 0, d_norm_c_gain = 0, d_norm_c_bias = 0;

  INLINE bool normed() const { return norm_gain || norm_c_gain; }
  // whether anything is asked for that a plain cell has not
  INLINE bool plain() const {
    return forget == GATE && gate_clip == UNBOUNDED && cell_clip == UNBOUNDED && !w_hr &&
           !peephole && !normed() && !resets && !mask_x.at && !mask_h.at && !mask_g.at &&
           !keep_h.at && !keep_c.at && !d_cells.at && !d_gates[0].at && !relu;
  }
  // sums before normalisation and clipping have to be kept for their derivative
  INLINE bool keeps_sums() const { return norm_gain || gate_clip != UNBOUNDED; }
};

// vectors of H that are saved for a step. LSTM: i f g o c, then the sums of i f g o, then W_hr raw.
// GRU: r z n and W_hn h + b_hn, then the sums of r z n. RNN: n, then its sum.
INLINE int projected_slot(const Problem& p) {
  const int gates[] = {5, 4, 1}, sums[] = {4, 3, 1};
  return gates[p.cell] + (p.keeps_sums() ? sums[p.cell] : 0);
}
INLINE int slots(const Problem& p) {
  const bool kept = p.w_hr && p.proj_clip != UNBOUNDED;
  return projected_slot(p) + (kept ? static_cast<int>((p.outputs + p.units - 1) / p.units) : 0);
}

}  // namespace longshort
