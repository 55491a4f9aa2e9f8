// Nodes and inputs of one operator, built so that they fit together and then, most of the time, spoilt so that they do not.
#pragma once

#include <string>

#include "choices.h"
#include "host.h"

namespace tp {

struct Case {
  OrtKernelInfo info;
  OrtKernelContext context;
  /// Nothing was spoilt: it has to be computed.
  bool isSound = true;
};

/// @param op one of those in native/operators.h
Case MakeCase(const std::string& op, Choices& choices);

}  // namespace tp
