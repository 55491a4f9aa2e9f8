// RoundRows, ScaleRows and RescaleRows: what is around a product of 8-bit numbers. See operators.h.
#include <algorithm>
#include <cmath>

#include "operators.h"
#include "rounding.h"

namespace tp {
namespace {

/// Numbers that one task computes, at least: fewer are not worth handing over.
constexpr int64_t kTask = 1 << 14;

/// Calls `compute(row)` for all rows, which have `length` numbers each.
template <typename Compute>
void ForRows(const Context& context, int64_t rows, int64_t length, const Compute& compute) {
  const int64_t chunk = length >= kTask ? 1 : kTask / (length + 1) + 1;
  const int64_t chunks = (rows + chunk - 1) / chunk;
  const auto all = [&](size_t number) {
    const int64_t from = static_cast<int64_t>(number) * chunk;
    for (int64_t row = from; row < rows && row < from + chunk; row++) compute(row);
  };
  if (chunks == 1) return all(0);
  context.Parallel(static_cast<size_t>(chunks), all);
}

/// [..., 1] of [..., D]
std::vector<int64_t> OnePerRow(const Input& x) {
  if (x.shape.dims.empty()) Refuse("x is one number, and has no rows");
  std::vector<int64_t> dims = x.shape.dims;
  dims.back() = 1;
  return dims;
}

/// An attribute from `least` to 255.
int64_t Within(const char* name, int64_t value, int64_t least) {
  if (value < least || value > 255) Refuse(std::string(name) + " is " + std::to_string(value) + "; it has to be from " + std::to_string(least) + " to 255");
  return value;
}

bool IsGelu(const Attributes& attributes) { return attributes.Int("gelu", attributes.Named("gelu")) != 0; }

Span SpanOf(const Attributes& attributes) {
  return {static_cast<float>(Within("steps", attributes.Int("steps"), 1)), static_cast<int32_t>(Within("zero", attributes.Int("zero"), 0)),
          static_cast<float>(Within("least", attributes.Int("least", 0), 0))};
}

/// An input with one number for each column of x; null where it is not there.
const float* OnePerColumn(const Context& context, size_t index, const char* name, int64_t length) {
  if (!context.Has(index)) return nullptr;
  const Input input = context.Read(index, {name, Type::kFloat32});
  if (CheckSizes(input.shape.dims, name) != length) Refuse(std::string(name) + " has to have one number for each column of x");
  return input.As<float>();
}

/// An input of the sizes of x; null where it is not there.
const float* Residual(const Context& context, const Shape& x) {
  if (!context.Has(4)) return nullptr;
  const Input input = context.Read(4, {"residual", Type::kFloat32});
  if (input.shape.dims != x.dims) Refuse("residual has to have the sizes of x");
  return input.As<float>();
}

class RoundRows : public Operator {
 public:
  explicit RoundRows(const Attributes& attributes)
      : span_(SpanOf(attributes)), round_(ChosenRounding().round) {}

  void Compute(const Context& context) const override {
    const Input x = context.Read(0, {"x", Type::kFloat32});
    const std::vector<int64_t> scaleDims = OnePerRow(x);
    const int64_t rows = CheckSizes(scaleDims, "scale"), length = x.shape.dims.back();
    auto* rounded = static_cast<uint8_t*>(context.Write(0, x.shape.dims, Type::kUint8));
    auto* scale = static_cast<float*>(context.Write(1, scaleDims, Type::kFloat32));
    if (rows == 0) return;
    if (scale == nullptr || (rounded == nullptr && length > 0)) Refuse("both outputs have to be there");
    const auto* from = x.As<float>();
    ForRows(context, rows, length, [&](int64_t row) {
      scale[row] = round_(from + row * length, static_cast<size_t>(length), span_, rounded + row * length);
    });
  }

 private:
  const Span span_;
  const RoundRow round_;
};

class ScaleRows : public Operator {
 public:
  explicit ScaleRows(const Attributes& attributes) : isGelu_(IsGelu(attributes)), scale_(ChosenRounding().scale) {}

  void Compute(const Context& context) const override {
    const Input x = context.Read(0, {"x", Type::kFloat32}), scale = context.Read(1, {"scale", Type::kFloat32});
    const std::vector<int64_t> scaleDims = OnePerRow(x);
    if (scale.shape.dims != scaleDims) Refuse("scale has to have one number for each row of x");
    const int64_t rows = CheckSizes(scaleDims, "scale"), length = x.shape.dims.back();
    const Terms terms = {OnePerColumn(context, 2, "bias", length), OnePerColumn(context, 3, "gain", length), Residual(context, x.shape), isGelu_};
    auto* y = static_cast<float*>(context.Write(0, x.shape.dims, Type::kFloat32));
    if (y == nullptr || rows == 0 || length == 0) return;
    const auto* from = x.As<float>();
    const auto* scales = scale.As<float>();
    ForRows(context, rows, length, [&](int64_t row) {
      Terms own = terms;
      if (own.residual != nullptr) own.residual += row * length;
      scale_(from + row * length, static_cast<size_t>(length), scales[row], own, y + row * length);
    });
  }

 private:
  const bool isGelu_;
  const ScaleRow scale_;
};

/// Each step reads what the one before it has left in the first cache.
class RescaleRows : public Operator {
 public:
  explicit RescaleRows(const Attributes& attributes)
      : isGelu_(IsGelu(attributes)), epsilon_(attributes.Float("epsilon", 0)), span_(SpanOf(attributes)), rows_(ChosenRounding()) {
    if (!std::isfinite(epsilon_) || epsilon_ < 0) Refuse("epsilon has to be a number from 0 on");
  }

  void Compute(const Context& context) const override {
    const Input x = context.Read(0, {"x", Type::kFloat32});
    const std::vector<int64_t> scaleDims = OnePerRow(x);
    const int64_t rows = CheckSizes(scaleDims, "scale"), length = x.shape.dims.back();
    const bool isScaled = context.Has(1);
    const float* scales = nullptr;
    if (isScaled) {
      const Input scale = context.Read(1, {"scale", Type::kFloat32});
      if (scale.shape.dims != scaleDims) Refuse("scale has to have one number for each row of x");
      scales = scale.As<float>();
    } else if (isGelu_ || context.Has(2) || context.Has(3) || context.Has(4)) {
      Refuse("without a scale there are no GELU, bias, gain and residual");
    }
    const Terms terms = {OnePerColumn(context, 2, "bias", length), OnePerColumn(context, 3, "gain", length), Residual(context, x.shape), isGelu_};
    const Norm norm = {OnePerColumn(context, 5, "normGain", length), OnePerColumn(context, 6, "normBias", length), epsilon_};
    if ((norm.gain == nullptr) != (norm.bias == nullptr)) Refuse("normGain and normBias go together");
    auto* rounded = static_cast<uint8_t*>(context.Write(0, x.shape.dims, Type::kUint8));
    auto* roundedScale = static_cast<float*>(context.Write(1, scaleDims, Type::kFloat32));
    auto* scaled = context.Gives(2) ? static_cast<float*>(context.Write(2, x.shape.dims, Type::kFloat32)) : nullptr;
    auto* normed = context.Gives(3) ? static_cast<float*>(context.Write(3, x.shape.dims, Type::kFloat32)) : nullptr;
    if (rows == 0) return;
    if (roundedScale == nullptr || (rounded == nullptr && length > 0)) Refuse("the first two outputs have to be there");
    const auto* from = x.As<float>();
    const auto count = static_cast<size_t>(length);
    ForRows(context, rows, length, [&](int64_t row) {
      static thread_local std::vector<float> buffer;
      buffer.resize(count);
      const int64_t at = row * length;
      const float* last = from + at;
      if (isScaled) {
        Terms own = terms;
        if (own.residual != nullptr) own.residual += at;
        float* to = scaled == nullptr ? buffer.data() : scaled + at;
        rows_.scale(last, count, scales[row], own, to);
        last = to;
      } else if (scaled != nullptr) {
        std::copy(last, last + count, scaled + at);
      }
      if (norm.gain != nullptr) {
        float* to = normed == nullptr ? buffer.data() : normed + at;
        rows_.norm(last, count, norm, to);
        last = to;
      } else if (normed != nullptr) {
        std::copy(last, last + count, normed + at);
      }
      roundedScale[row] = rows_.round(last, count, span_, rounded + at);
    });
  }

 private:
  const bool isGelu_;
  const float epsilon_;
  const Span span_;
  const Rounding rows_;
};

}  // namespace

std::unique_ptr<Operator> MakeRoundRows(const Attributes& attributes) { return std::make_unique<RoundRows>(attributes); }
std::unique_ptr<Operator> MakeScaleRows(const Attributes& attributes) { return std::make_unique<ScaleRows>(attributes); }
std::unique_ptr<Operator> MakeRescaleRows(const Attributes& attributes) { return std::make_unique<RescaleRows>(attributes); }

}  // namespace tp
