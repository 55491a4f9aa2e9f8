#include "weight_files.h"

#include <fstream>
#include <stdexcept>

namespace tp {
namespace {

std::vector<char> ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary | std::ios::ate);
  const std::streamoff size = file ? static_cast<std::streamoff>(file.tellg()) : -1;
  std::vector<char> bytes(size < 0 ? 0 : static_cast<size_t>(size));
  file.seekg(0);
  if (size < 0 || !file.read(bytes.data(), size)) throw std::runtime_error("external data cannot be read from " + path);
  return bytes;
}

}  // namespace

WeightFiles::WeightFiles(const std::vector<DataFile>& files) {
  for (const DataFile& file : files) {
    locations_.push_back(file.location);
    contents_.push_back(ReadFile(file.path));
  }
}

void WeightFiles::AddTo(OrtSessionOptions* options) const {
  if (locations_.empty()) return;
  std::vector<const char*> names;
  std::vector<char*> buffers;
  std::vector<size_t> sizes;
  for (size_t i = 0; i < locations_.size(); i++) {
    names.push_back(locations_[i].c_str());
    buffers.push_back(const_cast<char*>(contents_[i].data()));
    sizes.push_back(contents_[i].size());
  }
  Call<at::AddExternalInitializersFromFilesInMemory>(
      options, static_cast<const char* const*>(names.data()), static_cast<char* const*>(buffers.data()),
      static_cast<const size_t*>(sizes.data()), names.size());
}

}  // namespace tp
