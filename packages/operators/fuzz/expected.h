// What an operator that has computed must have written, worked out one element at a time from what native/operators.h says.
#pragma once

#include <string>

#include "cases.h"

namespace tp {

/// @throws std::runtime_error where an output is another, or what was computed cannot be
void Compare(const std::string& op, const Case& done);

/// Of PackedAttention. @throws std::runtime_error
void CompareAttention(const Case& done);

}  // namespace tp
