#include "checks.h"

#include <limits>
#include <stdexcept>

namespace tp {
namespace {

constexpr int64_t kMostBytesOfElement = 8;
constexpr int64_t kMostElements = std::numeric_limits<int64_t>::max() / kMostBytesOfElement;

std::string Text(const std::vector<int64_t>& dims) {
  std::string text = "[";
  for (size_t i = 0; i < dims.size(); i++) text += (i == 0 ? "" : ",") + std::to_string(dims[i]);
  return text + "]";
}

}  // namespace

void Refuse(const std::string& sentence) { throw std::runtime_error(sentence); }

int64_t Product(int64_t a, int64_t b, const char* what) {
  if (a == 0 || b <= std::numeric_limits<int64_t>::max() / a) return a * b;
  Refuse(std::string(what) + " would be " + std::to_string(a) + " times " + std::to_string(b) + ", more than any tensor holds");
}

int64_t CheckSizes(const std::vector<int64_t>& dims, const std::string& name) {
  int64_t nonzero = 1;
  bool isEmpty = false;
  for (const int64_t dim : dims) {
    if (dim < 0) Refuse(name + " has the sizes " + Text(dims) + ", one of which is below 0");
    if (dim == 0) {
      isEmpty = true;
      continue;
    }
    if (dim > kMostElements / nonzero) Refuse(name + " has the sizes " + Text(dims) + ", more than any tensor holds");
    nonzero *= dim;
  }
  return isEmpty ? 0 : nonzero;
}

void CheckInput(const Shape& shape, const Demand& demand) {
  const std::string name = demand.name;
  if (demand.type == Type::kUndefined && SizeOf(shape.type) == 0) Refuse(name + " is of a type whose tokens cannot be moved");
  if (demand.type != Type::kUndefined && demand.type != shape.type) {
    Refuse(name + " is of onnxruntime's element type " + std::to_string(static_cast<int>(shape.type)) + ", not " +
           std::to_string(static_cast<int>(demand.type)));
  }
  if (demand.rank >= 0 && shape.dims.size() != static_cast<size_t>(demand.rank)) {
    Refuse(name + " has " + std::to_string(shape.dims.size()) + " axes, not " + std::to_string(demand.rank));
  }
  CheckSizes(shape.dims, name);
}

void CheckOffsets(const int64_t* offsets, size_t rows, int64_t tokens) {
  if (rows == 0) Refuse("offsets name no row");
  if (offsets[0] != 0) Refuse("offsets begin with " + std::to_string(offsets[0]) + ", not with 0");
  for (size_t row = 0; row < rows; row++) {
    if (offsets[row + 1] > offsets[row]) continue;
    Refuse("offsets do not rise: row " + std::to_string(row) + " goes from " + std::to_string(offsets[row]) + " to " +
           std::to_string(offsets[row + 1]));
  }
  if (offsets[rows] == tokens) return;
  Refuse("offsets end with " + std::to_string(offsets[rows]) + ", and there are " + std::to_string(tokens) + " tokens");
}

void CheckPositions(const int64_t* positions, int64_t tokens, int64_t end) {
  for (int64_t t = 0; t < tokens; t++) {
    if (positions[t] > (t == 0 ? -1 : positions[t - 1]) && positions[t] < end) continue;
    Refuse("positions have to rise and lie below " + std::to_string(end) + ": token " + std::to_string(t) + " is at " +
           std::to_string(positions[t]));
  }
}

}  // namespace tp
