// Rounding rows to 8 bits and scaling them back, compiled once for each set of instructions (see rounding_*.cc). TP_ROUNDING is the name
// of what is defined. Each row is computed by itself, so that it has the same bits whatever rows are next to it.
#include "rounding.h"
#include "vectors.inl"

namespace tp {
namespace {

typedef uint8_t Bytes __attribute__((vector_size(kLanes), aligned(1)));

/// Vectors that are looked at before their largest is taken: as many as can wait for one another.
constexpr size_t kApart = 4;

inline Integers Bits(Vector x) {
  Integers bits;
  std::memcpy(&bits, &x, sizeof bits);
  return bits;
}

/// A number's bits without its sign: those of a larger number are larger, and those of NaN than all others.
constexpr int32_t kSize = 0x7FFFFFFF;

/// |x|
inline Vector Sizes(Vector x) {
  const Integers bits = Bits(x) & kSize;
  std::memcpy(&x, &bits, sizeof x);
  return x;
}

inline Integers Larger(Integers a, Integers b) { return a > b ? a : b; }

/// max |x|, or NaN if there is one.
inline float Largest(const float* x, size_t count) {
  Integers most[kApart] = {};
  size_t i = 0;
  for (; i + kApart * kLanes <= count; i += kApart * kLanes) {
    for (size_t k = 0; k < kApart; k++) most[k] = Larger(Bits(Load(x + i + k * kLanes)) & kSize, most[k]);
  }
  for (; i + kLanes <= count; i += kLanes) most[0] = Larger(Bits(Load(x + i)) & kSize, most[0]);
  if (i < count) {
    float rest[kLanes] = {};
    std::memcpy(rest, x + i, (count - i) * sizeof(float));
    most[0] = Larger(Bits(Load(rest)) & kSize, most[0]);
  }
  const Integers all = Larger(Larger(most[0], most[1]), Larger(most[2], most[3]));
  int32_t bits = 0;
  for (size_t k = 0; k < kLanes; k++) bits = all[k] > bits ? all[k] : bits;
  float largest;
  std::memcpy(&largest, &bits, sizeof largest);
  return largest;
}

/// Numbers as bytes. They are limited first, so that the nearest integer is in the low bits of what is added to 1.5 · 2²³.
inline Bytes ToBytes(Vector x, float perNumber, const Span& span) {
  const Vector least = All(-static_cast<float>(span.zero)), most = All(static_cast<float>(255 - span.zero));
  Vector steps = Larger(x * perNumber, least);
  steps = steps < most ? steps : most;
  return __builtin_convertvector((Bits(steps + 12582912.f) + span.zero) & 0xFF, Bytes);
}

float Round(const float* x, size_t count, const Span& span, uint8_t* rounded) {
  const float largest = Largest(x, count);
  const float scale = largest < span.least ? span.least : largest;
  const float perNumber = span.steps / scale;
  size_t i = 0;
  for (; i + kLanes <= count; i += kLanes) {
    const Bytes bytes = ToBytes(Load(x + i), perNumber, span);
    std::memcpy(rounded + i, &bytes, kLanes);
  }
  if (i == count) return scale;
  float rest[kLanes] = {};
  std::memcpy(rest, x + i, (count - i) * sizeof(float));
  const Bytes bytes = ToBytes(Load(rest), perNumber, span);
  std::memcpy(rounded + i, &bytes, count - i);
  return scale;
}

/// x · Φ(x), by Abramowitz and Stegun's 7.1.26: the error of Φ is below 8e-8.
inline Vector Gelu(Vector x) {
  const Vector z = Sizes(x) * 0.70710678f;
  const Vector t = 1 / (z * 0.3275911f + 1);
  Vector p = All(1.061405429f);
  p = p * t - 1.453152027f;
  p = p * t + 1.421413741f;
  p = p * t - 0.284496736f;
  p = p * t + 0.254829592f;
  const Vector half = p * t * Exp(-z * z) * 0.5f;  // Φ(−|x|)
  // Of infinity, 0 times it would be no number.
  const Vector most = All(30), size = Sizes(x);
  return Larger(x, All(0)) - (size < most ? size : most) * half;
}

/// A null pointer stays one.
inline const float* At(const float* from, size_t i) { return from == nullptr ? nullptr : from + i; }

template <bool isGelu, bool hasBias, bool hasGain, bool hasResidual>
void ScaleWith(const float* x, size_t count, float scale, const Terms& terms, float* y) {
  const auto compute = [scale](const float* own, const float* bias, const float* gain, const float* residual) {
    Vector result = Load(own) * scale;
    if (hasBias) result += Load(bias);
    if (isGelu) result = Gelu(result);
    if (hasGain) result *= Load(gain);
    if (hasResidual) result += Load(residual);
    return result;
  };
  size_t i = 0;
  for (; i + kLanes <= count; i += kLanes) Store(y + i, compute(x + i, At(terms.bias, i), At(terms.gain, i), At(terms.residual, i)));
  if (i == count) return;
  float rest[4][kLanes] = {};
  const size_t bytes = (count - i) * sizeof(float);
  std::memcpy(rest[0], x + i, bytes);
  if (hasBias) std::memcpy(rest[1], terms.bias + i, bytes);
  if (hasGain) std::memcpy(rest[2], terms.gain + i, bytes);
  if (hasResidual) std::memcpy(rest[3], terms.residual + i, bytes);
  const Vector last = compute(rest[0], rest[1], rest[2], rest[3]);
  std::memcpy(y + i, &last, bytes);
}

/// The function for what is there and what is not.
template <bool... is>
void Choose(const float* x, size_t count, float scale, const Terms& terms, float* y) {
  constexpr size_t known = sizeof...(is);
  if constexpr (known == 4) {
    ScaleWith<is...>(x, count, scale, terms, y);
  } else {
    const bool all[] = {terms.isGelu, terms.bias != nullptr, terms.gain != nullptr, terms.residual != nullptr};
    if (all[known]) Choose<is..., true>(x, count, scale, terms, y);
    else Choose<is..., false>(x, count, scale, terms, y);
  }
}

}  // namespace

extern const Rounding TP_ROUNDING = {Round, Choose<>};

}  // namespace tp
