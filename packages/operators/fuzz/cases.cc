#include "cases.h"

#include <algorithm>
#include <cstring>

namespace tp {
namespace {

const std::vector<Type> kMovable = {Type::kFloat32, Type::kUint8, Type::kInt16, Type::kFloat64, Type::kInt64, Type::kBool};

using Dims = std::vector<int64_t>;

std::unique_ptr<OrtValue> Tensor(Type type, Dims dims) { return std::make_unique<OrtValue>(type, std::move(dims)); }

std::unique_ptr<OrtValue> Random(Choices& choices, Type type, Dims dims) {
  auto value = Tensor(type, std::move(dims));
  // A byte tells elements apart, and repeats: bytes of a choice are dear.
  const uint8_t first = choices.Byte();
  if (type == Type::kFloat32) {
    auto* numbers = reinterpret_cast<float*>(value->data.get());
    for (size_t i = 0; i < value->bytes / sizeof(float); i++) {
      numbers[i] = static_cast<float>((first + 7 * i) % 31) / 8 - 2;
    }
    return value;
  }
  for (size_t i = 0; i < value->bytes; i++) value->data[i] = static_cast<char>(first + 13 * i);
  return value;
}

std::unique_ptr<OrtValue> Integers(const std::vector<int64_t>& numbers) {
  auto value = Tensor(Type::kInt64, {static_cast<int64_t>(numbers.size())});
  if (!numbers.empty()) std::memcpy(value->data.get(), numbers.data(), value->bytes);
  return value;
}

/// Some axes of up to `most`.
Dims Axes(Choices& choices, int64_t most) {
  Dims dims(static_cast<size_t>(choices.Int(0, 2)));
  for (int64_t& dim : dims) dim = choices.Once(16) ? 0 : choices.Int(1, most);
  return dims;
}

/// A batch: which positions hold tokens, at least one in every row, and perhaps the first padding of a row.
struct Batch {
  int64_t rows, length;
  std::vector<char> attended;
  std::vector<int64_t> positions, offsets;

  explicit Batch(Choices& choices, bool keepsPadding = false) : rows(choices.Int(1, 4)), length(choices.Once(8) ? choices.Int(1, 600) : choices.Int(1, 9)) {
    attended.resize(static_cast<size_t>(rows * length));
    const int64_t density = choices.Int(1, 4);
    int64_t noise = choices.Byte();
    offsets.push_back(0);
    for (int64_t row = 0; row < rows; row++) {
      const int64_t always = noise % length;
      bool isPaddingKept = keepsPadding;
      for (int64_t n = 0; n < length; n++) {
        noise = (noise * 1103515245 + 12345) % (1 << 30);
        const bool is = n == always || noise / 1024 % density == 0;
        attended[static_cast<size_t>(row * length + n)] = static_cast<char>(is ? 1 + noise % 255 : 0);
        if (is || isPaddingKept) positions.push_back(row * length + n);
        if (!is) isPaddingKept = false;
      }
      offsets.push_back(Tokens());
    }
  }
  int64_t Tokens() const { return static_cast<int64_t>(positions.size()); }
  std::unique_ptr<OrtValue> Real() const {
    auto value = Tensor(Type::kBool, {rows, length});
    std::memcpy(value->data.get(), attended.data(), value->bytes);
    return value;
  }
};

/// Attributes and sizes of a tensor of Pack or Unpack.
struct Placed {
  int64_t rowsAxis, tokenAxis, folded;
  Dims dims;

  Placed(Choices& choices, OrtKernelInfo& info, const Batch& batch, int64_t rows, int64_t tokens, int64_t flatTokens) {
    const int64_t most = batch.length > 9 ? 1 : 3;
    dims = Axes(choices, most);
    rowsAxis = tokenAxis = static_cast<int64_t>(dims.size());
    folded = 1;
    if (choices.Once(3)) {
      dims.push_back(flatTokens);
    } else {
      folded = choices.Int(1, 3);
      dims.push_back(rows * folded);
      for (const int64_t dim : Axes(choices, most)) dims.push_back(dim);
      tokenAxis = static_cast<int64_t>(dims.size());
      dims.push_back(tokens);
    }
    for (const int64_t dim : Axes(choices, most)) dims.push_back(dim);
    info.attributes = {{"rows", rowsAxis}, {"axis", tokenAxis}, {"folded", folded}};
  }
};

Case MakeRows(Choices& choices) {
  Case made;
  made.info.attributes = {{"padding", choices.Int(0, 1)}};
  made.context.inputs.push_back(Batch(choices).Real());
  made.context.outputs.push_back({Type::kInt64});
  made.context.outputs.push_back({Type::kInt64});
  return made;
}

Case MakePack(Choices& choices) {
  Case made;
  const Batch batch(choices);
  const bool isShared = choices.Once(6);
  const Placed placed(choices, made.info, batch, isShared ? 1 : batch.rows, batch.length, batch.rows * batch.length);
  const Type type = choices.Of(kMovable);
  made.context.inputs.push_back(Random(choices, type, placed.dims));
  made.context.inputs.push_back(Integers(batch.positions));
  made.context.outputs.push_back({type});
  return made;
}

Case MakeUnpack(Choices& choices) {
  Case made;
  const Batch batch(choices, choices.Once(2));
  const Placed placed(choices, made.info, batch, 1, batch.Tokens(), batch.Tokens());
  const Type type = choices.Of(kMovable);
  made.context.inputs.push_back(Random(choices, type, placed.dims));
  made.context.inputs.push_back(Integers(batch.positions));
  made.context.inputs.push_back(batch.Real());
  made.context.outputs.push_back({type});
  return made;
}

/// A tensor with three sizes along three of its axes, and 1 along the others.
std::unique_ptr<OrtValue> Scattered(Choices& choices, OrtKernelInfo& info, const char* name, const Dims& sizes, bool featuresLast) {
  const int64_t rank = choices.Int(3, 5);
  Dims order(static_cast<size_t>(rank));
  for (int64_t i = 0; i < rank; i++) order[static_cast<size_t>(i)] = i;
  for (size_t i = order.size() - 1; i > 0; i--) std::swap(order[i], order[static_cast<size_t>(choices.Int(0, static_cast<int64_t>(i)))]);
  Dims axes(order.begin(), order.begin() + 3);
  if (featuresLast) std::sort(axes.begin(), axes.end());
  Dims dims(static_cast<size_t>(rank), 1);
  for (size_t i = 0; i < 3; i++) dims[static_cast<size_t>(axes[i])] = sizes[i];
  info.attributes.push_back({name, axes});
  return Random(choices, Type::kFloat32, dims);
}

Case MakePackedAttention(Choices& choices) {
  Case made;
  const Batch batch(choices);
  const int64_t heads = choices.Once(16) ? 0 : choices.Int(1, 3), tokens = batch.Tokens();
  const int64_t most = batch.length > 9 ? 6 : 40;
  const int64_t features = choices.Once(16) ? 0 : choices.Int(1, most), valueFeatures = choices.Int(features == 0 ? 1 : 0, most);
  made.info.attributes.push_back({"scale", static_cast<float>(choices.Int(-8, 8)) / 8});
  if (choices.Once(2)) made.info.attributes.push_back({"integers", choices.Int(0, 1)});
  auto& inputs = made.context.inputs;
  if (choices.Once(4)) {
    // Without offsets: [examples, heads, tokens, features].
    const int64_t examples = choices.Int(0, 3), queries = choices.Int(0, 40), keys = choices.Once(8) ? 0 : choices.Int(1, 70);
    for (const char* name : {"queryAxes", "keyAxes", "valueAxes", "contextAxes"}) made.info.attributes.push_back({name, Dims{1, 2, 3}});
    inputs.push_back(Random(choices, Type::kFloat32, {examples, heads, queries, features}));
    inputs.push_back(Random(choices, Type::kFloat32, {examples, heads, keys, features}));
    inputs.push_back(Random(choices, Type::kFloat32, {examples, heads, keys, valueFeatures}));
    if (choices.Once(2)) {
      inputs.push_back(nullptr);
      inputs.push_back(Random(choices, Type::kFloat32, {choices.Once(2) ? 1 : examples, keys}));
    }
    made.context.outputs.push_back({Type::kFloat32});
    return made;
  }
  inputs.push_back(Scattered(choices, made.info, "queryAxes", {heads, tokens, features}, false));
  inputs.push_back(Scattered(choices, made.info, "keyAxes", {heads, tokens, features}, false));
  inputs.push_back(Scattered(choices, made.info, "valueAxes", {heads, tokens, valueFeatures}, false));
  Scattered(choices, made.info, "contextAxes", {1, 1, 1}, true);
  inputs.push_back(Integers(batch.offsets));
  inputs.push_back(choices.Once(2) ? Random(choices, Type::kFloat32, {1, tokens}) : nullptr);
  const bool hasBias = batch.length < 60 && choices.Once(2);
  const int64_t biasRows = choices.Once(2) ? 1 : batch.rows, biasHeads = choices.Once(2) ? 1 : heads;
  inputs.push_back(hasBias ? Random(choices, Type::kFloat32, {biasRows, biasHeads, batch.length, batch.length}) : nullptr);
  inputs.push_back(hasBias || choices.Once(4) ? Integers(batch.positions) : nullptr);
  const bool hasWeights = choices.Once(2);
  inputs.push_back(hasWeights ? Random(choices, Type::kFloat32, {1, tokens}) : nullptr);
  made.context.outputs.push_back({Type::kFloat32});
  if (hasWeights && choices.Once(2)) made.context.outputs.push_back({Type::kFloat32});
  return made;
}

/// Rows of a tensor with up to four axes.
Dims RowsOf(Choices& choices) {
  Dims dims = Axes(choices, 4);
  dims.push_back(choices.Once(16) ? 0 : choices.Once(8) ? choices.Int(1, 300) : choices.Int(1, 40));
  return dims;
}

Case MakeRoundRows(Choices& choices) {
  Case made;
  made.info.attributes = {{"steps", choices.Of(std::vector<int64_t>{127, 235, 255, 1})},
                          {"zero", choices.Of(std::vector<int64_t>{128, 20, 0})},
                          {"least", choices.Int(0, 2)}};
  const Dims dims = RowsOf(choices);
  made.context.inputs.push_back(Random(choices, Type::kFloat32, dims));
  made.context.outputs.push_back({Type::kUint8});
  made.context.outputs.push_back({Type::kFloat32});
  return made;
}

/// One number for each column.
std::unique_ptr<OrtValue> ColumnsOf(Choices& choices, const Dims& dims) {
  Dims columns = {dims.back()};
  if (choices.Once(2)) columns.insert(columns.begin(), 1);
  return Random(choices, Type::kFloat32, columns);
}

void AddScaling(Choices& choices, const Dims& dims, bool isScaled, std::vector<std::unique_ptr<OrtValue>>& inputs) {
  Dims scale = dims;
  scale.back() = 1;
  inputs.push_back(Random(choices, Type::kFloat32, dims));
  inputs.push_back(isScaled ? Random(choices, Type::kFloat32, scale) : nullptr);
  for (int i = 0; i < 2; i++) inputs.push_back(isScaled && choices.Once(2) ? ColumnsOf(choices, dims) : nullptr);
  inputs.push_back(isScaled && choices.Once(2) ? Random(choices, Type::kFloat32, dims) : nullptr);
}

Case MakeScaleRows(Choices& choices) {
  Case made;
  made.info.attributes = {{"gelu", choices.Int(0, 1)}};
  AddScaling(choices, RowsOf(choices), true, made.context.inputs);
  made.context.outputs.push_back({Type::kFloat32});
  return made;
}

Case MakeRescaleRows(Choices& choices) {
  Case made = MakeRoundRows(choices);
  const Dims dims = made.context.inputs[0]->dims;
  const bool isScaled = !choices.Once(4), hasNorm = choices.Once(2);
  made.info.attributes.push_back({"gelu", isScaled ? choices.Int(0, 1) : 0});
  made.info.attributes.push_back({"epsilon", static_cast<float>(choices.Int(0, 2)) / 1000});
  auto& inputs = made.context.inputs;
  inputs.clear();
  AddScaling(choices, dims, isScaled, inputs);
  for (int i = 0; i < 2; i++) inputs.push_back(hasNorm ? ColumnsOf(choices, dims) : nullptr);
  const int64_t others = choices.Int(0, 2);
  for (int64_t i = 0; i < others; i++) made.context.outputs.push_back({Type::kFloat32});
  return made;
}

using Make = Case (*)(Choices&);
const std::vector<std::pair<std::string, Make>> kMakers = {
    {"Rows", MakeRows},           {"Pack", MakePack},           {"Unpack", MakeUnpack}, {"PackedAttention", MakePackedAttention},
    {"RoundRows", MakeRoundRows}, {"ScaleRows", MakeScaleRows}, {"RescaleRows", MakeRescaleRows},
};

/// Gives a tensor other sizes; what was in it stays at its beginning. Where there would be too much, sizes shrink.
void Resize(std::unique_ptr<OrtValue>& value, Type type, Dims dims) {
  // No tensor of onnxruntime has a size below 0.
  for (int64_t& dim : dims) dim = dim < 0 ? -(dim + 1) : dim;
  for (size_t i = 0; i < dims.size() && ElementsOf(dims) < 0; i++) dims[i] = 1 + dims[i] % 3;
  for (size_t i = 0; i < dims.size() && ElementsOf(dims) < 0; i++) dims[i] = 1;
  auto resized = Tensor(type, std::move(dims));
  std::fill_n(resized->data.get(), resized->bytes, '\x3D');
  const size_t both = std::min(value->bytes, resized->bytes);
  if (both > 0) std::memcpy(resized->data.get(), value->data.get(), both);
  value = std::move(resized);
}

int64_t Size(Choices& choices) { return choices.Once(2) ? choices.Awkward() : choices.Int(0, 9); }

void SpoilAttribute(Choices& choices, OrtKernelInfo& info) {
  if (info.attributes.empty()) return;
  const auto which = static_cast<size_t>(choices.Int(0, static_cast<int64_t>(info.attributes.size()) - 1));
  Attribute& attribute = info.attributes[which];
  if (choices.Once(12)) {
    info.attributes.erase(info.attributes.begin() + static_cast<ptrdiff_t>(which));
  } else if (auto* number = std::get_if<int64_t>(&attribute.value)) {
    *number = Size(choices);
  } else if (auto* attended = std::get_if<float>(&attribute.value)) {
    *attended = choices.Of(std::vector<float>{0, -0.f, 1e38f, -1e38f, 1e-40f, std::numeric_limits<float>::infinity(),
                                          std::numeric_limits<float>::quiet_NaN()});
  } else {
    auto& axes = std::get<std::vector<int64_t>>(attribute.value);
    if (choices.Once(6)) axes.push_back(Size(choices));
    else if (choices.Once(6)) axes.pop_back();
    else if (!axes.empty()) axes[static_cast<size_t>(choices.Int(0, static_cast<int64_t>(axes.size()) - 1))] = Size(choices);
  }
}

void SpoilSizes(Choices& choices, std::unique_ptr<OrtValue>& value) {
  Dims dims = value->dims;
  const auto anyAxis = [&] { return static_cast<size_t>(choices.Int(0, static_cast<int64_t>(dims.size()) - 1)); };
  switch (choices.Int(0, 4)) {
    case 0:
      dims.insert(dims.begin(), Size(choices));
      break;
    case 1:
      if (!dims.empty()) dims.erase(dims.begin() + static_cast<ptrdiff_t>(anyAxis()));
      break;
    case 2:
      if (!dims.empty()) dims[anyAxis()] = Size(choices);
      break;
    default:
      // Empty, so that the other sizes may be anything.
      if (dims.empty()) break;
      for (int64_t i = choices.Int(1, 3); i > 0; i--) dims[anyAxis()] = choices.Awkward();
      dims[anyAxis()] = 0;
  }
  Resize(value, value->type, std::move(dims));
}

void SpoilNumbers(Choices& choices, OrtValue& value) {
  if (value.bytes == 0) return;
  for (int64_t i = choices.Int(1, 3); i > 0; i--) {
    if (value.type == Type::kInt64) {
      auto* numbers = reinterpret_cast<int64_t*>(value.data.get());
      int64_t& number = numbers[choices.Int(0, std::min<int64_t>(static_cast<int64_t>(value.bytes / sizeof(int64_t)), 65535) - 1)];
      if (choices.Once(2)) number = choices.Awkward();
      else number = static_cast<int64_t>(static_cast<uint64_t>(number) + static_cast<uint64_t>(choices.Int(-2, 2)));
    } else if (value.type == Type::kFloat32) {
      auto* numbers = reinterpret_cast<float*>(value.data.get());
      numbers[choices.Int(0, static_cast<int64_t>(std::min<size_t>(value.bytes / sizeof(float), 65535)) - 1)] =
          choices.Of(std::vector<float>{std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity(),
                                        -std::numeric_limits<float>::infinity(), 3e38f, -3e38f});
    } else {
      value.data[static_cast<size_t>(choices.Int(0, static_cast<int64_t>(std::min<size_t>(value.bytes, 65535)) - 1))] = 0;
    }
  }
}

void SpoilOutputs(Choices& choices, OrtKernelContext& context) {
  auto& outputs = context.outputs;
  switch (choices.Int(0, 3)) {
    case 0:
      outputs.push_back({Type::kFloat32});
      break;
    case 1:
      if (!outputs.empty()) outputs.pop_back();
      break;
    default:
      if (outputs.empty()) break;
      OrtKernelContext::Output& output = outputs[static_cast<size_t>(choices.Int(0, static_cast<int64_t>(outputs.size()) - 1))];
      if (choices.Once(2)) output.isRead = false;
      else output.type = choices.Of(kMovable);
  }
}

void Spoil(Choices& choices, Case& made) {
  auto& inputs = made.context.inputs;
  const int64_t kind = choices.Int(0, 9);
  if (kind <= 2) return SpoilAttribute(choices, made.info);
  if (kind == 9) return SpoilOutputs(choices, made.context);
  if (inputs.empty()) return;
  auto& input = inputs[static_cast<size_t>(choices.Int(0, static_cast<int64_t>(inputs.size()) - 1))];
  if (kind == 3) {
    if (choices.Once(2)) input = nullptr;
    else inputs.pop_back();
    return;
  }
  if (input == nullptr) input = Random(choices, Type::kFloat32, {choices.Int(0, 3), choices.Int(0, 3)});
  else if (kind == 4) Resize(input, choices.Of(kMovable), input->dims);
  else if (kind <= 6) SpoilNumbers(choices, *input);
  else SpoilSizes(choices, input);
}

}  // namespace

Case MakeCase(const std::string& op, Choices& choices) {
  const int64_t spoilt = choices.Of(std::vector<int64_t>{0, 1, 1, 1, 2, 2, 3, 5});
  const auto maker = std::find_if(kMakers.begin(), kMakers.end(), [&](const auto& own) { return own.first == op; });
  Case made = maker->second(choices);
  made.isSound = spoilt == 0;
  for (int64_t i = 0; i < spoilt; i++) Spoil(choices, made);
  return made;
}

}  // namespace tp
