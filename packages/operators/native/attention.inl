// The attention of one head, compiled once for each set of instructions (see attention_*.cc): plain vectors of GCC and Clang,
// which become whatever registers there are. TP_ATTEND is the function's name, TP_LANES the floats of one register,
// TP_ROWS how many queries share a pass over the keys.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "attention.h"
#include "biases.inl"
#include "vectors.inl"

namespace tp {
namespace {

constexpr size_t kRows = TP_ROWS;
/// Queries whose scores are held at once: with 512 keys 128 KiB, which stays in the second cache.
constexpr size_t kBlock = kRows * (64 / kRows);

/// One after another of these buffers serves all heads that a thread computes.
struct Scratch {
  std::vector<float> keys;    // [headDim, padded keys]: keys next to each other
  std::vector<float> values;  // [keys, padded valueDim]
  std::vector<float> query;   // [kBlock, headDim], scaled
  std::vector<float> scores;  // [kBlock, padded keys]
  std::vector<float> sums;    // [kBlock]
};

/// scores[kRows, 2 registers] = query · keys
inline void ScoreTile(const float* query, size_t headDim, const float* keys, size_t padded, float* scores) {
  Vector sums[kRows][2] = {};
  for (size_t p = 0; p < headDim; p++) {
    Vector first = Load(keys + p * padded);
    Vector second = Load(keys + p * padded + kLanes);
    for (size_t i = 0; i < kRows; i++) {
      float q = query[i * headDim + p];
      sums[i][0] += first * q;
      sums[i][1] += second * q;
    }
  }
  for (size_t i = 0; i < kRows; i++) {
    Store(scores + i * padded, sums[i][0]);
    Store(scores + i * padded + kLanes, sums[i][1]);
  }
}

/// context[kRows, 2 registers] = probabilities · values
inline void MixTile(const float* scores, size_t padded, size_t keys, const float* values, size_t width, Vector (&sums)[kRows][2]) {
  for (size_t i = 0; i < kRows; i++) sums[i][0] = sums[i][1] = Vector{};
  for (size_t j = 0; j < keys; j++) {
    Vector first = Load(values + j * width);
    Vector second = Load(values + j * width + kLanes);
    for (size_t i = 0; i < kRows; i++) {
      float p = scores[i * padded + j];
      sums[i][0] += first * p;
      sums[i][1] += second * p;
    }
  }
}

/// Turns one query's scores into eˢ⁻ᵐᵃˣ and returns 1 / their sum; 0 where it sees no key. Places behind `keys` become 0.
inline float Soften(float* scores, size_t keys, size_t padded) {
  const float lowest = -std::numeric_limits<float>::infinity();
  for (size_t j = keys; j < padded; j++) scores[j] = lowest;
  Vector most = All(lowest);
  for (size_t j = 0; j < padded; j += kLanes) most = Larger(Load(scores + j), most);
  float largest = lowest;
  for (size_t i = 0; i < kLanes; i++) largest = std::max(largest, most[i]);
  if (SeesNothing(scores, keys, largest)) {
    std::fill(scores, scores + padded, 0.f);
    return 0;
  }
  Vector sum = {};
  for (size_t j = 0; j < padded; j += kLanes) {
    Vector e = Exp(Load(scores + j) - largest);
    Store(scores + j, e);
    sum += e;
  }
  float total = 0;
  for (size_t i = 0; i < kLanes; i++) total += sum[i];
  return 1 / total;
}

}  // namespace

void TP_ATTEND(const Head& head) {
  static thread_local Scratch scratch;
  const size_t step = 2 * kLanes;
  const size_t padded = RoundUp(head.keys, step);
  const size_t width = RoundUp(head.valueDim, step);
  // Not empty where there are no features, and all scores are 0, or no keys.
  scratch.keys.resize(std::max<size_t>(head.headDim, 1) * padded);
  scratch.values.resize(std::max<size_t>(head.keys, 1) * width);
  scratch.query.resize(kBlock * std::max<size_t>(head.headDim, 1));
  scratch.scores.resize(kBlock * padded);
  scratch.sums.resize(kBlock);
  for (size_t p = 0; p < head.headDim; p++) {
    float* to = scratch.keys.data() + p * padded;
    const float* from = head.key.data + static_cast<ptrdiff_t>(p) * head.key.columnStride;
    for (size_t j = 0; j < head.keys; j++) to[j] = from[static_cast<ptrdiff_t>(j) * head.key.rowStride];
    std::fill(to + head.keys, to + padded, 0.f);
  }
  for (size_t j = 0; j < head.keys; j++) {
    float* to = scratch.values.data() + j * width;
    const float* from = head.value.data + static_cast<ptrdiff_t>(j) * head.value.rowStride;
    for (size_t p = 0; p < head.valueDim; p++) to[p] = from[static_cast<ptrdiff_t>(p) * head.value.columnStride];
    std::fill(to + head.valueDim, to + width, 0.f);
  }
  for (size_t start = 0; start < head.queries; start += kBlock) {
    const size_t count = std::min(kBlock, head.queries - start);
    const size_t rows = RoundUp(count, kRows);
    for (size_t i = 0; i < rows; i++) {
      // Rows behind the last query repeat it, and are thrown away.
      const ptrdiff_t query = static_cast<ptrdiff_t>(start + std::min(i, count - 1));
      const float* from = head.query.data + query * head.query.rowStride;
      float* to = scratch.query.data() + i * head.headDim;
      for (size_t p = 0; p < head.headDim; p++) to[p] = from[static_cast<ptrdiff_t>(p) * head.query.columnStride] * head.scale;
    }
    for (size_t i = 0; i < rows; i += kRows) {
      for (size_t j = 0; j < padded; j += step) {
        ScoreTile(scratch.query.data() + i * head.headDim, head.headDim, scratch.keys.data() + j, padded,
                  scratch.scores.data() + i * padded + j);
      }
    }
    for (size_t i = 0; i < count; i++) {
      float* scores = scratch.scores.data() + i * padded;
      AddBiases(head, start + i, 1, scores);
      scratch.sums[i] = Soften(scores, head.keys, padded);
      if (head.received != nullptr) {
        const float weight = scratch.sums[i] * head.queryWeights[start + i];
        for (size_t j = 0; j < head.keys; j++) head.received[j] += scores[j] * weight;
      }
    }
    for (size_t i = 0; i < rows; i += kRows) {
      for (size_t p = 0; p < head.valueDim; p += step) {
        Vector sums[kRows][2];
        MixTile(scratch.scores.data() + i * padded, padded, head.keys, scratch.values.data() + p, width, sums);
        for (size_t r = 0; r < kRows && i + r < count; r++) {
          float line[2 * kLanes];
          Store(line, sums[r][0] * scratch.sums[i + r]);
          Store(line + kLanes, sums[r][1] * scratch.sums[i + r]);
          float* to = head.context + static_cast<ptrdiff_t>(start + i + r) * head.contextStride + p;
          std::memcpy(to, line, std::min(step, head.valueDim - p) * sizeof(float));
        }
      }
    }
  }
}

}  // namespace tp
