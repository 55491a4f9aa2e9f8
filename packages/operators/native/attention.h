// softmax(Q·Kᵀ·scale + bias)·V of one row of a batch in one head, on the instructions that the processor has.
#pragma once

#include <cstddef>
#include <string>

namespace tp {

/// Numbers of a matrix that is not stored densely: entry (row, column) is at row·rowStride + column·columnStride.
struct Matrix {
  const float* data;
  ptrdiff_t rowStride;
  ptrdiff_t columnStride;
};

/// One attention: `queries` × `headDim` queries over `keys` keys.
struct Head {
  Matrix query;      // [queries, headDim]
  Matrix key;        // [keys, headDim]
  Matrix value;      // [keys, valueDim]
  float* context;    // [queries, valueDim], columns next to each other
  ptrdiff_t contextStride;
  size_t queries;
  size_t keys;
  size_t headDim;
  size_t valueDim;
  float scale;
  /// Added to the scores of each key, [keys]; or null.
  const float* keyBias;
  /// Added to each score, [queries, keys] at the given strides; or null.
  const float* bias;
  /// Where a query's row of `bias` begins, and a key's column: positions of the tokens before padding was left out.
  const size_t* biasPositions;
  ptrdiff_t biasStride;
  /// Where not null: the probabilities of each key [keys] are added to it, each query's times its weight [queries].
  float* received;
  const float* queryWeights;
};

using Attend = void (*)(const Head&);

/// Chooses what every operator made from now on computes with: "avx512", "avx2", "baseline", or "" for the fastest that this
/// processor has, which is also what they compute with before any choice. @throws std::runtime_error for others, and for instructions that it does not have
void ChooseInstructions(const std::string& name);
const char* ChosenInstructions();
/// The compiler that made the kernels, with its version.
const char* Compiler();
/// In single precision, or by integers of 16 bits: see integer_attention.inl.
Attend ChosenAttend(bool byIntegers);

void AttendBaseline(const Head&);
void AttendAvx2(const Head&);
void AttendAvx512(const Head&);
void AttendIntegersBaseline(const Head&);
void AttendIntegersAvx2(const Head&);
void AttendIntegersVnni(const Head&);

}  // namespace tp
