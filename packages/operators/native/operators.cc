#include "operators.h"

#include <algorithm>
#include <initializer_list>
#include <map>
#include <mutex>
#include <set>

namespace tp {
namespace {

using Features = std::set<std::string>;
using Maker = std::unique_ptr<Operator> (*)(const Attributes&);

/// What onnxruntime is told of an operator. It comes first in the structure, so that a pointer to one is a pointer to the other.
struct Definition : OrtCustomOp {
  std::vector<Type> inputs;
  std::vector<Type> outputs;
  size_t requiredInputs;
  size_t requiredOutputs;
  Maker make;
  std::string fullName;
  /// Where the inputs and outputs of the family are.
  std::vector<int> inputsAt, outputsAt;
  Ort ort;
};

/// The operator of a node, with the onnxruntime that calls it.
struct Kernel {
  Ort ort;
  std::unique_ptr<Operator> op;
};

const Definition* Of(const OrtCustomOp* op) { return static_cast<const Definition*>(op); }

/// Exceptions must not cross into onnxruntime.
template <typename Work>
OrtStatus* Guarded(const Ort& ort, const Work& work) {
  try {
    work();
    return nullptr;
  } catch (const std::exception& error) {
    return ort.Failure(error.what());
  }
}

std::unique_ptr<Definition> Define(std::string name, Maker make) {
  auto definition = std::make_unique<Definition>();
  static_cast<OrtCustomOp&>(*definition) = {};
  definition->version = kOrtApiVersion;
  definition->fullName = std::move(name);
  definition->make = make;
  definition->GetName = [](const OrtCustomOp* op) { return Of(op)->fullName.c_str(); };
  definition->GetExecutionProviderType = [](const OrtCustomOp*) -> const char* { return nullptr; };
  definition->GetInputType = [](const OrtCustomOp* op, size_t i) { return Of(op)->inputs[i]; };
  definition->GetInputTypeCount = [](const OrtCustomOp* op) { return Of(op)->inputs.size(); };
  definition->GetOutputType = [](const OrtCustomOp* op, size_t i) { return Of(op)->outputs[i]; };
  definition->GetOutputTypeCount = [](const OrtCustomOp* op) { return Of(op)->outputs.size(); };
  definition->GetInputCharacteristic = [](const OrtCustomOp* op, size_t i) {
    return i < Of(op)->requiredInputs ? kRequired : kOptional;
  };
  definition->GetOutputCharacteristic = [](const OrtCustomOp* op, size_t i) {
    return i < Of(op)->requiredOutputs ? kRequired : kOptional;
  };
  definition->GetInputMemoryType = [](const OrtCustomOp*, size_t) { return 0; };
  definition->GetVariadicInputMinArity = [](const OrtCustomOp*) { return 0; };
  definition->GetVariadicInputHomogeneity = [](const OrtCustomOp*) { return 0; };
  definition->GetVariadicOutputMinArity = [](const OrtCustomOp*) { return 0; };
  definition->GetVariadicOutputHomogeneity = [](const OrtCustomOp*) { return 0; };
  definition->CreateKernelV2 = [](const OrtCustomOp* op, const OrtApiTable*, const OrtKernelInfo* info, void** kernel) {
    const Ort& ort = Of(op)->ort;
    return Guarded(ort, [&] {
      const Attributes attributes(ort, info, Of(op)->fullName);
      try {
        std::unique_ptr<Operator> made = Of(op)->make(attributes);
        made->inputs = Of(op)->inputsAt;
        made->outputs = Of(op)->outputsAt;
        *kernel = new Kernel{ort, std::move(made)};
      } catch (const std::exception& error) {
        // Of a run that fails onnxruntime names the node itself.
        const std::string name = attributes.NodeName();
        Refuse(Of(op)->fullName + " node" + (name.empty() ? " without a name: " : " \"" + name + "\": ") + error.what());
      }
    });
  };
  definition->KernelComputeV2 = [](void* kernel, OrtKernelContext* context) {
    const auto* own = static_cast<const Kernel*>(kernel);
    return Guarded(own->ort, [&] { own->op->Compute(Context(own->ort, context, *own->op)); });
  };
  definition->KernelDestroy = [](void* kernel) { delete static_cast<Kernel*>(kernel); };
  definition->GetStartVersion = [](const OrtCustomOp*) { return 1; };
  definition->GetEndVersion = [](const OrtCustomOp*) { return 1; };
  return definition;
}

/// An input or output of a family, which all of its operators have, or those with a feature.
struct Part {
  Type type;
  const char* feature = "";
  /// Whether files of before names said what an operator has may leave it out.
  bool wasOptional = false;
};

/// Operators of one kernel. Their names say what they have; `packed/` of @tp/core has the same table.
struct Family {
  const char* name;
  Maker make;
  std::vector<Part> inputs, outputs;
  std::vector<const char*> features;
  /// Whether there is an operator with just these.
  bool (*allows)(const Features&) = [](const Features&) { return true; };
};

bool IsOneType(const Features& features) { return features.size() < 2; }

bool IsRescaling(const Features& has) {
  const auto any = [&](std::initializer_list<const char*> names) {
    return std::any_of(names.begin(), names.end(), [&](const char* name) { return has.count(name) > 0; });
  };
  if (any({"normed"}) && !any({"norm"})) return false;
  return any({"scale"}) || (any({"norm"}) && !any({"bias", "gelu", "gain", "residual", "scaled"}));
}

/// The parts that an operator has, and where each of the family is among them.
std::vector<int> Choose(const std::vector<Part>& parts, const Features& features, std::vector<Type>* types) {
  std::vector<int> at;
  for (const Part& part : parts) {
    const bool is = *part.feature == 0 || features.count(part.feature) > 0;
    at.push_back(is ? static_cast<int>(types->size()) : -1);
    if (is) types->push_back(part.type);
  }
  return at;
}

std::unique_ptr<Definition> Variant(const Family& family, const Features& features) {
  std::string name = family.name;
  for (const char* feature : family.features) {
    if (features.count(feature) > 0) name += std::string("_") + feature;
  }
  auto definition = Define(std::move(name), family.make);
  definition->inputsAt = Choose(family.inputs, features, &definition->inputs);
  definition->outputsAt = Choose(family.outputs, features, &definition->outputs);
  definition->requiredInputs = definition->inputs.size();
  definition->requiredOutputs = definition->outputs.size();
  return definition;
}

/// As files have it that were written before names said what an operator has: whatever belongs to a feature may be left out.
std::unique_ptr<Definition> AnyVariant(const Family& family) {
  auto definition = Define(family.name, family.make);
  const auto count = [](const std::vector<Part>& parts, std::vector<Type>* types, size_t* required) {
    for (size_t i = 0; i < parts.size(); i++) {
      types->push_back(parts[i].type);
      if (*parts[i].feature == 0 && !parts[i].wasOptional) *required = i + 1;
    }
  };
  count(family.inputs, &definition->inputs, &definition->requiredInputs);
  count(family.outputs, &definition->outputs, &definition->requiredOutputs);
  return definition;
}

std::vector<Family> Families() {
  constexpr Type any = Type::kUndefined, attended = Type::kBool, index = Type::kInt64, number = Type::kFloat32,
                 rounded = Type::kUint8;
  const std::vector<const char*> types = {"float16", "float64", "bool", "int8", "uint8", "int32", "int64"};
  return {
      {"Rows", MakeRows, {{attended}}, {{index}, {index}}, {"padding"}},
      {"Pack", MakePack, {{any}, {index}}, {{any}}, {}},
      {"PackFlat", MakePack, {{any}, {index}}, {{any}}, {}},
      {"Unpack", MakeUnpack, {{any}, {index}, {attended}}, {{any}}, types, IsOneType},
      {"UnpackFlat", MakeUnpack, {{any}, {index}, {attended}}, {{any}}, types, IsOneType},
      {"PackedAttention", MakePackedAttention,
       {{number}, {number}, {number}, {index, "", true}, {number, "keyBias"}, {number, "bias"}, {index, "bias"}, {number, "received"}},
       {{number}, {number, "received"}}, {"keyBias", "bias", "received"}},
      {"BatchAttention", MakePackedAttention, {{number}, {number}, {number}, {index, "offsets"}, {number, "keyBias"}}, {{number}}, {"keyBias"}},
      {"RoundRows", MakeRoundRows, {{number}}, {{rounded}, {number}}, {"least"}},
      {"ScaleRows", MakeScaleRows, {{number}, {number}, {number, "bias"}, {number, "gain"}, {number, "residual"}}, {{number}},
       {"bias", "gelu", "gain", "residual"}},
      {"RescaleRows", MakeRescaleRows,
       {{number}, {number, "scale"}, {number, "bias"}, {number, "gain"}, {number, "residual"}, {number, "norm"}, {number, "norm"}},
       {{rounded}, {number}, {number, "scaled"}, {number, "normed"}},
       {"scale", "bias", "gelu", "gain", "residual", "norm", "scaled", "normed", "least"}, IsRescaling},
  };
}

/// Made once for each onnxruntime and never given back: sessions may outlive everything but the process.
OrtCustomOpDomain* Domain(const Ort& ort) {
  static std::mutex making;
  static auto* const domains = new std::map<void* const*, OrtCustomOpDomain*>();
  const std::lock_guard<std::mutex> lock(making);
  const auto known = domains->find(ort.Table());
  if (known != domains->end()) return known->second;
  OrtCustomOpDomain* const domain = [&ort] {
    OrtCustomOpDomain* made = nullptr;
    ort.Check(ort.Call<at::CreateCustomOpDomain>("tp", &made));
    const auto add = [&](std::unique_ptr<Definition> definition) {
      definition->ort = ort;
      ort.Check(ort.Call<at::CustomOpDomainAdd>(made, static_cast<const OrtCustomOp*>(definition.release())));
    };
    for (const Family& family : Families()) {
      add(AnyVariant(family));
      const size_t count = family.features.size();
      for (size_t bits = 1; bits < size_t{1} << count; bits++) {
        Features features;
        for (size_t i = 0; i < count; i++) {
          if ((bits >> i & 1) != 0) features.insert(family.features[i]);
        }
        if (family.allows(features)) add(Variant(family, features));
      }
    }
    return made;
  }();
  domains->emplace(ort.Table(), domain);
  return domain;
}

}  // namespace

void AddOperators(const Ort& ort, OrtSessionOptions* options) {
  ort.Check(ort.Call<at::AddCustomOpDomain>(options, Domain(ort)));
}

namespace {

/// Where a part of the family is among those of the operator; false where it has none.
bool Find(const std::vector<int>& at, size_t* index) {
  if (at.empty()) return true;
  if (*index >= at.size() || at[*index] < 0) return false;
  *index = static_cast<size_t>(at[*index]);
  return true;
}

}  // namespace

bool Context::Has(size_t index) const {
  size_t count = 0;
  ort_.Check(ort_.Call<at::KernelContextGetInputCount>(static_cast<const OrtKernelContext*>(context_), &count));
  if (!Find(own_.inputs, &index) || index >= count) return false;
  const OrtValue* value = nullptr;
  ort_.Check(ort_.Call<at::KernelContextGetInput>(static_cast<const OrtKernelContext*>(context_), index, &value));
  return value != nullptr;
}

bool Context::Gives(size_t index) const {
  size_t count = 0;
  ort_.Check(ort_.Call<at::KernelContextGetOutputCount>(static_cast<const OrtKernelContext*>(context_), &count));
  return Find(own_.outputs, &index) && index < count;
}

Input Context::Read(size_t index, const Demand& demand) const {
  const OrtValue* value = nullptr;
  if (Find(own_.inputs, &index)) {
    ort_.Check(ort_.Call<at::KernelContextGetInput>(static_cast<const OrtKernelContext*>(context_), index, &value));
  }
  if (value == nullptr) Refuse(std::string(demand.name) + " is missing");
  void* data = nullptr;
  ort_.Check(ort_.Call<at::GetTensorMutableData>(const_cast<OrtValue*>(value), &data));
  Input input{value, ort_.ShapeOf(value), data};
  CheckInput(input.shape, demand);
  return input;
}

void* Context::Write(size_t index, const std::vector<int64_t>& dims, Type type) const {
  const std::string name = "output " + std::to_string(index);
  CheckSizes(dims, name);
  if (!Gives(index)) return nullptr;
  Find(own_.outputs, &index);
  OrtValue* value = nullptr;
  ort_.Check(ort_.Call<at::KernelContextGetOutput>(context_, index, dims.data(), dims.size(), &value));
  if (value == nullptr) return nullptr;
  if (ort_.ShapeOf(value).type != type) Refuse(name + " is declared with another type than what it is made from");
  void* data = nullptr;
  ort_.Check(ort_.Call<at::GetTensorMutableData>(value, &data));
  return data;
}

void Context::Parallel(size_t count, void (*call)(void*, size_t), void* data) const {
  const size_t chooses = 0;
  ort_.Check(ort_.Call<at::KernelContextParallelFor>(static_cast<const OrtKernelContext*>(context_), call, count, chooses, data));
}

void Attributes::Check(OrtStatus* status, const char* name) const {
  try {
    ort_.Check(status);
  } catch (const std::exception& error) {
    Refuse(std::string("attribute ") + name + ": " + error.what());
  }
}

bool Attributes::Named(const char* feature) const {
  return (name_ + "_").find(std::string("_") + feature + "_") != std::string::npos;
}

bool Attributes::IsFlat() const { return name_.find("Flat") != std::string::npos; }

bool Attributes::HasInts(const char* name) const {
  size_t size = 0;
  OrtStatus* status = ort_.Call<at::KernelInfoGetAttributeInt64s>(info_, name, static_cast<int64_t*>(nullptr), &size);
  if (status == nullptr) return true;
  ort_.Release<at::ReleaseStatus>(status);
  return false;
}

std::string Attributes::NodeName() const {
  size_t size = 0;
  ort_.Check(ort_.Call<at::KernelInfoGetNodeName>(info_, static_cast<char*>(nullptr), &size));
  std::string name(size, '\0');
  ort_.Check(ort_.Call<at::KernelInfoGetNodeName>(info_, name.data(), &size));
  // Counted with the 0 at its end.
  while (!name.empty() && name.back() == '\0') name.pop_back();
  return name;
}

float Attributes::Float(const char* name) const {
  float value = 0;
  Check(ort_.Call<at::KernelInfoGetAttributeFloat>(info_, name, &value), name);
  return value;
}

float Attributes::Float(const char* name, float otherwise) const {
  float value = 0;
  OrtStatus* status = ort_.Call<at::KernelInfoGetAttributeFloat>(info_, name, &value);
  if (status == nullptr) return value;
  ort_.Release<at::ReleaseStatus>(status);
  return otherwise;
}

int64_t Attributes::Int(const char* name) const {
  int64_t value = 0;
  Check(ort_.Call<at::KernelInfoGetAttributeInt64>(info_, name, &value), name);
  return value;
}

int64_t Attributes::Int(const char* name, int64_t otherwise) const {
  int64_t value = 0;
  OrtStatus* status = ort_.Call<at::KernelInfoGetAttributeInt64>(info_, name, &value);
  if (status == nullptr) return value;
  ort_.Release<at::ReleaseStatus>(status);
  return otherwise;
}

std::vector<int64_t> Attributes::Ints(const char* name) const {
  size_t size = 0;
  Check(ort_.Call<at::KernelInfoGetAttributeInt64s>(info_, name, static_cast<int64_t*>(nullptr), &size), name);
  std::vector<int64_t> values(size);
  Check(ort_.Call<at::KernelInfoGetAttributeInt64s>(info_, name, values.data(), &size), name);
  return values;
}

}  // namespace tp
