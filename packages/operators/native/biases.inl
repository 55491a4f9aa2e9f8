// What both forms of attention share; compiled once for each set of instructions.
#pragma once

#include "attention.h"

namespace tp {
namespace {

inline size_t RoundUp(size_t count, size_t step) { return (count + step - 1) / step * step; }

/// Adds the biases of a query, times `factor`, to its scores.
inline void AddBiases(const Head& head, size_t query, float factor, float* scores) {
  if (head.keyBias != nullptr) {
    for (size_t j = 0; j < head.keys; j++) scores[j] += head.keyBias[j] * factor;
  }
  if (head.bias == nullptr) return;
  const float* bias = head.bias + static_cast<ptrdiff_t>(head.biasPositions[query]) * head.biasStride;
  for (size_t j = 0; j < head.keys; j++) scores[j] += bias[head.biasPositions[j]] * factor;
}

}  // namespace
}  // namespace tp
