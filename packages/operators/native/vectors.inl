// Vectors of GCC and Clang, which become whatever registers the file that includes this is compiled for. TP_LANES: floats of a register.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>

namespace tp {
namespace {

constexpr size_t kLanes = TP_LANES;

typedef float Vector __attribute__((vector_size(kLanes * 4)));
typedef int32_t Integers __attribute__((vector_size(kLanes * 4)));

inline Vector Load(const float* from) {
  Vector vector;
  std::memcpy(&vector, from, sizeof vector);
  return vector;
}
inline void Store(float* to, Vector vector) { std::memcpy(to, &vector, sizeof vector); }
inline Vector All(float value) {
  Vector vector = {};
  return vector + value;
}
/// Where one is not a number: b.
inline Vector Larger(Vector a, Vector b) { return a > b ? a : b; }

inline Integers Bits(Vector x) {
  Integers bits;
  std::memcpy(&bits, &x, sizeof bits);
  return bits;
}
inline Integers Larger(Integers a, Integers b) { return a > b ? a : b; }

/// A number's bits without its sign: those of a larger number are larger, and those of NaN than all others.
constexpr int32_t kSize = 0x7FFFFFFF;

/// True if a query sees no key: all of its scores are −∞ (those of padding on the left, where tokens see the ones before them, or those nearby).
/// Its context is 0, as in models that replace NaN after the softmax.
inline bool SeesNothing(const float* scores, size_t keys, float largest) {
  const float lowest = -std::numeric_limits<float>::infinity();
  // NaN is passed over in the search for the largest, and is not hidden.
  return largest == lowest && std::all_of(scores, scores + keys, [&](float score) { return score == lowest; });
}

/// 1.5 · 2²³: adding it leaves the nearest integer in the low bits.
constexpr float kToInteger = 12582912.f;

/// eˣ to about two units in the last place, for x ≤ 0; 0 where that is less than the smallest normal number; NaN stays.
/// Range reduction by ln 2 in two parts and a polynomial of degree 6 on [-ln2/2, ln2/2].
inline Vector Exp(Vector x) {
  const Vector lowest = All(-87.33654f);
  Integers vanishes = x < lowest;
  x = Larger(lowest, x);
  const Vector round = All(kToInteger);
  Vector shifted = x * 1.44269504f + round;
  Vector n = shifted - round;
  Vector r = x - n * 0.693359375f;
  r = r + n * 2.12194440e-4f;
  Vector p = All(1.f / 720);
  p = p * r + 1.f / 120;
  p = p * r + 1.f / 24;
  p = p * r + 1.f / 6;
  p = p * r + 0.5f;
  p = p * r + 1.f;
  p = p * r + 1.f;
  Integers bits;
  std::memcpy(&bits, &shifted, sizeof bits);
  Integers exponent = (bits - 0x4B400000 + 127) << 23;
  Vector power;
  std::memcpy(&power, &exponent, sizeof power);
  Vector result = p * power;
  Integers kept;
  std::memcpy(&kept, &result, sizeof kept);
  kept = kept & ~vanishes;
  std::memcpy(&result, &kept, sizeof result);
  return result;
}

}  // namespace
}  // namespace tp
