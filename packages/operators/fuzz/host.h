// Stands in for onnxruntime while operators are fuzzed: the few functions of its interface that they call, on tensors whose memory
// is exactly as long as they are. onnxruntime itself takes memory from an arena, in which a write past a tensor's end hits the
// next tensor and no sanitizer sees it; and it takes a thousand times as long to make a session for each case.
#pragma once

#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "../native/ort.h"

namespace tp {

/// A tensor. Empty ones have no memory, as in onnxruntime.
struct OrtValue {
  OrtValue(Type type, std::vector<int64_t> dims);
  Type type;
  std::vector<int64_t> dims;
  size_t bytes;
  std::unique_ptr<char[]> data;
};

struct Attribute {
  std::string name;
  std::variant<int64_t, float, std::vector<int64_t>> value;
};

struct OrtKernelInfo {
  std::vector<Attribute> attributes;
};

/// Where an operator computes.
struct OrtKernelContext {
  /// Null where an optional one is left out.
  std::vector<std::unique_ptr<OrtValue>> inputs;
  struct Output {
    Type type;
    /// False where the node names none.
    bool isRead = true;
    std::unique_ptr<OrtValue> value = nullptr;
  };
  std::vector<Output> outputs;
};

/// Elements of these sizes; -1 where there are more than a case may have.
int64_t ElementsOf(const std::vector<int64_t>& dims);

/// The operator of this name. @throws std::runtime_error where there is none
const OrtCustomOp& FindOperator(const std::string& name);

/// What became of a call: "" or the error's sentence.
struct Outcome {
  bool failed;
  std::string sentence;
};
Outcome TakeOutcome(OrtStatus* status);

}  // namespace tp
