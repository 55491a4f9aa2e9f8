#include "expected.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <stdexcept>

namespace tp {
namespace {

using Dims = std::vector<int64_t>;

const int64_t* Numbers(const OrtValue& value) { return reinterpret_cast<const int64_t*>(value.data.get()); }

/// @param optional what names of operators say otherwise
int64_t Attribute(const Case& done, const char* name, bool optional = false) {
  for (const auto& attribute : done.info.attributes) {
    if (attribute.name == name) return std::get<int64_t>(attribute.value);
  }
  if (optional) return 0;
  throw std::runtime_error(std::string("computed without ") + name);
}

void Demand(bool is, const char* otherwise) {
  if (!is) throw std::runtime_error(otherwise);
}

/// The element at these coordinates.
size_t At(const Dims& dims, const Dims& coordinates) {
  int64_t at = 0;
  for (size_t i = 0; i < dims.size(); i++) {
    Demand(coordinates[i] >= 0 && coordinates[i] < dims[i], "computed from what lies outside of a tensor");
    at = at * dims[i] + coordinates[i];
  }
  return static_cast<size_t>(at);
}

template <typename Visit>
void ForAll(const Dims& dims, const Visit& visit) {
  Dims coordinates(dims.size(), 0);
  for (int64_t left = ElementsOf(dims); left > 0; left--) {
    visit(coordinates);
    for (size_t i = dims.size(); i-- > 0 && ++coordinates[i] == dims[i];) coordinates[i] = 0;
  }
}

struct TokenAxes {
  size_t rows, axis;
  int64_t folded;
  explicit TokenAxes(const Case& done)
      : rows(static_cast<size_t>(Attribute(done, "rows"))), axis(static_cast<size_t>(Attribute(done, "axis"))),
        folded(Attribute(done, "folded")) {}

  /// Where the element of the packed tensor is in the padded one; `count`, `length`: its rows and positions.
  Dims Padded(Dims coordinates, const OrtValue& positions, int64_t count, int64_t length) const {
    const int64_t position = Numbers(positions)[coordinates[axis]];
    if (rows == axis) {
      coordinates[axis] = position;
      return coordinates;
    }
    coordinates[axis] = position % length;
    coordinates[rows] += (count == 1 ? 0 : position / length) * folded;
    return coordinates;
  }
};

void CompareRows(const Case& done) {
  const OrtValue& attended = *done.context.inputs[0];
  const OrtValue &positions = *done.context.outputs[0].value, &offsets = *done.context.outputs[1].value;
  int64_t token = 0;
  Demand(offsets.dims == Dims{attended.dims[0] + 1}, "offsets of other sizes");
  for (int64_t row = 0; row < attended.dims[0]; row++) {
    Demand(Numbers(offsets)[row] == token, "a wrong offset");
    bool isPaddingKept = Attribute(done, "padding", true) != 0;
    for (int64_t n = 0; n < attended.dims[1]; n++) {
      if (attended.data[static_cast<size_t>(row * attended.dims[1] + n)] == 0) {
        if (!isPaddingKept) continue;
        isPaddingKept = false;
      }
      Demand(token < positions.dims[0] && Numbers(positions)[token] == row * attended.dims[1] + n, "a wrong position");
      token++;
    }
  }
  Demand(positions.dims == Dims{token} && Numbers(offsets)[attended.dims[0]] == token, "other tokens");
}

void ComparePack(const Case& done) {
  const OrtValue &x = *done.context.inputs[0], &positions = *done.context.inputs[1], &y = *done.context.outputs[0].value;
  const TokenAxes axes(done);
  Dims dims = x.dims;
  if (axes.rows != axes.axis) dims[axes.rows] = axes.folded;
  dims[axes.axis] = positions.dims[0];
  Demand(y.dims == dims && y.type == x.type, "y of other sizes");
  const size_t size = SizeOf(x.type);
  ForAll(y.dims, [&](const Dims& at) {
    const Dims from = axes.Padded(at, positions, x.dims[axes.rows] / axes.folded, x.dims[axes.axis]);
    Demand(std::memcmp(&y.data[At(y.dims, at) * size], &x.data[At(x.dims, from) * size], size) == 0, "a wrong element");
  });
}

void CompareUnpack(const Case& done) {
  const OrtValue &x = *done.context.inputs[0], &positions = *done.context.inputs[1], &attended = *done.context.inputs[2];
  const OrtValue& y = *done.context.outputs[0].value;
  const TokenAxes axes(done);
  const int64_t rows = attended.dims[0], length = attended.dims[1];
  Dims dims = x.dims;
  if (axes.rows == axes.axis) dims[axes.axis] = rows * length;
  else dims[axes.rows] = rows * axes.folded, dims[axes.axis] = length;
  Demand(y.dims == dims && y.type == x.type, "y of other sizes");
  std::vector<char> expected(y.bytes, 0);
  const size_t size = SizeOf(x.type);
  // As many rows as there are: one row is not shared by all.
  ForAll(x.dims, [&](const Dims& at) {
    const Dims to = axes.Padded(at, positions, rows, length);
    std::memcpy(&expected[At(y.dims, to) * size], &x.data[At(x.dims, at) * size], size);
  });
  // Where a row has padding, what its last token has that is not attended.
  std::vector<int64_t> padding(static_cast<size_t>(rows), -1);
  for (int64_t t = 0; t < positions.dims[0]; t++) {
    const int64_t position = Numbers(positions)[t];
    if (attended.data[static_cast<size_t>(position)] == 0) padding[static_cast<size_t>(position / length)] = t;
  }
  ForAll(y.dims, [&](const Dims& at) {
    const bool isFlat = axes.rows == axes.axis;
    const int64_t position = isFlat ? at[axes.axis] : at[axes.rows] / axes.folded * length + at[axes.axis];
    const int64_t t = padding[static_cast<size_t>(position / length)];
    if (attended.data[static_cast<size_t>(position)] != 0 || t < 0) return;
    Dims from = at;
    if (!isFlat) from[axes.rows] %= axes.folded;
    from[axes.axis] = t;
    std::memcpy(&expected[At(y.dims, at) * size], &x.data[At(x.dims, from) * size], size);
  });
  Demand(expected.empty() || std::memcmp(expected.data(), y.data.get(), y.bytes) == 0, "a wrong element");
}

const float* Floats(const OrtValue& value) { return reinterpret_cast<const float*>(value.data.get()); }

/// Against x, which may be what the operator says that it has rounded.
void CompareRounded(const Case& done, const OrtValue& x) {
  if (ElementsOf(x.dims) == 0) return;
  const OrtValue &rounded = *done.context.outputs[0].value, &scale = *done.context.outputs[1].value;
  Dims dims = x.dims;
  dims.back() = 1;
  Demand(rounded.dims == x.dims && scale.dims == dims, "outputs of other sizes");
  const int64_t length = x.dims.back(), rows = ElementsOf(dims), zero = Attribute(done, "zero");
  for (int64_t row = 0; row < rows; row++) {
    const float* from = Floats(x) + row * length;
    double largest = static_cast<double>(Attribute(done, "least", true));
    bool isFinite = true;
    for (int64_t i = 0; i < length; i++) {
      isFinite = isFinite && std::isfinite(from[i]);
      largest = std::max(largest, std::fabs(static_cast<double>(from[i])));
    }
    const float own = Floats(scale)[row];
    Demand(isFinite ? own == static_cast<float>(largest) : !std::isfinite(own), "a wrong scale");
    for (int64_t i = 0; isFinite && own > 0 && i < length; i++) {
      const double steps = static_cast<double>(Attribute(done, "steps")) * from[i] / largest + static_cast<double>(zero);
      const double exact = std::min(255.0, std::max(0.0, steps));
      const auto is = static_cast<double>(static_cast<uint8_t>(rounded.data[static_cast<size_t>(row * length + i)]));
      Demand(std::fabs(is - exact) < 0.5001, "a number that is not the nearest");
    }
  }
}

void CompareScaled(const Case& done, const OrtValue& y) {
  const auto& inputs = done.context.inputs;
  const OrtValue& x = *inputs[0];
  Demand(y.dims == x.dims, "y of other sizes");
  const int64_t length = x.dims.back(), count = ElementsOf(x.dims);
  const auto term = [&](size_t index, int64_t at, double otherwise) {
    return index < inputs.size() && inputs[index] != nullptr ? static_cast<double>(Floats(*inputs[index])[at]) : otherwise;
  };
  for (int64_t i = 0; i < count; i++) {
    const double bias = term(2, i % length, 0), gain = term(3, i % length, 1), residual = term(4, i, 0);
    const double own = static_cast<double>(Floats(x)[i]) * static_cast<double>(Floats(*inputs[1])[i / length]);
    double expected = own + bias;
    if (Attribute(done, "gelu", true) != 0) expected = expected * std::erfc(-expected / std::sqrt(2.0)) / 2;
    expected = expected * gain + residual;
    const double size = (std::fabs(own) + std::fabs(bias)) * std::fabs(gain) + std::fabs(residual);
    // Beyond what single precision holds, also on the way.
    if (std::isnan(expected) || !(std::fabs(own) < 1e37 && size < 1e37)) continue;
    Demand(std::fabs(static_cast<double>(Floats(y)[i]) - expected) <= 1e-5 * (1e-3 + size), "a wrong number");
  }
}

void CompareNormed(const Case& done, const OrtValue& x, const OrtValue& y) {
  Demand(y.dims == x.dims, "y of other sizes");
  const int64_t length = x.dims.back(), rows = length == 0 ? 0 : ElementsOf(x.dims) / length;
  double epsilon = 0;
  for (const auto& attribute : done.info.attributes) {
    if (attribute.name == "epsilon") epsilon = static_cast<double>(std::get<float>(attribute.value));
  }
  const float *gain = Floats(*done.context.inputs[5]), *bias = Floats(*done.context.inputs[6]);
  for (int64_t row = 0; row < rows; row++) {
    const float* from = Floats(x) + row * length;
    double mean = 0, variance = 0, largest = 0;
    for (int64_t i = 0; i < length; i++) mean += static_cast<double>(from[i]) / static_cast<double>(length);
    for (int64_t i = 0; i < length; i++) {
      variance += std::pow(static_cast<double>(from[i]) - mean, 2) / static_cast<double>(length);
      largest = std::max(largest, std::fabs(static_cast<double>(from[i])));
    }
    // Where single precision has lost the differences, or holds no squares.
    const double deviation = std::sqrt(variance + epsilon);
    if (!(largest < 1e15) || deviation < 1e-3 * largest || deviation < 1e-15) continue;
    for (int64_t i = 0; i < length; i++) {
      const double part = (static_cast<double>(from[i]) - mean) / deviation * static_cast<double>(gain[i]);
      const double size = (largest / deviation + 1) * std::fabs(static_cast<double>(gain[i])) + std::fabs(static_cast<double>(bias[i]));
      if (!(size < 1e37)) continue;
      Demand(std::fabs(static_cast<double>(Floats(y)[row * length + i]) - part - static_cast<double>(bias[i])) <= 1e-4 * (1e-3 + size), "a wrong norm");
    }
  }
}

/// Each step by what the one before it has written, where that is read.
void CompareRescaled(const Case& done) {
  const auto& inputs = done.context.inputs;
  const auto& outputs = done.context.outputs;
  const auto written = [&](size_t index) { return index < outputs.size() && outputs[index].value != nullptr ? outputs[index].value.get() : nullptr; };
  const bool isScaled = inputs.size() > 1 && inputs[1] != nullptr, hasNorm = inputs.size() > 6 && inputs[5] != nullptr && inputs[6] != nullptr;
  const OrtValue *scaled = isScaled ? written(2) : inputs[0].get(), *normed = hasNorm ? written(3) : scaled;
  if (isScaled && scaled != nullptr) CompareScaled(done, *scaled);
  if (hasNorm && scaled != nullptr && normed != nullptr) CompareNormed(done, *scaled, *normed);
  if (normed != nullptr && outputs[1].value != nullptr) CompareRounded(done, *normed);
}

/// Each number has been written.
void CompareWritten(const Case& done) {
  for (const auto& output : done.context.outputs) {
    if (output.value == nullptr) continue;
    for (size_t i = 0; i < output.value->bytes; i += sizeof(uint32_t)) {
      uint32_t bits;
      std::memcpy(&bits, &output.value->data[i], sizeof bits);
      Demand(bits != 0xA5A5A5A5, "an element was not written");
    }
  }
}

}  // namespace

void Compare(const std::string& op, const Case& done) {
  for (const auto& output : done.context.outputs) {
    Demand(output.value != nullptr || !output.isRead || &output != &done.context.outputs[0], "computed, and gave nothing");
  }
  if (op == "PackedAttention") CompareWritten(done);
  if (done.context.outputs.empty() || done.context.outputs[0].value == nullptr) return;
  if (op == "PackedAttention") return CompareAttention(done);
  if (op == "Rows") return CompareRows(done);
  if (op == "Pack") return ComparePack(done);
  if (op == "RoundRows") return CompareRounded(done, *done.context.inputs[0]);
  if (op == "ScaleRows") return CompareScaled(done, *done.context.outputs[0].value);
  if (op == "RescaleRows") return CompareRescaled(done);
  return CompareUnpack(done);
}

}  // namespace tp
