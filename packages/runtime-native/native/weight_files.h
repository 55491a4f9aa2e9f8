// Weights that a model keeps in other files, in memory. onnxruntime would map the files: a program that writes to one changes the
// answers, and one that truncates it ends the process.
#pragma once

#include <string>
#include <vector>

#include "library.h"

namespace tp {

struct DataFile {
  /// As the model names it.
  std::string location;
  std::string path;
};

class WeightFiles {
 public:
  /// @throws std::runtime_error for a file that cannot be read
  explicit WeightFiles(const std::vector<DataFile>& files);
  /// The bytes have to be there until a session is made with these options.
  void AddTo(OrtSessionOptions* options) const;

 private:
  std::vector<std::string> locations_;
  std::vector<std::vector<char>> contents_;
};

}  // namespace tp
