// The engine, compiled once per instruction set with LONGSHORT_ISA as its name.
//
// Everything here has internal linkage but the table at the end: the linker must not take one
// instruction set's copy of a function for another's.
#include "engine.h"

#include <chrono>
#include <cmath>
#include <tuple>
#include <utility>

#include "backward.h"
#include "forward.h"
#include "gru.h"
#include "lstm.h"
#include "philox.h"
#include "rnn.h"

namespace longshort {
namespace {

// call run with the cell that a problem names, as a type
template <class T, class Run>
auto with_cell(const Problem& p, Run&& run) {
  const bool plain = p.plain();
  if (p.cell == GRU) return plain ? run(Gru<T, false>()) : run(Gru<T, true>());
  if (p.cell == RNN) return plain ? run(Rnn<T, false>()) : run(Rnn<T, true>());
  if (p.forget != GATE) return run(Lstm<T, 3, true>());
  return plain ? run(Lstm<T, 4, false>()) : run(Lstm<T, 4, true>());
}

template <class Run>
auto with_types(const Problem& p, Run&& run) {
  const auto cells = [&]<class T, class W>(T, W) {
    return with_cell<T>(p, [&](auto cell) { return run(Forward<T, W, decltype(cell)>()); });
  };
  if (p.wide) return cells(double(), double());
  return p.narrow ? cells(float(), BFloat16()) : cells(float(), float());
}

size_t packed_bytes(const Problem& p) {
  return with_types(p, [&](auto forward) { return forward.packed_bytes(p); });
}
void pack(const Problem& p, char* to) {
  with_types(p, [&](auto forward) { forward.pack(p, to); });
}
void forward(const Problem& p, const char* packed) {
  with_types(p, [&](auto forward) { forward.run(p, packed); });
}
void backward(const Problem& p) {
  const auto cells = [&]<class T>(T) {
    with_cell<T>(p, [&](auto cell) { Backward<T, decltype(cell)>::run(p); });
  };
  if (p.wide) cells(double());
  else cells(float());
}

void draw(const Draw& d) { d.wide ? draw_all<double>(d) : draw_all<float>(d); }

double peak() {
  constexpr int CHAINS = 12, ROUNDS = 1 << 18;
  Vec<float> sums[CHAINS], factor = all(0.999f);
  for (int k = 0; k < CHAINS; ++k) sums[k] = all(float(k));
  double best = 0;
  for (int attempt = 0; attempt < 8; ++attempt) {
    const auto begun = std::chrono::steady_clock::now();
    for (int round = 0; round < ROUNDS; ++round)
      for (int k = 0; k < CHAINS; ++k) sums[k] = sums[k] * factor + factor;
    const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - begun;
    best = std::max(best, 2.0 * CHAINS * ROUNDS * Lanes<float>::count / taken.count() / 1e9);
    // what nobody reads would not be computed
    volatile float read = 0;
    for (int k = 0; k < CHAINS; ++k) read = read + sums[k][0];
  }
  return best;
}

}  // namespace

#define LONGSHORT_TEXT_(name) #name
#define LONGSHORT_TEXT(name) LONGSHORT_TEXT_(name)
const Engine LONGSHORT_ISA = {LONGSHORT_TEXT(LONGSHORT_ISA), packed_bytes, pack, forward, backward,
                              draw, peak};

}  // namespace longshort
