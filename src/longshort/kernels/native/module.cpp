// The extension module: problems are described, weights packed and calls made from Python.
//
// Nothing is checked here: kernels/cpu.py has checked shapes, strides and types, and keeps alive
// every tensor whose address it hands over.
#include <nanobind/nanobind.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <memory>
#include <stdexcept>
#include <string>
#include <tuple>
#include <vector>

#include "engine.h"
#include "philox.h"
#include "pool.h"

namespace nb = nanobind;
using namespace longshort;

namespace {

// engines that this build has and this machine can run, the best first
std::vector<const Engine*> engines() {
  std::vector<const Engine*> found;
#if defined(LONGSHORT_HAVE_AVX512)
  if (__builtin_cpu_supports("x86-64-v4")) found.push_back(&avx512);
#endif
#if defined(LONGSHORT_HAVE_AVX2)
  if (__builtin_cpu_supports("x86-64-v3")) found.push_back(&avx2);
#endif
#if defined(LONGSHORT_HAVE_BASELINE) && defined(__x86_64__)
  if (__builtin_cpu_supports("x86-64-v2")) found.push_back(&baseline);
#elif defined(LONGSHORT_HAVE_BASELINE)
  found.push_back(&baseline);
#endif
  return found;
}

std::atomic<const Engine*> chosen{nullptr};

const Engine& engine() {
  const Engine* found = chosen.load();
  if (!found) throw std::runtime_error("no engine runs on this machine");
  return *found;
}

// Weights packed for one engine; usable for every problem of the same sizes and options.
struct Packed {
  const Engine& engine;
  Block block;
  explicit Packed(const Problem& p) : engine(::engine()), block(engine.packed_bytes(p)) {
    engine.pack(p, block.data());
  }
};

// smaller work is done before another Python thread could make use of the lock
bool small(const Problem& p) {
  return double(p.rows) * p.steps * p.units * (p.features + p.outputs) < 5e5;
}

template <class Work>
void unlocked(bool keep, Work&& work) {
  if (keep) return work();
  nb::gil_scoped_release release;
  work();
}

void forward(const Problem& p, const Packed& packed) {
  unlocked(small(p), [&] { packed.engine.forward(p, packed.block.data()); });
}

void backward(const Problem& p) {
  const Engine& own = engine();
  unlocked(small(p), [&] { own.backward(p); });
}

// A word made of 32 words spread evenly over memory. Torch's fused optimisers, and whatever writes
// through .data, change weights without a new version; they change all of them, or nearly.
uint64_t glance(uintptr_t place, size_t bytes) {
  const size_t words = bytes / sizeof(uint32_t);
  if (!place || !words) return 0;
  const auto* at = reinterpret_cast<const char*>(place);
  const size_t count = std::min<size_t>(words, 32);
  uint64_t mixed = bytes;
  for (size_t k = 0; k < count; ++k) {
    uint32_t word;
    std::memcpy(&word, at + sizeof(word) * (count > 1 ? k * (words - 1) / (count - 1) : 0), 4);
    mixed = (mixed ^ word) * 0x9E3779B97F4A7C15u;
    mixed ^= mixed >> 29;
  }
  return mixed;
}

// The tensors that packed weights were made of, and whether they are still the same: the same
// objects under their owner's names, not written to since, and where they were.
struct Watch {
  nb::dict named;
  std::vector<nb::object> owned, tensors;
  std::vector<long> versions;
  std::vector<size_t> places, sizes;
  std::vector<uint64_t> seen;

  static nb::object version_of(nb::handle tensor) { return tensor.attr("_version"); }
  static nb::object place_of(nb::handle tensor) { return tensor.attr("data_ptr")(); }

  Watch(nb::dict given, nb::list watched) : named(given) {
    for (auto [name, value] : named) owned.push_back(nb::borrow(value));
    for (nb::handle tensor : watched) {
      tensors.push_back(nb::borrow(tensor));
      versions.push_back(nb::cast<long>(version_of(tensor)));
      places.push_back(nb::cast<size_t>(place_of(tensor)));
      sizes.push_back(nb::cast<size_t>(tensor.attr("nbytes")));
      seen.push_back(glance(places.back(), sizes.back()));
    }
  }

  bool same() const {
    size_t at = 0;
    for (auto [name, value] : named)
      if (at == owned.size() || !value.is(owned[at++])) return false;
    if (at != owned.size()) return false;
    for (size_t k = 0; k < tensors.size(); ++k)
      if (nb::cast<long>(version_of(tensors[k])) != versions[k] ||
          nb::cast<size_t>(place_of(tensors[k])) != places[k] ||
          glance(places[k], sizes[k]) != seen[k])
        return false;
    return true;
  }
};

// Layers whose problems have been described once, for full rows: an output is the next input.
struct Plan {
  std::vector<Problem> problems;
  std::vector<std::shared_ptr<Packed>> weights;

  Plan(std::vector<Problem> given, std::vector<std::shared_ptr<Packed>> packed)
      : problems(std::move(given)), weights(std::move(packed)) {
    if (problems.empty() || problems.size() != weights.size())
      throw std::invalid_argument("a plan needs weights for every problem, and one at least");
  }

  // x and y are contiguous, rows first or steps first; states are stacked by layer, and the old
  // and the new ones may be the same
  void read(int64_t rows, int64_t steps, bool rows_first, int threads, uintptr_t x, uintptr_t y,
            uintptr_t h, uintptr_t c, uintptr_t h_n, uintptr_t c_n) const {
    const size_t last = problems.size() - 1;
    const size_t size = problems[0].wide ? 8 : 4, cells = rows * steps * problems[0].outputs;
    // two outputs between layers: one is read while the other is written
    Block between(last ? size * cells * (last > 1 ? 2 : 1) : 0);
    const auto at = reinterpret_cast<uintptr_t>(between.data());
    const auto lie = [&](uintptr_t where, int64_t width) {
      return Field{where, rows_first ? steps * width : width, rows_first ? width : rows * width, 1};
    };
    for (size_t k = 0; k <= last; ++k) {
      Problem p = problems[k];
      p.rows = rows, p.steps = steps, p.threads = threads;
      p.x = lie(k ? at + (k - 1) % 2 * size * cells : x, p.features);
      p.y = lie(k < last ? at + k % 2 * size * cells : y, p.outputs);
      p.h_0 = {h, p.outputs, 0, 1}, p.c_0 = {c, p.units, 0, 1}, p.h_n = h_n, p.c_n = c_n;
      unlocked(small(p), [&] { weights[k]->engine.forward(p, weights[k]->block.data()); });
      h += rows * p.outputs * size, h_n += rows * p.outputs * size;
      if (c) c += rows * p.units * size, c_n += rows * p.units * size;
    }
  }

  void step(int64_t rows, uintptr_t x, uintptr_t y, uintptr_t h, uintptr_t c, uintptr_t h_n,
            uintptr_t c_n) const {
    read(rows, 1, true, problems[0].threads, x, y, h, c, h_n, c_n);
  }
};

using Place = std::tuple<uintptr_t, int64_t, int64_t, int64_t>;

template <class Class>
void field(Class& cls, const char* name, Field Problem::* member) {
  cls.def_prop_rw(
      name,
      [member](const Problem& p) {
        const Field& f = p.*member;
        return Place(f.at, f.row, f.step, f.unit);
      },
      [member](Problem& p, const Place& place) {
        std::tie((p.*member).at, (p.*member).row, (p.*member).step, (p.*member).unit) = place;
      });
}

}  // namespace

NB_MODULE(_native, m) {
  if (!engines().empty()) chosen = engines().front();

  auto problem = nb::class_<Problem>(m, "Problem").def(nb::init<>());
#define PLAIN(name) problem.def_rw(#name, &Problem::name)
  PLAIN(rows), PLAIN(steps), PLAIN(features), PLAIN(units), PLAIN(outputs), PLAIN(cell);
  PLAIN(wide), PLAIN(narrow), PLAIN(threads), PLAIN(forget), PLAIN(relu), PLAIN(reverse);
  PLAIN(gate_clip), PLAIN(cell_clip), PLAIN(proj_clip);
  PLAIN(w_ih), PLAIN(w_hh), PLAIN(b_ih), PLAIN(b_hh), PLAIN(w_hr), PLAIN(peephole);
  PLAIN(norm_gain), PLAIN(norm_bias), PLAIN(norm_c_gain), PLAIN(norm_c_bias);
  PLAIN(h_n), PLAIN(c_n), PLAIN(lengths), PLAIN(resets), PLAIN(saved), PLAIN(d_h_n), PLAIN(d_c_n);
  PLAIN(d_h_0), PLAIN(d_c_0), PLAIN(d_initial_h), PLAIN(d_initial_c);
  PLAIN(d_w_ih), PLAIN(d_w_hh), PLAIN(d_b_ih), PLAIN(d_b_hh), PLAIN(d_w_hr), PLAIN(d_peephole);
  PLAIN(d_norm_gain), PLAIN(d_norm_bias), PLAIN(d_norm_c_gain), PLAIN(d_norm_c_bias);
#undef PLAIN
#define FIELD(name) field(problem, #name, &Problem::name)
  FIELD(x), FIELD(y), FIELD(h_0), FIELD(c_0), FIELD(initial_h), FIELD(initial_c);
  FIELD(mask_x), FIELD(mask_h), FIELD(mask_g), FIELD(keep_h), FIELD(keep_c);
  FIELD(d_y), FIELD(d_cells), FIELD(d_x);
#undef FIELD
  problem.def_prop_rw(
      "d_gates",
      [](const Problem& p) {
        std::vector<Place> places;
        for (const Field& f : p.d_gates) places.emplace_back(f.at, f.row, f.step, f.unit);
        return places;
      },
      [](Problem& p, const std::vector<Place>& places) {
        for (size_t k = 0; k < places.size() && k < 4; ++k)
          std::tie(p.d_gates[k].at, p.d_gates[k].row, p.d_gates[k].step, p.d_gates[k].unit) =
              places[k];
      });
  problem.def_prop_ro("slots", [](const Problem& p) { return slots(p); });

  nb::class_<Packed>(m, "Packed").def(nb::init<const Problem&>());
  nb::class_<Plan>(m, "Plan")
      .def("__init__",
           [](Plan* self, std::vector<Problem> problems, nb::list packed) {
             std::vector<std::shared_ptr<Packed>> weights;
             for (nb::handle one : packed) {
               // the plan keeps the Python object, and with it the weights
               nb::object owner = nb::borrow(one);
               weights.emplace_back(nb::cast<Packed*>(owner), [owner](Packed*) mutable {
                 nb::gil_scoped_acquire lock;
                 owner.reset();
               });
             }
             new (self) Plan(std::move(problems), std::move(weights));
           })
      .def("step", &Plan::step)
      .def("read", &Plan::read);
  nb::class_<Watch>(m, "Watch").def(nb::init<nb::dict, nb::list>()).def("same", &Watch::same);
  m.def("forward", &forward);
  m.def("backward", &backward);
  m.def("draw", [](uint64_t seed, uint64_t stream, uint64_t first, uint64_t count, uint64_t least,
                   double kept, bool wide, int threads, uintptr_t to) {
    const Draw d{seed, stream, first, count, least, kept, wide, threads, to};
    unlocked(count < 1 << 16, [&] { engine().draw(d); });
  });
  m.def("glance", &glance);
  m.def("peak", [] { return engine().peak(); });
  m.def("isa", [] { return std::string(chosen.load() ? chosen.load()->name : ""); });
  m.def("isas", [] {
    std::vector<std::string> names;
    for (const Engine* one : engines()) names.emplace_back(one->name);
    return names;
  });
  m.def("use", [](const std::string& name) {
    for (const Engine* one : engines())
      if (name == one->name) {
        chosen = one;
        return;
      }
    throw std::invalid_argument("no such instruction set in this build on this machine: " + name);
  });
}
