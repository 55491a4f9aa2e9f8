// Rows of numbers to 8 bits and back, on the instructions that the processor has. See operators.h.
#pragma once

#include <cstddef>
#include <cstdint>

namespace tp {

/// How numbers become 8-bit ones: q = round(steps · x / s) + zero, with s = max |x|, at least `least`.
struct Span {
  float steps;
  int32_t zero;
  float least;
};

/// Rounds `count` numbers, and returns s.
using RoundRow = float (*)(const float* x, size_t count, const Span& span, uint8_t* rounded);

/// What is done with a row that is scaled back: y = activation(x · scale + bias) · gain + residual. Null: not there.
struct Terms {
  const float* bias;
  const float* gain;
  const float* residual;
  bool isGelu;
};

/// Computes `count` numbers of y.
using ScaleRow = void (*)(const float* x, size_t count, float scale, const Terms& terms, float* y);

/// A layer norm: y = (x − mean) / √(variance + epsilon) · gain + bias.
struct Norm {
  const float* gain;
  const float* bias;
  float epsilon;
};

/// Computes `count` numbers of y, which may be x.
using NormRow = void (*)(const float* x, size_t count, const Norm& norm, float* y);

/// All for one set of instructions.
struct Rounding {
  RoundRow round;
  ScaleRow scale;
  NormRow norm;
};

/// Of the instructions that `ChooseInstructions` chose.
Rounding ChosenRounding();

extern const Rounding kRoundingBaseline;
extern const Rounding kRoundingAvx2;
extern const Rounding kRoundingAvx512;

}  // namespace tp
