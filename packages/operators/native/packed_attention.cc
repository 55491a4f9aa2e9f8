// PackedAttention: attention of every row of a batch over its own tokens. See operators.h.
#include <algorithm>
#include <cmath>

#include "attention.h"
#include "operators.h"

namespace tp {
namespace {

constexpr int64_t kMostAxes = 8;

/// Where heads, tokens and features are in a tensor.
struct Axes {
  size_t head, token, feature;

  Axes(const std::vector<int64_t>& axes, const char* name) {
    const bool fits = axes.size() == 3 && *std::min_element(axes.begin(), axes.end()) >= 0 &&
                      *std::max_element(axes.begin(), axes.end()) < kMostAxes && axes[0] != axes[1] && axes[0] != axes[2] &&
                      axes[1] != axes[2];
    if (!fits) Refuse(std::string(name) + " has to name three different axes, from 0 to " + std::to_string(kMostAxes - 1));
    head = static_cast<size_t>(axes[0]);
    token = static_cast<size_t>(axes[1]);
    feature = static_cast<size_t>(axes[2]);
  }
  size_t rank() const { return std::max({head, token, feature}) + 1; }
};

/// By the order in which the axes of an operand become those of [H,T,d] or [1,H,T,d] (of the key: [H,d,T]), or those of the result become
/// the context's; files of before the names of operators said what they have give the axes themselves.
Axes AxesOf(const Attributes& attributes, const std::string& operand) {
  const std::string name = operand + "Perm";
  if (!attributes.HasInts(name.c_str())) return Axes(attributes.Ints((operand + "Axes").c_str()), (operand + "Axes").c_str());
  const std::vector<int64_t> perm = attributes.Ints(name.c_str());
  std::vector<int64_t> sorted = perm, order(perm.size());
  std::sort(sorted.begin(), sorted.end());
  for (size_t i = 0; i < perm.size(); i++) {
    if (sorted[i] != static_cast<int64_t>(i)) Refuse(name + " is no order of axes");
    order[static_cast<size_t>(perm[i])] = static_cast<int64_t>(i);
  }
  const size_t rank = perm.size();
  if (rank != 3 && rank != 4) Refuse(name + " has to order 3 or 4 axes");
  const std::vector<int64_t>& at = operand == "context" ? order : perm;
  const bool isKey = operand == "key";
  return Axes({at[rank - 3], at[rank - (isKey ? 1 : 2)], at[rank - (isKey ? 2 : 1)]}, name.c_str());
}

std::vector<ptrdiff_t> StridesOf(const std::vector<int64_t>& dims) {
  std::vector<ptrdiff_t> strides(dims.size(), 1);
  for (size_t i = dims.size() - 1; i > 0; i--) strides[i - 1] = strides[i] * static_cast<ptrdiff_t>(dims[i]);
  return strides;
}

/// A packed tensor with its strides.
struct Packed {
  const float* data;
  int64_t batch = 1, heads, tokens, features;
  ptrdiff_t batchStride = 0, headStride, tokenStride, featureStride;

  /// `isBatch`: axis 0 counts examples.
  Packed(const Input& input, const Axes& axes, const char* name, bool isBatch) : data(input.As<float>()) {
    const std::vector<int64_t>& dims = input.shape.dims;
    if (dims.size() < axes.rank()) {
      Refuse(std::string(name) + " has too few axes: " + std::to_string(dims.size()) + ", and " + name + "Axes names axis " +
             std::to_string(axes.rank() - 1));
    }
    const std::vector<ptrdiff_t> strides = StridesOf(dims);
    heads = dims[axes.head];
    tokens = dims[axes.token];
    features = dims[axes.feature];
    for (size_t i = 0; i < dims.size(); i++) {
      if (i == axes.head || i == axes.token || i == axes.feature || dims[i] == 1 || (isBatch && i == 0)) continue;
      Refuse(std::string(name) + " has more than heads, tokens and features: axis " + std::to_string(i) + " has the size " +
             std::to_string(dims[i]));
    }
    // An empty one may have no memory: from nowhere there is no way to its rows.
    const bool isEmpty = CheckSizes(dims, name) == 0;
    if (isBatch) {
      batch = dims[0];
      batchStride = isEmpty ? 0 : strides[0];
    }
    headStride = isEmpty ? 0 : strides[axes.head];
    tokenStride = isEmpty ? 0 : strides[axes.token];
    featureStride = isEmpty ? 0 : strides[axes.feature];
  }
  std::string Text() const {
    return (batch == 1 ? "" : std::to_string(batch) + "·") + std::to_string(heads) + "·" + std::to_string(tokens) + "·" + std::to_string(features);
  }
  Matrix At(size_t example, size_t head, int64_t token) const {
    const float* from = data + static_cast<ptrdiff_t>(example) * batchStride + static_cast<ptrdiff_t>(head) * headStride;
    return {from + static_cast<ptrdiff_t>(token) * tokenStride, tokenStride, featureStride};
  }
};

class PackedAttention : public Operator {
 public:
  explicit PackedAttention(const Attributes& attributes)
      : scale_(attributes.Float("scale")),
        query_(AxesOf(attributes, "query")),
        key_(AxesOf(attributes, "key")),
        value_(AxesOf(attributes, "value")),
        context_(AxesOf(attributes, "context")),
        attend_(ChosenAttend(attributes.Int("integers", 0) != 0)) {
    if (context_.feature + 1 != context_.rank()) Refuse("contextAxes has to name the features last");
    if (!std::isfinite(scale_)) Refuse("scale is not a finite number");
  }

  void Compute(const Context& context) const override {
    if (!context.Has(3)) return ComputeBatch(context);
    const Packed query(context.Read(0, {"query", Type::kFloat32}), query_, "query", false);
    const Packed key(context.Read(1, {"key", Type::kFloat32}), key_, "key", false);
    const Packed value(context.Read(2, {"value", Type::kFloat32}), value_, "value", false);
    const Input offsets = context.Read(3, {"offsets", Type::kInt64, 1});
    const int64_t tokens = query.tokens;
    const auto heads = static_cast<size_t>(query.heads);
    const bool fits = key.tokens == tokens && value.tokens == tokens && key.heads == query.heads &&
                      value.heads == query.heads && key.features == query.features;
    if (!fits) {
      Refuse("query, key and value do not have the same heads, tokens and features: " + query.Text() + ", " + key.Text() + ", " +
             value.Text());
    }
    // Then any number of heads takes no memory, and would take time.
    if (query.features == 0 && value.features == 0) Refuse("neither query nor value has features");
    const auto rows = static_cast<size_t>(std::max<int64_t>(offsets.shape.dims[0] - 1, 0));
    const int64_t* begins = offsets.As<int64_t>();
    CheckOffsets(begins, rows, tokens);

    const float* keyBias = OnePerToken(context, 4, "keyBias", tokens);
    const Bias bias(context, rows, heads, tokens, begins);
    const float* weights = OnePerToken(context, 7, "queryWeights", tokens);
    const bool isReceivedWanted = context.Gives(1);
    if (isReceivedWanted && weights == nullptr) Refuse("received takes queryWeights");

    std::vector<int64_t> dims = ContextDims(1, query, value);
    auto* out = static_cast<float*>(context.Write(0, dims, Type::kFloat32));
    // An empty one has no memory, and is never written to; its rows only need an address.
    float nothing = 0;
    if (out == nullptr && CheckSizes(dims, "context") > 0) Refuse("the context has to be there");
    std::vector<ptrdiff_t> strides = StridesOf(dims);
    if (out == nullptr) {
      out = &nothing;
      std::fill(strides.begin(), strides.end(), 0);
    }
    float* received = nullptr;
    if (isReceivedWanted) received = static_cast<float*>(context.Write(1, {1, query.heads, 1, tokens}, Type::kFloat32));
    if (received != nullptr) std::fill_n(received, query.heads * tokens, 0.f);

    context.Parallel(rows * heads, [&](size_t i) {
      const size_t row = i / heads, head = i % heads;
      const int64_t begin = begins[row];
      const auto length = static_cast<size_t>(begins[row + 1] - begin);
      Head one{};
      one.query = query.At(0, head, begin);
      one.key = key.At(0, head, begin);
      one.value = value.At(0, head, begin);
      one.context = out + static_cast<ptrdiff_t>(head) * strides[context_.head] +
                    static_cast<ptrdiff_t>(begin) * strides[context_.token];
      one.contextStride = strides[context_.token];
      one.queries = one.keys = length;
      one.headDim = static_cast<size_t>(query.features);
      one.valueDim = static_cast<size_t>(value.features);
      one.scale = scale_;
      one.keyBias = keyBias == nullptr ? nullptr : keyBias + begin;
      one.bias = bias.At(row, head);
      one.biasPositions = bias.positions.data() + (bias.data == nullptr ? 0 : begin);
      one.biasStride = bias.rowStride;
      one.received = received == nullptr ? nullptr : received + head * static_cast<size_t>(tokens) + begin;
      one.queryWeights = weights == nullptr ? nullptr : weights + begin;
      attend_(one);
    });
  }

 private:
  std::vector<int64_t> ContextDims(int64_t batch, const Packed& query, const Packed& value) const {
    std::vector<int64_t> dims(context_.rank(), 1);
    dims[0] = batch;
    dims[context_.head] = query.heads;
    dims[context_.token] = query.tokens;
    dims[context_.feature] = value.features;
    return dims;
  }

  /// Without offsets: axis 0 counts examples, which have equal numbers of tokens and are not masked.
  void ComputeBatch(const Context& context) const {
    for (const Axes* axes : {&query_, &key_, &value_, &context_}) {
      if (axes->head == 0 || axes->token == 0) Refuse("without offsets, axis 0 has to count examples");
    }
    for (size_t i = 5; i < 8; i++) {
      if (context.Has(i)) Refuse("without offsets there is no bias, and no queryWeights");
    }
    if (context.Gives(1)) Refuse("received takes offsets");
    const Packed query(context.Read(0, {"query", Type::kFloat32}), query_, "query", true);
    const Packed key(context.Read(1, {"key", Type::kFloat32}), key_, "key", true);
    const Packed value(context.Read(2, {"value", Type::kFloat32}), value_, "value", true);
    const bool fits = key.batch == query.batch && value.batch == query.batch && value.tokens == key.tokens &&
                      key.heads == query.heads && value.heads == query.heads && key.features == query.features;
    if (!fits) Refuse("query, key and value do not fit together: " + query.Text() + ", " + key.Text() + ", " + value.Text());
    if (query.features == 0 && value.features == 0) Refuse("neither query nor value has features");
    const float* keyBias = nullptr;
    bool isBiasShared = false;
    if (context.Has(4)) {
      const Input input = context.Read(4, {"keyBias", Type::kFloat32, 2});
      isBiasShared = input.shape.dims[0] == 1;
      if ((!isBiasShared && input.shape.dims[0] != query.batch) || input.shape.dims[1] != key.tokens) {
        Refuse("keyBias is not [batch|1, keys] of " + std::to_string(query.batch) + " examples and " + std::to_string(key.tokens) + " keys");
      }
      keyBias = input.As<float>();
    }
    const std::vector<int64_t> dims = ContextDims(query.batch, query, value);
    auto* out = static_cast<float*>(context.Write(0, dims, Type::kFloat32));
    if (CheckSizes(dims, "context") == 0) return;
    if (out == nullptr) Refuse("the context has to be there");
    const std::vector<ptrdiff_t> strides = StridesOf(dims);
    const auto heads = static_cast<size_t>(query.heads);
    context.Parallel(static_cast<size_t>(query.batch) * heads, [&](size_t i) {
      const size_t example = i / heads, head = i % heads;
      Head one{};
      one.query = query.At(example, head, 0);
      one.key = key.At(example, head, 0);
      one.value = value.At(example, head, 0);
      one.context = out + static_cast<ptrdiff_t>(example) * strides[0] + static_cast<ptrdiff_t>(head) * strides[context_.head];
      one.contextStride = strides[context_.token];
      one.queries = static_cast<size_t>(query.tokens);
      one.keys = static_cast<size_t>(key.tokens);
      one.headDim = static_cast<size_t>(query.features);
      one.valueDim = static_cast<size_t>(value.features);
      one.scale = scale_;
      if (keyBias != nullptr) one.keyBias = keyBias + (isBiasShared ? 0 : example * one.keys);
      attend_(one);
    });
  }

  /// The numbers of an optional input that has one for each token; null where it is not there.
  static const float* OnePerToken(const Context& context, size_t index, const char* name, int64_t tokens) {
    if (!context.Has(index)) return nullptr;
    const Input input = context.Read(index, {name, Type::kFloat32});
    const int64_t count = CheckSizes(input.shape.dims, name);
    if (count != tokens) {
      Refuse(std::string(name) + " does not have one number for each token: " + std::to_string(count) + " for " +
             std::to_string(tokens));
    }
    return input.As<float>();
  }

  /// What is added to the scores, still over the padded batch.
  struct Bias {
    const float* data = nullptr;
    std::vector<size_t> positions;  // of each token, in its row
    ptrdiff_t batchStride = 0, headStride = 0, rowStride = 0;

    Bias(const Context& context, size_t rows, size_t heads, int64_t tokens, const int64_t* begins) {
      if (!context.Has(5)) return;
      const Input input = context.Read(5, {"bias", Type::kFloat32, 4});
      const Input where = context.Read(6, {"positions", Type::kInt64, 1});
      const std::vector<int64_t>& dims = input.shape.dims;
      const int64_t length = dims[3];
      const bool fits = (dims[0] == 1 || dims[0] == static_cast<int64_t>(rows)) &&
                        (dims[1] == 1 || dims[1] == static_cast<int64_t>(heads)) && dims[2] == length && length > 0;
      if (!fits) {
        Refuse("bias is not [rows|1, heads|1, N, N] of " + std::to_string(rows) + " rows and " + std::to_string(heads) + " heads");
      }
      if (where.shape.dims[0] != tokens) {
        Refuse("positions are " + std::to_string(where.shape.dims[0]) + ", and there are " + std::to_string(tokens) + " tokens");
      }
      const int64_t* at = where.As<int64_t>();
      CheckPositions(at, tokens, Product(static_cast<int64_t>(rows), length, "number of positions"));
      positions.resize(static_cast<size_t>(tokens));
      for (size_t row = 0; row < rows; row++) {
        for (int64_t t = begins[row]; t < begins[row + 1]; t++) {
          if (at[t] / length != static_cast<int64_t>(row)) Refuse("positions and offsets do not agree");
          positions[static_cast<size_t>(t)] = static_cast<size_t>(at[t] % length);
        }
      }
      data = input.As<float>();
      rowStride = static_cast<ptrdiff_t>(length);
      headStride = dims[1] == 1 ? 0 : rowStride * rowStride;
      batchStride = dims[0] == 1 ? 0 : rowStride * rowStride * static_cast<ptrdiff_t>(dims[1]);
    }
    const float* At(size_t row, size_t head) const {
      if (data == nullptr) return nullptr;
      return data + static_cast<ptrdiff_t>(row) * batchStride + static_cast<ptrdiff_t>(head) * headStride;
    }
  };

  const float scale_;
  const Axes query_, key_, value_, context_;
  const Attend attend_;
};

}  // namespace

std::unique_ptr<Operator> MakePackedAttention(const Attributes& attributes) {
  return std::make_unique<PackedAttention>(attributes);
}

}  // namespace tp
