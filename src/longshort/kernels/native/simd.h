// Vectors of the machine, and the nonlinearities on them.
//
// GCC's and clang's vector extensions: the same source is AVX-512, AVX2, SSE or NEON, by the flags
// that its translation unit is compiled with.
#pragma once

#include <cstdint>
#include <cstring>
#include <utility>

#include "problem.h"

#if defined(__AVX512F__)
#include <immintrin.h>
#define LONGSHORT_BYTES 64
#define LONGSHORT_TILE_ROWS 6
#elif defined(__AVX__)
#define LONGSHORT_BYTES 32
#define LONGSHORT_TILE_ROWS 3
#elif defined(__aarch64__)
#define LONGSHORT_BYTES 16
#define LONGSHORT_TILE_ROWS 6
#else
#define LONGSHORT_BYTES 16
#define LONGSHORT_TILE_ROWS 3
#endif

#define INLINE_LAMBDA __attribute__((always_inline))

namespace longshort {
namespace {

struct BFloat16 {
  uint16_t bits;
};

template <class T>
struct Lanes {
  static constexpr int count = LONGSHORT_BYTES / sizeof(T);
  typedef T Vector __attribute__((vector_size(LONGSHORT_BYTES)));
  // may lie anywhere
  typedef T Loose __attribute__((vector_size(LONGSHORT_BYTES), aligned(sizeof(T)), may_alias));
};
template <class T>
using Vec = typename Lanes<T>::Vector;

typedef uint32_t Bits32 __attribute__((vector_size(LONGSHORT_BYTES)));
typedef uint64_t Bits64 __attribute__((vector_size(LONGSHORT_BYTES)));
typedef uint16_t Halves __attribute__((vector_size(LONGSHORT_BYTES / 2), aligned(2), may_alias));

template <class T>
INLINE Vec<T> load(const T* at) {
  return *reinterpret_cast<const typename Lanes<T>::Loose*>(at);
}
INLINE Vec<float> load(const BFloat16* at) {
  const Halves half = *reinterpret_cast<const Halves*>(at);
  const Bits32 bits = __builtin_convertvector(half, Bits32) << 16;
  return reinterpret_cast<Vec<float>>(bits);
}
template <class T>
INLINE void store(T* at, Vec<T> value) {
  *reinterpret_cast<typename Lanes<T>::Loose*>(at) = value;
}
// values are bfloat16 already: nothing is rounded
INLINE void store(BFloat16* at, Vec<float> value) {
  *reinterpret_cast<Halves*>(at) =
      __builtin_convertvector(reinterpret_cast<Bits32>(value) >> 16, Halves);
}
template <class T>
INLINE Vec<T> all(T value) {
  return value - Vec<T>{};
}

// the first `count` lanes only: what lies behind them belongs to somebody else
template <class T>
INLINE Vec<T> load(const T* at, int64_t count) {
  if (count >= Lanes<T>::count) return load(at);
  Vec<T> value{};
  std::memcpy(&value, at, count * sizeof(T));
  return value;
}
template <class T>
INLINE void store(T* at, Vec<T> value, int64_t count) {
  if (count >= Lanes<T>::count) return store(at, value);
  std::memcpy(at, &value, count * sizeof(T));
}
#if defined(__AVX512F__)
// one instruction rather than a call of memcpy, in every row of a layer whose units do not fill
// their last vector
INLINE Vec<float> load(const float* at, int64_t count) {
  if (count >= Lanes<float>::count) return load(at);
  return reinterpret_cast<Vec<float>>(_mm512_maskz_loadu_ps((1u << count) - 1, at));
}
INLINE void store(float* at, Vec<float> value, int64_t count) {
  if (count >= Lanes<float>::count) return store(at, value);
  _mm512_mask_storeu_ps(at, (1u << count) - 1, reinterpret_cast<__m512>(value));
}
#endif

template <class T>
INLINE T sum(Vec<T> value) {
  T total = 0;
  for (int lane = 0; lane < Lanes<T>::count; ++lane) total += value[lane];
  return total;
}

// the first `count` lanes, zero behind them
template <class T, int... LANE>
INLINE Vec<T> first(Vec<T> value, int64_t count, std::integer_sequence<int, LANE...>) {
  return Vec<T>{T(LANE)...} < all(T(count)) ? value : Vec<T>{};
}
template <class T>
INLINE Vec<T> first(Vec<T> value, int64_t count) {
  if (count >= Lanes<T>::count) return value;
  return first<T>(value, count, std::make_integer_sequence<int, Lanes<T>::count>());
}

// lanes whose number has the bit B change places between a pair of vectors
template <class T, int B, int... LANE>
INLINE void exchange(Vec<T>& a, Vec<T>& b, std::integer_sequence<int, LANE...>) {
  constexpr int L = Lanes<T>::count;
  const Vec<T> low = __builtin_shufflevector(a, b, (LANE & B ? L + LANE - B : LANE)...);
  b = __builtin_shufflevector(a, b, (LANE & B ? L + LANE : LANE + B)...);
  a = low;
}
// a square of as many vectors as one has lanes, in place
template <class T, int B = Lanes<T>::count / 2>
INLINE void transpose(Vec<T>* rows) {
  for (int k = 0; k < Lanes<T>::count; ++k)
    if (!(k & B))
      exchange<T, B>(rows[k], rows[k + B], std::make_integer_sequence<int, Lanes<T>::count>());
  if constexpr (B > 1) transpose<T, B / 2>(rows);
}

// a comparison with NaN is false, so NaN passes through
template <class T>
INLINE Vec<T> clamp(Vec<T> value, T low, T high) {
  value = value < low ? all<T>(low) : value;
  return value > high ? all<T>(high) : value;
}

// exp(x) = 2^n exp(r) with n = round(x / log 2): the rounding and the power of two are made with
// integers in the float's own bits; exp(r) on |r| < 0.35 by a polynomial (for float32 the one with
// the least relative error, 4e-9; for float64 the Taylor series to r^13). x is within BOUND.
template <class T>
constexpr T BOUND = sizeof(T) == 4 ? T(87) : T(708);
INLINE Vec<float> exp(Vec<float> x) {
  const Vec<float> shifted = x * 1.44269504f + 12582912.0f;
  const Vec<float> n = shifted - 12582912.0f;
  const Vec<float> r = (x - n * 0.693359375f) + n * 2.12194440e-4f;
  Vec<float> p = r * 1.3814559e-3f + 8.368736e-3f;
  p = p * r + 4.166839e-2f;
  p = p * r + 1.6666521e-1f;
  p = p * r + 4.9999994e-1f;
  p = p * r + 1.0f;
  p = p * r + 1.0f;
  // a product rather than a sum of bits, so that NaN stays NaN
  return p * reinterpret_cast<Vec<float>>((reinterpret_cast<Bits32>(shifted) << 23) + (127u << 23));
}
INLINE Vec<double> exp(Vec<double> x) {
  const Vec<double> shifted = x * 1.4426950408889634 + 6755399441055744.0;
  const Vec<double> n = shifted - 6755399441055744.0;
  const Vec<double> r = (x - n * 0.693147180369123816490) - n * 1.90821492927058770002e-10;
  Vec<double> p = all(1.0);
  for (int k = 13; k > 0; --k) p = p * r * (1.0 / k) + 1.0;
  const Bits64 power = (reinterpret_cast<Bits64>(shifted) << 52) + (1023ull << 52);
  return p * reinterpret_cast<Vec<double>>(power);
}

// 1 / sigmoid(x), which is within the range of T
template <class T>
INLINE Vec<T> inverse_sigmoid(Vec<T> x) {
  return exp(-clamp<T>(x, -BOUND<T>, BOUND<T>)) + T(1);
}
template <class T>
INLINE Vec<T> sigmoid(Vec<T> x) {
  return T(1) / inverse_sigmoid<T>(x);
}

// A value as over / under, under being within [1e-3, 1]: a product of fractions needs one division,
// which costs as much as ten multiplications.
template <class T>
struct Fraction {
  Vec<T> over, under;
};

// the rational approximation of degree 13 / 6 on |x| < 7.9 (Eigen's coefficients): relative
// accuracy near 0, and no cancellation
INLINE Fraction<float> tanh_fraction(Vec<float> x) {
  x = clamp<float>(x, -7.90531110763549805f, 7.90531110763549805f);
  const Vec<float> s = x * x;
  Vec<float> p = s * -2.76076847742355e-16f + 2.00018790482477e-13f;
  p = p * s + -8.60467152213735e-11f;
  p = p * s + 5.12229709037114e-08f;
  p = p * s + 1.48572235717979e-05f;
  p = p * s + 6.37261928875436e-04f;
  p = p * s + 4.89352455891786e-03f;
  Vec<float> q = s * 1.19825839466702e-06f + 1.18534705686654e-04f;
  q = q * s + 2.26843463243900e-03f;
  q = q * s + 4.89352518554385e-03f;
  return {x * p, q};
}
INLINE Fraction<double> tanh_fraction(Vec<double> x) {
  const Vec<double> size = x < 0.0 ? -x : x;
  // 1 - 2e-17 and 1 are the same number
  const Vec<double> e = exp(-2.0 * clamp<double>(size, 0.0, 20.0));
  const Vec<double> far = (1.0 - e) / (1.0 + e);
  // near 0 the difference 1 - e cancels: the continued fraction x / (1 + x^2 / (3 + ...))
  const Vec<double> s = x * x;
  Vec<double> k = all(19.0);
  for (double odd = 17.0; odd > 0.0; odd -= 2.0) k = odd + s / k;
  return {size < 0.5 ? x / k : (x < 0.0 ? -far : far), all(1.0)};
}
template <class V>
INLINE V tanh(V x) {
  const auto [over, under] = tanh_fraction(x);
  return over / under;
}

}  // namespace
}  // namespace longshort
