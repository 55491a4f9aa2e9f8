// PackedAttention, worked out in double precision: softmax(Q·Kᵀ·scale + biases)·V of each example's own tokens.
#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "expected.h"

namespace tp {
namespace {

/// A tensor by head, token and feature, and by example where axis 0 counts them.
class Numbers {
 public:
  Numbers(const OrtValue& value, const std::vector<int64_t>& axes) : data_(reinterpret_cast<const float*>(value.data.get())) {
    std::vector<size_t> strides(value.dims.size(), 1);
    for (size_t i = strides.size() - 1; i > 0; i--) strides[i - 1] = strides[i] * static_cast<size_t>(value.dims[i]);
    first_ = strides[0];
    for (size_t i = 0; i < 3; i++) {
      strides_[i] = strides[static_cast<size_t>(axes[i])];
      sizes_[i] = static_cast<size_t>(value.dims[static_cast<size_t>(axes[i])]);
    }
  }
  double At(size_t example, size_t head, size_t token, size_t feature) const {
    return static_cast<double>(data_[example * first_ + head * strides_[0] + token * strides_[1] + feature * strides_[2]]);
  }
  size_t Heads() const { return sizes_[0]; }
  size_t Tokens() const { return sizes_[1]; }
  size_t Features() const { return sizes_[2]; }

 private:
  const float* data_;
  size_t first_, strides_[3], sizes_[3];
};

template <typename T>
const T* Find(const Case& done, const char* name) {
  for (const auto& attribute : done.info.attributes) {
    if (attribute.name == name) return &std::get<T>(attribute.value);
  }
  return nullptr;
}

struct Query {
  /// Of the batch, and on axis 0 of its tensors.
  size_t example, row, head, token;
  /// Keys from here to there.
  size_t from, to;
};

class Attention {
 public:
  explicit Attention(const Case& done) : inputs_(done.context.inputs), offsets_(At(3)), positions_(At(6)), keyBias_(At(4)), bias_(At(5)),
        query_(*inputs_[0], Axes(done, "queryAxes")), key_(*inputs_[1], Axes(done, "keyAxes")), value_(*inputs_[2], Axes(done, "valueAxes")),
        context_(*done.context.outputs[0].value, Axes(done, "contextAxes")), scale_(static_cast<double>(*Find<float>(done, "scale"))) {
    const auto* integers = Find<int64_t>(done, "integers");
    isByIntegers_ = integers != nullptr && *integers != 0;
  }

  void Compare() const {
    const size_t examples = offsets_ == nullptr ? static_cast<size_t>(inputs_[0]->dims[0]) : static_cast<size_t>(std::max<int64_t>(offsets_->dims[0], 1) - 1);
    for (size_t example = 0; example < examples; example++) {
      const size_t from = offsets_ == nullptr ? 0 : static_cast<size_t>(Integer(*offsets_, example));
      const size_t to = offsets_ == nullptr ? key_.Tokens() : static_cast<size_t>(Integer(*offsets_, example + 1));
      const size_t first = offsets_ == nullptr ? 0 : from, last = offsets_ == nullptr ? query_.Tokens() : to;
      for (size_t head = 0; head < query_.Heads(); head++) {
        for (size_t token = first; token < last; token++) CompareQuery({example, offsets_ == nullptr ? example : 0, head, token, from, to});
      }
    }
  }

 private:
  static std::vector<int64_t> Axes(const Case& done, const char* name) { return *Find<std::vector<int64_t>>(done, name); }
  static int64_t Integer(const OrtValue& value, size_t at) { return reinterpret_cast<const int64_t*>(value.data.get())[at]; }
  const OrtValue* At(size_t index) const { return index < inputs_.size() ? inputs_[index].get() : nullptr; }

  double BiasOf(const Query& own, size_t key) const {
    double sum = 0;
    if (keyBias_ != nullptr) {
      const bool isOfExample = offsets_ == nullptr && keyBias_->dims[0] != 1;
      sum += static_cast<double>(reinterpret_cast<const float*>(keyBias_->data.get())[(isOfExample ? own.example * key_.Tokens() : 0) + key]);
    }
    if (bias_ == nullptr) return sum;
    const auto& dims = bias_->dims;
    const size_t length = static_cast<size_t>(dims[3]);
    const size_t block = (dims[0] == 1 ? 0 : own.example * static_cast<size_t>(dims[1])) + (dims[1] == 1 ? 0 : own.head);
    const size_t row = static_cast<size_t>(Integer(*positions_, own.token)) % length, column = static_cast<size_t>(Integer(*positions_, key)) % length;
    return sum + static_cast<double>(reinterpret_cast<const float*>(bias_->data.get())[(block * length + row) * length + column]);
  }

  void CompareQuery(const Query& own) const {
    if (own.from == own.to) return;
    std::vector<double> scores;
    double size = 0, most = -std::numeric_limits<double>::infinity();
    for (size_t key = own.from; key < own.to; key++) {
      double score = 0, ofQuery = 0, ofKey = 0;
      for (size_t p = 0; p < query_.Features(); p++) {
        const double q = query_.At(own.row, own.head, own.token, p), k = key_.At(own.row, own.head, key, p);
        score += q * k;
        ofQuery += q * q;
        ofKey += k * k;
      }
      // Nor the squares of these.
      if (!(ofQuery < 1e36 && ofKey < 1e36)) return;
      const double bias = BiasOf(own, key);
      scores.push_back(score * scale_ + bias);
      most = std::max(most, scores.back());
      size = std::max(size, std::sqrt(ofQuery) * std::sqrt(ofKey) * std::fabs(scale_) + std::fabs(bias));
    }
    // What was spoilt so that single precision does not hold it.
    if (!(size < 1e4) || !std::all_of(scores.begin(), scores.end(), [](double score) { return std::isfinite(score); })) return;
    double sum = 0;
    for (double& score : scores) sum += score = std::exp(score - most);
    const double features = std::sqrt(static_cast<double>(query_.Features()) + 1);
    const double ofScores = size * features * (isByIntegers_ ? 1.0 / 46300 : 1e-6), ofValues = isByIntegers_ ? 1.0 / 1000 : 1e-5;
    for (size_t p = 0; p < value_.Features(); p++) {
      double expected = 0, largest = 0;
      for (size_t key = own.from; key < own.to; key++) {
        const double value = value_.At(own.row, own.head, key, p);
        expected += scores[key - own.from] / sum * value;
        // Values are rounded by the largest of their token; one that is no number is the largest.
        for (size_t other = 0; other < value_.Features(); other++) {
          const double size = std::fabs(value_.At(own.row, own.head, key, other));
          largest = std::max(largest, std::isfinite(size) ? size : std::numeric_limits<double>::infinity());
        }
      }
      if (!(largest < 1e30)) continue;
      const double is = context_.At(own.row, own.head, own.token, p);
      if (!(std::fabs(is - expected) <= largest * (2 * ofScores + ofValues) + 1e-14)) {
        throw std::runtime_error("a wrong context: " + std::to_string(is) + ", not " + std::to_string(expected));
      }
    }
  }

  const std::vector<std::unique_ptr<OrtValue>>& inputs_;
  const OrtValue *offsets_, *positions_, *keyBias_, *bias_;
  const Numbers query_, key_, value_, context_;
  const double scale_;
  bool isByIntegers_;
};

}  // namespace

void CompareAttention(const Case& done) {
  if (done.context.outputs[0].value->bytes > 0) Attention(done).Compare();
}

}  // namespace tp
