// What all operators and tensors are checked with before anything is computed from their sizes: in one file, so that no operator
// can forget it. A check that fails throws std::runtime_error, whose sentence becomes onnxruntime's error.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "ort.h"

namespace tp {

/// @throws std::runtime_error with this sentence
[[noreturn]] void Refuse(const std::string& sentence);

/// a·b of two numbers that are not negative. @throws std::runtime_error where that is more than 64 bits hold; `what` names it
int64_t Product(int64_t a, int64_t b, const char* what);

/// Elements of a tensor with these sizes. Where it returns, the product of any of the sizes, times the bytes of an element, fits
/// into 64 bits: also where one of them is 0, in which case onnxruntime does not limit the others.
/// @throws std::runtime_error for sizes below 0 and for tensors that no memory holds; `name` is the tensor
int64_t CheckSizes(const std::vector<int64_t>& dims, const std::string& name);

/// What an operator demands of an input.
struct Demand {
  const char* name;
  /// kUndefined: any type whose elements can be moved byte by byte.
  Type type = Type::kUndefined;
  /// Number of axes, or -1 for any.
  int rank = -1;
};

/// @throws std::runtime_error for another type or number of axes, and as CheckSizes does
void CheckInput(const Shape& shape, const Demand& demand);

/// @throws std::runtime_error unless offsets begin with 0, rise, and end with `tokens`
void CheckOffsets(const int64_t* offsets, size_t rows, int64_t tokens);
/// @throws std::runtime_error unless positions rise and lie below `end`
void CheckPositions(const int64_t* positions, int64_t tokens, int64_t end);

}  // namespace tp
