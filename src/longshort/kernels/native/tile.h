// Matrix products in tiles that stay in registers.
//
// A product's right side is packed into panels: [panel][k][slot][lane], where a panel is a few
// vectors wide. A tile is up to TILE_ROWS rows by one panel (or fewer rows by several panels), and
// ends where the next formula begins. Every element is one chain of fused multiply-adds in the
// order of k, whatever the shape of its tile: the same numbers for any batch and thread count.
#pragma once

#include <algorithm>

#include "simd.h"

namespace longshort {
namespace {

constexpr int TILE_ROWS = LONGSHORT_TILE_ROWS;

// Where a cell's slots of sums come from: the input's share goes to XN slots from XO on, the hidden
// state's to HN slots from HO on.
template <int NS_, int XO_, int XN_, int HO_, int HN_>
struct Slots {
  static constexpr int all = NS_, xo = XO_, xn = XN_, ho = HO_, hn = HN_;
};

// the left side by row; the right side from the first panel on
template <class T, class W>
struct Side {
  const T* const* left;
  const W* right;
  int64_t depth;
  // what is read soon after this: a line of it is fetched at every k, while there is time
  const W* soon;
};
// rows at equal distances
template <class T>
struct Lines {
  T* at;
  int64_t stride;
};

// Panels in one tile: as many as hide the latency of its sums. More would only let few rows read
// more weights between one use of a row's value and the next.
constexpr int panels_at_once(int rows, int slots) {
  constexpr int HIDING = 8;
  return std::clamp((HIDING + rows * slots - 1) / (rows * slots), 1, 4);
}

// the panels from `first` on
template <class T, class W, class S, int M, int PN>
void tile(const Side<T, W>& x, const Side<T, W>& h, int64_t first, Lines<const T> start,
          Lines<T> out) {
  constexpr int L = Lanes<T>::count, NS = S::all;
  start.at += first * NS * L, out.at += first * NS * L;
  Vec<T> sums[M][PN][NS];
  for (int m = 0; m < M; ++m)
    for (int p = 0; p < PN; ++p)
      for (int s = 0; s < NS; ++s)
        sums[m][p][s] = load(start.at + m * start.stride + (p * NS + s) * L);
  const auto add = [&]<int OFFSET, int COUNT>(const Side<T, W>& side) INLINE_LAMBDA {
    const int64_t depth = side.depth, panel = depth * COUNT * L;
    const T* rows[M];
    for (int m = 0; m < M; ++m) rows[m] = side.left[m];
    const W *right = side.right + first * panel, *soon = side.soon;
    // counting and jumping takes the place of multiplications
#pragma GCC unroll 4
    for (int64_t k = 0; k < depth; ++k, right += COUNT * L, soon += 64 / sizeof(W)) {
      __builtin_prefetch(soon, 0, 2);
      Vec<T> left[M];
      for (int m = 0; m < M; ++m) left[m] = all<T>(rows[m][k]);
      for (int p = 0; p < PN; ++p)
        for (int s = 0; s < COUNT; ++s) {
          const Vec<T> weight = load(right + p * panel + s * L);
          for (int m = 0; m < M; ++m) sums[m][p][OFFSET + s] += left[m] * weight;
        }
    }
  };
  if constexpr (S::xn > 0)
    if (x.depth) add.template operator()<S::xo, S::xn>(x);
  if constexpr (S::hn > 0) add.template operator()<S::ho, S::hn>(h);
  for (int m = 0; m < M; ++m)
    for (int p = 0; p < PN; ++p)
      for (int s = 0; s < NS; ++s) store(out.at + m * out.stride + (p * NS + s) * L, sums[m][p][s]);
}

template <class T, class W, class S, int M>
void tiles_of(int64_t panels, const Side<T, W>& x, const Side<T, W>& h, Lines<const T> start,
              Lines<T> out) {
  constexpr int MOST = panels_at_once(M, S::all);
  // Sides are not copied: a copy would wait for the pieces of the original to reach the cache, and
  // for everything that was stored before them
  int64_t first = 0;
  for (; first + MOST <= panels; first += MOST) tile<T, W, S, M, MOST>(x, h, first, start, out);
  if (MOST > 2 && first + 2 <= panels) {
    tile<T, W, S, M, std::min(2, MOST)>(x, h, first, start, out);
    first += 2;
  }
  for (; first < panels; ++first) tile<T, W, S, M, 1>(x, h, first, start, out);
}

// sums of `rows` (1 to TILE_ROWS) rows over `panels` panels: out = start + left * right
template <class T, class W, class S>
void multiply(int rows, int64_t panels, const Side<T, W>& x, const Side<T, W>& h,
              Lines<const T> start, Lines<T> out) {
  switch (rows) {
    case 1: return tiles_of<T, W, S, 1>(panels, x, h, start, out);
    case 2: return tiles_of<T, W, S, 2>(panels, x, h, start, out);
    case 3: return tiles_of<T, W, S, 3>(panels, x, h, start, out);
#if LONGSHORT_TILE_ROWS == 6
    case 4: return tiles_of<T, W, S, 4>(panels, x, h, start, out);
    case 5: return tiles_of<T, W, S, 5>(panels, x, h, start, out);
    case 6: return tiles_of<T, W, S, 6>(panels, x, h, start, out);
#endif
  }
}

// Call run(first, count) over `rows` rows in tiles of nearly the same height.
template <class Run>
INLINE void in_tiles(int64_t rows, Run&& run) {
  const int64_t tiles = (rows + TILE_ROWS - 1) / TILE_ROWS;
  for (int64_t k = 0, first = 0; k < tiles; ++k) {
    const int64_t count = (rows - first + tiles - k - 1) / (tiles - k);
    run(first, static_cast<int>(count));
    first += count;
  }
}

// the tallest of those tiles
inline int tallest(int64_t rows) {
  const int64_t tiles = (rows + TILE_ROWS - 1) / TILE_ROWS;
  return tiles ? static_cast<int>((rows + tiles - 1) / tiles) : 1;
}

// ---- a cell's weights, by unit: panel p holds units [p L, (p + 1) L) of every slot ----

// A block of the transpose of w, whose rows are `depth` apart: a vector's lanes are `real` rows (or
// zero), and columns [0, count) become vectors `stride` apart.
template <class T, class W>
INLINE void transposed(const T* w, int64_t depth, int64_t real, int64_t count, W* out,
                       int64_t stride) {
  constexpr int L = Lanes<T>::count;
  Vec<T> block[L];
  for (int lane = 0; lane < L; ++lane)
    block[lane] = lane < real ? load(w + lane * depth, count) : Vec<T>{};
  transpose<T>(block);
  for (int k = 0; k < std::min<int64_t>(count, L); ++k) store(out + k * stride, block[k]);
}

// from w, whose rows are gate * units + unit, with `depth` columns; slot s is gate order[s]
template <class T, class W>
void pack_units(const T* w, int64_t units, int64_t depth, const int* order, int count, W* out) {
  constexpr int L = Lanes<T>::count;
  for (int64_t u = 0; u < units; u += L, out += depth * count * L)
    for (int s = 0; s < count; ++s)
      for (int64_t k = 0; k < depth; k += L)
        transposed(w + (order[s] * units + u) * depth + k, depth, units - u, depth - k,
                   out + (k * count + s) * L, count * L);
}

// one value per unit and gate into [panel][slot][lane], for the slots of `order`; adds to out
template <class T>
void add_units(const T* values, int64_t units, const int* order, int count, int all_slots,
               int offset, T* out) {
  constexpr int L = Lanes<T>::count;
  if (!values) return;
  for (int s = 0; s < count; ++s)
    for (int64_t u = 0; u < units; ++u)
      out[(u / L * all_slots + offset + s) * L + u % L] += values[order[s] * units + u];
}

// ---- plain products: out = left * right, right (depth, width) in groups of up to 4 vectors:
// [group][k][vector][lane] ----

// units up to the end of their last vector
template <class T>
constexpr int64_t padded(int64_t units) {
  return (units + Lanes<T>::count - 1) / Lanes<T>::count * Lanes<T>::count;
}

// right from a matrix whose rows are gate * units + unit, `width` wide: the gates of `order`
template <class T>
void pack_columns(const T* w, int64_t width, int64_t units, const int* order, int count, T* out) {
  constexpr int L = Lanes<T>::count;
  for (int64_t n = 0; n < width; n += 4 * L) {
    const int64_t end = std::min(n + 4 * L, width);
    for (int s = 0; s < count; ++s)
      for (int64_t u = 0; u < units; ++u)
        for (int64_t v = n; v < end; v += L, out += L)
          store(out, load(w + (order[s] * units + u) * width + v, width - v));
  }
}

// right from the transpose of a matrix (width, depth)
template <class T>
void pack_transposed(const T* w, int64_t width, int64_t depth, T* out) {
  constexpr int L = Lanes<T>::count;
  for (int64_t n = 0; n < width; n += 4 * L) {
    const int64_t vectors = (std::min<int64_t>(4 * L, width - n) + L - 1) / L;
    for (int64_t v = 0; v < vectors; ++v)
      for (int64_t k = 0; k < depth; k += L)
        transposed(w + (n + v * L) * depth + k, depth, width - n - v * L, depth - k,
                   out + (k * vectors + v) * L, vectors * L);
    out += depth * vectors * L;
  }
}

// left * right for a few rows; `soon` as in Side
template <class T>
INLINE void product(int rows, int64_t panels, const T* const* left, const T* right, int64_t depth,
                    Lines<T> out, const T* soon = nullptr) {
  alignas(64) static const T none[4 * Lanes<T>::count] = {};
  constexpr int L = Lanes<T>::count;
  for (int64_t p = 0; p < panels; p += 4, right += 4 * depth * L, out.at += 4 * L) {
    const Side<T, T> side = {left, right, depth, soon ? soon : right};
    const auto run = [&]<int N>() INLINE_LAMBDA {
      multiply<T, T, Slots<N, 0, N, 0, 0>>(rows, 1, side, {}, {none, 0}, out);
    };
    switch (panels - p) {
      case 1: run.template operator()<1>(); break;
      case 2: run.template operator()<2>(); break;
      case 3: run.template operator()<3>(); break;
      default: run.template operator()<4>();
    }
  }
}

// ---- gradients of weights: out (width of left, width of right) += left^T right ----

template <class T, int M, int NV>
void outer_tile(const T* left, int64_t left_stride, const T* right, int64_t right_stride,
                int64_t samples, T* out, int64_t out_stride) {
  constexpr int L = Lanes<T>::count;
  Vec<T> sums[M][NV];
  for (int m = 0; m < M; ++m)
    for (int v = 0; v < NV; ++v) {
      sums[m][v] = load(out + m * out_stride + v * L);
      // the next tile's
      __builtin_prefetch(out + (M + m) * out_stride + v * L, 1, 3);
    }
#pragma GCC unroll 2
  for (int64_t s = 0; s < samples; ++s) {
    Vec<T> l[M];
    for (int m = 0; m < M; ++m) l[m] = all<T>(left[s * left_stride + m]);
    for (int v = 0; v < NV; ++v) {
      const Vec<T> r = load(right + s * right_stride + v * L);
      for (int m = 0; m < M; ++m) sums[m][v] += l[m] * r;
    }
  }
  for (int m = 0; m < M; ++m)
    for (int v = 0; v < NV; ++v) store(out + m * out_stride + v * L, sums[m][v]);
}

template <class T, int NV>
void outer_rows(int rows, const T* left, int64_t left_stride, const T* right, int64_t right_stride,
                int64_t samples, T* out, int64_t out_stride) {
  switch (rows) {
    case 1: return outer_tile<T, 1, NV>(left, left_stride, right, right_stride, samples, out, out_stride);
    case 2: return outer_tile<T, 2, NV>(left, left_stride, right, right_stride, samples, out, out_stride);
    case 3: return outer_tile<T, 3, NV>(left, left_stride, right, right_stride, samples, out, out_stride);
#if LONGSHORT_TILE_ROWS == 6
    case 4: return outer_tile<T, 4, NV>(left, left_stride, right, right_stride, samples, out, out_stride);
    case 5: return outer_tile<T, 5, NV>(left, left_stride, right, right_stride, samples, out, out_stride);
    case 6: return outer_tile<T, 6, NV>(left, left_stride, right, right_stride, samples, out, out_stride);
#endif
  }
}

// samples whose vectors stay in the first cache while all tiles are summed over them
constexpr int64_t SAMPLES = 128;

// `right` and `out` may be read and written up to the end of the last vector; `slice` holds
// SAMPLES times 4 vectors
template <class T>
void add_outer(const T* left, int64_t left_stride, int64_t left_width, const T* right,
               int64_t right_stride, int64_t right_width, int64_t samples, T* out,
               int64_t out_stride, T* slice) {
  constexpr int L = Lanes<T>::count;
  const int64_t vectors = padded<T>(right_width) / L;
  for (; samples > 0; samples -= SAMPLES) {
    const int64_t some = std::min(samples, SAMPLES);
    for (int64_t v = 0; v < vectors; v += 4) {
      const int64_t wide = std::min<int64_t>(4, vectors - v);
      // rows far apart are as many pages: every tile would look up all of them again
      for (int64_t s = 0; s < some; ++s)
        for (int64_t k = 0; k < wide; ++k)
          store(slice + (s * wide + k) * L, load(right + s * right_stride + (v + k) * L));
      in_tiles(left_width, [&](int64_t m, int rows) {
        const T* l = left + m;
        T* o = out + m * out_stride + v * L;
        switch (wide) {
          case 1: return outer_rows<T, 1>(rows, l, left_stride, slice, L, some, o, out_stride);
          case 2: return outer_rows<T, 2>(rows, l, left_stride, slice, 2 * L, some, o, out_stride);
          case 3: return outer_rows<T, 3>(rows, l, left_stride, slice, 3 * L, some, o, out_stride);
          default: return outer_rows<T, 4>(rows, l, left_stride, slice, 4 * L, some, o, out_stride);
        }
      });
    }
    left += some * left_stride, right += some * right_stride;
  }
}

}  // namespace
}  // namespace longshort
