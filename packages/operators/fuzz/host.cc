#include "host.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "../native/operators.h"

namespace tp {

struct OrtStatus {
  std::string sentence;
};
struct OrtTensorInfo {
  Type type;
  std::vector<int64_t> dims;
};
struct OrtCustomOpDomain {
  std::vector<const OrtCustomOp*> operators;
};
struct OrtSessionOptions {
  OrtCustomOpDomain* domain = nullptr;
};

namespace {

constexpr int64_t kMostElements = 1 << 17;

OrtStatus* Fail(const std::string& sentence) { return new OrtStatus{sentence}; }

OrtStatus* CreateStatus(int, const char* sentence) { return Fail(sentence); }
const char* GetErrorMessage(const OrtStatus* status) { return status->sentence.c_str(); }
void ReleaseStatus(OrtStatus* status) { delete status; }
void ReleaseTensorInfo(OrtTensorInfo* info) { delete info; }

OrtStatus* CreateCustomOpDomain(const char*, OrtCustomOpDomain** out) {
  *out = new OrtCustomOpDomain();
  return nullptr;
}
OrtStatus* CustomOpDomainAdd(OrtCustomOpDomain* domain, const OrtCustomOp* op) {
  domain->operators.push_back(op);
  return nullptr;
}
OrtStatus* AddCustomOpDomain(OrtSessionOptions* options, OrtCustomOpDomain* domain) {
  options->domain = domain;
  return nullptr;
}

OrtStatus* GetTensorMutableData(OrtValue* value, void** out) {
  *out = value->data.get();
  return nullptr;
}
OrtStatus* GetTensorTypeAndShape(const OrtValue* value, OrtTensorInfo** out) {
  *out = new OrtTensorInfo{value->type, value->dims};
  return nullptr;
}
OrtStatus* GetTensorElementType(const OrtTensorInfo* info, Type* out) {
  *out = info->type;
  return nullptr;
}
OrtStatus* GetDimensionsCount(const OrtTensorInfo* info, size_t* out) {
  *out = info->dims.size();
  return nullptr;
}
OrtStatus* GetDimensions(const OrtTensorInfo* info, int64_t* out, size_t length) {
  std::copy_n(info->dims.data(), length, out);
  return nullptr;
}

template <typename T>
const T* FindAttribute(const OrtKernelInfo* info, const char* name) {
  for (const Attribute& attribute : info->attributes) {
    if (attribute.name == name) return std::get_if<T>(&attribute.value);
  }
  return nullptr;
}
template <typename T>
OrtStatus* GetAttribute(const OrtKernelInfo* info, const char* name, T* out) {
  const T* value = FindAttribute<T>(info, name);
  if (value == nullptr) return Fail(std::string("no attribute ") + name);
  *out = *value;
  return nullptr;
}
OrtStatus* GetInts(const OrtKernelInfo* info, const char* name, int64_t* out, size_t* size) {
  const auto* values = FindAttribute<std::vector<int64_t>>(info, name);
  if (values == nullptr) return Fail(std::string("no attribute ") + name);
  if (out != nullptr) std::copy(values->begin(), values->end(), out);
  *size = values->size();
  return nullptr;
}
OrtStatus* GetNodeName(const OrtKernelInfo*, char* out, size_t* size) {
  constexpr char name[] = "fuzzed";
  if (out != nullptr) std::memcpy(out, name, sizeof name);
  *size = sizeof name;
  return nullptr;
}

OrtStatus* GetInputCount(const OrtKernelContext* context, size_t* out) {
  *out = context->inputs.size();
  return nullptr;
}
OrtStatus* GetOutputCount(const OrtKernelContext* context, size_t* out) {
  *out = context->outputs.size();
  return nullptr;
}
OrtStatus* GetInput(const OrtKernelContext* context, size_t index, const OrtValue** out) {
  *out = index < context->inputs.size() ? context->inputs[index].get() : nullptr;
  return nullptr;
}
OrtStatus* GetOutput(OrtKernelContext* context, size_t index, const int64_t* dims, size_t rank, OrtValue** out) {
  *out = nullptr;
  if (index >= context->outputs.size() || !context->outputs[index].isRead) return nullptr;
  OrtKernelContext::Output& output = context->outputs[index];
  std::vector<int64_t> sizes(dims, dims + rank);
  if (ElementsOf(sizes) < 0) return Fail("Failed to allocate memory");
  output.value = std::make_unique<OrtValue>(output.type, std::move(sizes));
  *out = output.value.get();
  return nullptr;
}
/// Backwards, as tasks may come in any order.
OrtStatus* ParallelFor(const OrtKernelContext*, void (*call)(void*, size_t), size_t count, size_t, void* data) {
  while (count > 0) call(data, --count);
  return nullptr;
}

void Unexpected() {
  std::fprintf(stderr, "an operator calls a function of onnxruntime that fuzz/host.cc does not have\n");
  std::abort();
}

template <typename Function>
void* Address(Function* function) {
  return reinterpret_cast<void*>(function);
}

void* const* Table(uint32_t) {
  static const auto table = [] {
    std::array<void*, at::KernelContextParallelFor + 1> functions;
    functions.fill(Address(Unexpected));
    functions[at::CreateStatus] = Address(CreateStatus);
    functions[at::GetErrorMessage] = Address(GetErrorMessage);
    functions[at::ReleaseStatus] = Address(ReleaseStatus);
    functions[at::ReleaseTensorInfo] = Address(ReleaseTensorInfo);
    functions[at::CreateCustomOpDomain] = Address(CreateCustomOpDomain);
    functions[at::CustomOpDomainAdd] = Address(CustomOpDomainAdd);
    functions[at::AddCustomOpDomain] = Address(AddCustomOpDomain);
    functions[at::GetTensorMutableData] = Address(GetTensorMutableData);
    functions[at::GetTensorTypeAndShape] = Address(GetTensorTypeAndShape);
    functions[at::GetTensorElementType] = Address(GetTensorElementType);
    functions[at::GetDimensionsCount] = Address(GetDimensionsCount);
    functions[at::GetDimensions] = Address(GetDimensions);
    functions[at::KernelInfoGetAttributeFloat] = Address(GetAttribute<float>);
    functions[at::KernelInfoGetAttributeInt64] = Address(GetAttribute<int64_t>);
    functions[at::KernelInfoGetAttributeInt64s] = Address(GetInts);
    functions[at::KernelInfoGetNodeName] = Address(GetNodeName);
    functions[at::KernelContextGetInputCount] = Address(GetInputCount);
    functions[at::KernelContextGetOutputCount] = Address(GetOutputCount);
    functions[at::KernelContextGetInput] = Address(GetInput);
    functions[at::KernelContextGetOutput] = Address(GetOutput);
    functions[at::KernelContextParallelFor] = Address(ParallelFor);
    return functions;
  }();
  return table.data();
}

}  // namespace

OrtValue::OrtValue(Type ofType, std::vector<int64_t> sizes)
    : type(ofType), dims(std::move(sizes)), bytes(static_cast<size_t>(ElementsOf(dims)) * SizeOf(type)) {
  if (bytes == 0) return;
  data = std::make_unique<char[]>(bytes);
  // What an operator forgets to write is not 0.
  std::memset(data.get(), 0xA5, bytes);
}

int64_t ElementsOf(const std::vector<int64_t>& dims) {
  for (const int64_t dim : dims) {
    if (dim == 0) return 0;
  }
  int64_t count = 1;
  for (const int64_t dim : dims) {
    if (dim > kMostElements / count) return -1;
    count *= dim;
  }
  return count;
}

const OrtCustomOp& FindOperator(const std::string& name) {
  static const OrtCustomOpDomain* const domain = [] {
    OrtSessionOptions options;
    AddOperators(Ort(Table(kOrtApiVersion)), &options);
    return options.domain;
  }();
  for (const OrtCustomOp* op : domain->operators) {
    if (op->GetName(op) == name) return *op;
  }
  throw std::runtime_error("there is no operator " + name);
}

Outcome TakeOutcome(OrtStatus* status) {
  if (status == nullptr) return {false, ""};
  Outcome outcome{true, status->sentence};
  delete status;
  return outcome;
}

}  // namespace tp
