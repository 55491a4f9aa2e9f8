#include "model.h"

#include "tensors.h"

namespace tp {
namespace {

Declared Declare(const OrtSession* from, size_t index, bool isInput) {
  OrtAllocator* allocator = nullptr;
  Call<at::GetAllocatorWithDefaultOptions>(&allocator);
  char* name = nullptr;
  TypeInfo type;
  if (isInput) {
    Call<at::SessionGetInputName>(from, index, allocator, &name);
    Call<at::SessionGetInputTypeInfo>(from, index, type.out());
  } else {
    Call<at::SessionGetOutputName>(from, index, allocator, &name);
    Call<at::SessionGetOutputTypeInfo>(from, index, type.out());
  }
  Declared declared;
  declared.name = name;
  Call<at::AllocatorFree>(allocator, static_cast<void*>(name));
  const OrtTensorInfo* info = nullptr;
  Call<at::CastTypeInfoToTensorInfo>(static_cast<const OrtTypeInfo*>(type.get()), &info);
  if (info == nullptr) {
    throw std::runtime_error("\"" + declared.name + "\" is a sequence, map or optional; only tensors can be passed");
  }
  const Shape shape = Library().ShapeOf(info);
  declared.type = NameOf(shape.type);
  declared.sizes = shape.dims;
  std::vector<const char*> names(shape.dims.size());
  Call<at::GetSymbolicDimensions>(info, names.data(), names.size());
  for (const char* dim : names) declared.names.emplace_back(dim == nullptr ? "" : dim);
  return declared;
}

}  // namespace

void Model::Describe() {
  const auto* from = static_cast<const OrtSession*>(session.get());
  size_t count = 0;
  Call<at::SessionGetInputCount>(from, &count);
  for (size_t i = 0; i < count; i++) inputs.push_back(Declare(from, i, true));
  Call<at::SessionGetOutputCount>(from, &count);
  for (size_t i = 0; i < count; i++) outputs.push_back(Declare(from, i, false));
}

void Model::Begin(uint32_t run, OrtRunOptions* options) {
  std::lock_guard<std::mutex> lock(mutex_);
  runs_[run] = options;
}

void Model::End(uint32_t run) {
  std::lock_guard<std::mutex> lock(mutex_);
  runs_.erase(run);
}

void Model::Terminate(uint32_t run) {
  std::lock_guard<std::mutex> lock(mutex_);
  auto found = runs_.find(run);
  if (found != runs_.end()) Call<at::RunOptionsSetTerminate>(found->second);
}

void Model::TerminateAll() {
  std::lock_guard<std::mutex> lock(mutex_);
  for (auto& [number, options] : runs_) Call<at::RunOptionsSetTerminate>(options);
}

}  // namespace tp
