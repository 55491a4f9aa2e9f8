// A model in onnxruntime, and what it says of itself.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "library.h"

namespace tp {

/// What the model declares of one input or output: numbers, names, or "" where it says nothing.
struct Declared {
  std::string name;
  std::string type;
  std::vector<int64_t> sizes;
  std::vector<std::string> names;
};

/// Jobs share it, so that it lives as long as they do. Empty until it is loaded.
class Model {
 public:
  Session session;
  std::vector<Declared> inputs, outputs;

  /// Reads `inputs` and `outputs` from the session. @throws std::runtime_error where one is not a tensor
  void Describe();

  /// Runs are known by their number from `Begin` to `End`, whether they wait or compute. On any thread.
  void Begin(uint32_t run, OrtRunOptions* options);
  void End(uint32_t run);
  /// Ends a run, or all, as soon as onnxruntime can: after the current node.
  void Terminate(uint32_t run);
  void TerminateAll();

 private:
  std::mutex mutex_;
  std::map<uint32_t, OrtRunOptions*> runs_;
};

}  // namespace tp
