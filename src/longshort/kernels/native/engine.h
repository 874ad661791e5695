// The engine as one instruction set has it; module.cpp chooses one.
#pragma once

#include <cstddef>

#include "problem.h"

namespace longshort {

struct Draw;

struct Engine {
  const char* name;
  // bytes of the weights of a problem, packed for forward; and packing them
  size_t (*packed_bytes)(const Problem&);
  void (*pack)(const Problem&, char*);
  // with weights that were packed for the same problem but for its tensors
  void (*forward)(const Problem&, const char* packed);
  void (*backward)(const Problem&);
  // a dropout mask, see philox.h
  void (*draw)(const Draw&);
  // fused multiply-adds from registers alone, counted as two operations, in 1e9 per second
  double (*peak)();
};

extern const Engine avx512, avx2, baseline;

}  // namespace longshort
