// Rounding rows to 8 bits and scaling them back, compiled once for each set of instructions (see rounding_*.cc). TP_ROUNDING is the name
// of what is defined. Each row is computed by itself, so that it has the same bits whatever rows are next to it.
#include <cmath>

#include "rounding.h"
#include "vectors.inl"

namespace tp {
namespace {

typedef uint8_t Bytes __attribute__((vector_size(kLanes)));

/// Vectors that are looked at before their largest is taken: as many as can wait for one another.
constexpr size_t kApart = 4;

/// |x|
inline Vector Sizes(Vector x) {
  const Integers bits = Bits(x) & kSize;
  std::memcpy(&x, &bits, sizeof x);
  return x;
}

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

/// Numbers as bytes. They are limited first, so that the nearest integer is in the low bits of the sum.
inline Bytes ToBytes(Vector x, float perNumber, const Span& span) {
  const Vector least = All(-static_cast<float>(span.zero)), most = All(static_cast<float>(255 - span.zero));
  Vector steps = Larger(x * perNumber, least);
  steps = steps < most ? steps : most;
  return __builtin_convertvector((Bits(steps + kToInteger) + span.zero) & 0xFF, Bytes);
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

/// x · Φ(x), by Abramowitz and Stegun's 7.1.28, which takes no exponential: the error of Φ is below 2e-7.
inline Vector Gelu(Vector x) {
  const Vector z = Sizes(x) * 0.70710678f;
  Vector p = All(0.0000430638f);
  p = p * z + 0.0002765672f;
  p = p * z + 0.0001520143f;
  p = p * z + 0.0092705272f;
  p = p * z + 0.0422820123f;
  p = p * z + 0.0705230784f;
  p = p * z + 1.f;
  p = p * p;
  p = p * p;
  p = p * p;
  const Vector half = 0.5f / (p * p);  // Φ(−|x|)
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

/// The sum of what `of` makes of a row: of registers, and of the numbers behind them.
template <typename Of>
inline float Summed(const float* x, size_t count, const Of& of) {
  Vector sums[kApart] = {};
  size_t i = 0;
  for (; i + kApart * kLanes <= count; i += kApart * kLanes) {
    for (size_t k = 0; k < kApart; k++) sums[k] += of(Load(x + i + k * kLanes));
  }
  for (; i + kLanes <= count; i += kLanes) sums[0] += of(Load(x + i));
  const Vector all = (sums[0] + sums[1]) + (sums[2] + sums[3]);
  float sum = 0;
  for (size_t k = 0; k < kLanes; k++) sum += all[k];
  for (; i < count; i++) sum += of(All(x[i]))[0];
  return sum;
}

void Normalize(const float* x, size_t count, const Norm& norm, float* y) {
  const auto size = static_cast<float>(count);
  const float mean = Summed(x, count, [](Vector own) { return own; }) / size;
  const float variance = Summed(x, count, [mean](Vector own) { return (own - mean) * (own - mean); }) / size;
  const float perDeviation = 1 / std::sqrt(variance + norm.epsilon);
  size_t i = 0;
  for (; i + kLanes <= count; i += kLanes) {
    Store(y + i, (Load(x + i) - mean) * perDeviation * Load(norm.gain + i) + Load(norm.bias + i));
  }
  for (; i < count; i++) y[i] = (x[i] - mean) * perDeviation * norm.gain[i] + norm.bias[i];
}

}  // namespace

extern const Rounding TP_ROUNDING = {Round, Choose<>, Normalize};

}  // namespace tp
