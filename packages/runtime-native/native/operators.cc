#include "operators.h"

#include <initializer_list>

namespace tp {
namespace {

/// What onnxruntime is told of an operator. It comes first in the structure, so that a pointer to one is a pointer to the other.
struct Definition : OrtCustomOp {
  const char* name;
  std::vector<Type> inputs;
  std::vector<Type> outputs;
  size_t requiredInputs;
  size_t requiredOutputs;
  std::unique_ptr<Operator> (*make)(const Attributes&);
};

const Definition* Of(const OrtCustomOp* op) { return static_cast<const Definition*>(op); }

/// Exceptions must not cross into onnxruntime.
template <typename Work>
OrtStatus* Guarded(const Work& work) {
  try {
    work();
    return nullptr;
  } catch (const std::exception& error) {
    return Failure(error.what());
  }
}

std::unique_ptr<Definition> Define(const char* name, std::unique_ptr<Operator> (*make)(const Attributes&),
                                   std::vector<Type> inputs, std::vector<Type> outputs, size_t requiredInputs,
                                   size_t requiredOutputs) {
  auto definition = std::make_unique<Definition>();
  static_cast<OrtCustomOp&>(*definition) = {};
  definition->version = kOrtApiVersion;
  definition->name = name;
  definition->make = make;
  definition->inputs = std::move(inputs);
  definition->outputs = std::move(outputs);
  definition->requiredInputs = requiredInputs;
  definition->requiredOutputs = requiredOutputs;
  definition->GetName = [](const OrtCustomOp* op) { return Of(op)->name; };
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
    return Guarded([&] {
      const Attributes attributes(info);
      try {
        *kernel = Of(op)->make(attributes).release();
      } catch (const std::exception& error) {
        // Of a run that fails onnxruntime names the node itself.
        const std::string name = attributes.NodeName();
        Refuse(std::string(Of(op)->name) + " node" + (name.empty() ? " without a name: " : " \"" + name + "\": ") + error.what());
      }
    });
  };
  definition->KernelComputeV2 = [](void* kernel, OrtKernelContext* context) {
    return Guarded([&] { static_cast<const Operator*>(kernel)->Compute(Context(context)); });
  };
  definition->KernelDestroy = [](void* kernel) { delete static_cast<Operator*>(kernel); };
  definition->GetStartVersion = [](const OrtCustomOp*) { return 1; };
  definition->GetEndVersion = [](const OrtCustomOp*) { return 1; };
  return definition;
}

/// Made once and never given back: sessions may outlive everything but the process.
OrtCustomOpDomain* Domain() {
  static OrtCustomOpDomain* const domain = [] {
    OrtCustomOpDomain* made = nullptr;
    Check(Ort::Call<at::CreateCustomOpDomain>("tp", &made));
    constexpr Type any = Type::kUndefined, attended = Type::kBool, index = Type::kInt64, number = Type::kFloat32,
                   rounded = Type::kUint8;
    for (Definition* definition : {
             Define("Rows", MakeRows, {attended}, {index, index}, 1, 2).release(),
             Define("Pack", MakePack, {any, index}, {any}, 2, 1).release(),
             Define("Unpack", MakeUnpack, {any, index, attended}, {any}, 3, 1).release(),
             Define("PackedAttention", MakePackedAttention, {number, number, number, index, number, number, index, number},
                    {number, number}, 3, 1)
                 .release(),
             Define("RoundRows", MakeRoundRows, {number}, {rounded, number}, 1, 2).release(),
             Define("RescaleRows", MakeRescaleRows, {number, number, number, number, number, number, number}, {rounded, number, number, number}, 1, 2)
                 .release(),
             Define("ScaleRows", MakeScaleRows, {number, number, number, number, number}, {number}, 2, 1).release(),
         }) {
      Check(Ort::Call<at::CustomOpDomainAdd>(made, static_cast<const OrtCustomOp*>(definition)));
    }
    return made;
  }();
  return domain;
}

}  // namespace

void AddOperators(OrtSessionOptions* options) { Check(Ort::Call<at::AddCustomOpDomain>(options, Domain())); }

bool Context::Has(size_t index) const {
  size_t count = 0;
  Check(Ort::Call<at::KernelContextGetInputCount>(static_cast<const OrtKernelContext*>(context_), &count));
  if (index >= count) return false;
  const OrtValue* value = nullptr;
  Check(Ort::Call<at::KernelContextGetInput>(static_cast<const OrtKernelContext*>(context_), index, &value));
  return value != nullptr;
}

size_t Context::Outputs() const {
  size_t count = 0;
  Check(Ort::Call<at::KernelContextGetOutputCount>(static_cast<const OrtKernelContext*>(context_), &count));
  return count;
}

Input Context::Read(size_t index, const Demand& demand) const {
  const OrtValue* value = nullptr;
  Check(Ort::Call<at::KernelContextGetInput>(static_cast<const OrtKernelContext*>(context_), index, &value));
  if (value == nullptr) Refuse(std::string(demand.name) + " is missing");
  void* data = nullptr;
  Check(Ort::Call<at::GetTensorMutableData>(const_cast<OrtValue*>(value), &data));
  Input input{value, ShapeOf(value), data};
  CheckInput(input.shape, demand);
  return input;
}

void* Context::Write(size_t index, const std::vector<int64_t>& dims, Type type) const {
  const std::string name = "output " + std::to_string(index);
  CheckSizes(dims, name);
  OrtValue* value = nullptr;
  Check(Ort::Call<at::KernelContextGetOutput>(context_, index, dims.data(), dims.size(), &value));
  if (value == nullptr) return nullptr;
  if (ShapeOf(value).type != type) Refuse(name + " is declared with another type than what it is made from");
  void* data = nullptr;
  Check(Ort::Call<at::GetTensorMutableData>(value, &data));
  return data;
}

void Context::Parallel(size_t count, void (*call)(void*, size_t), void* data) const {
  const size_t chooses = 0;
  Check(Ort::Call<at::KernelContextParallelFor>(static_cast<const OrtKernelContext*>(context_), call, count, chooses, data));
}

namespace {

void CheckAttribute(OrtStatus* status, const char* name) {
  try {
    Check(status);
  } catch (const std::exception& error) {
    throw std::runtime_error(std::string("attribute ") + name + ": " + error.what());
  }
}

}  // namespace

std::string Attributes::NodeName() const {
  size_t size = 0;
  Check(Ort::Call<at::KernelInfoGetNodeName>(info_, static_cast<char*>(nullptr), &size));
  std::string name(size, '\0');
  Check(Ort::Call<at::KernelInfoGetNodeName>(info_, name.data(), &size));
  // Counted with the 0 at its end.
  while (!name.empty() && name.back() == '\0') name.pop_back();
  return name;
}

float Attributes::Float(const char* name) const {
  float value = 0;
  CheckAttribute(Ort::Call<at::KernelInfoGetAttributeFloat>(info_, name, &value), name);
  return value;
}

int64_t Attributes::Int(const char* name) const {
  int64_t value = 0;
  CheckAttribute(Ort::Call<at::KernelInfoGetAttributeInt64>(info_, name, &value), name);
  return value;
}

int64_t Attributes::Int(const char* name, int64_t otherwise) const {
  int64_t value = 0;
  OrtStatus* status = Ort::Call<at::KernelInfoGetAttributeInt64>(info_, name, &value);
  if (status == nullptr) return value;
  Ort::Release<at::ReleaseStatus>(status);
  return otherwise;
}

std::vector<int64_t> Attributes::Ints(const char* name) const {
  size_t size = 0;
  CheckAttribute(Ort::Call<at::KernelInfoGetAttributeInt64s>(info_, name, static_cast<int64_t*>(nullptr), &size), name);
  std::vector<int64_t> values(size);
  CheckAttribute(Ort::Call<at::KernelInfoGetAttributeInt64s>(info_, name, values.data(), &size), name);
  return values;
}

}  // namespace tp
