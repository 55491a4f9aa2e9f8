#include "ort.h"

namespace tp {
namespace {

constexpr int kFail = 1;

}  // namespace

Ort::Ort(const OrtApiBase* base, uint32_t version) : table_(base->GetApi(version)) {
  if (table_ != nullptr) return;
  throw std::runtime_error(std::string("it is onnxruntime ") + base->GetVersionString() + "; 1." + std::to_string(version) +
                           " or newer is needed");
}

void Ort::Check(OrtStatus* status) const {
  if (status == nullptr) return;
  using GetMessage = const char* (*)(const OrtStatus*);
  const std::string message = reinterpret_cast<GetMessage>(table_[at::GetErrorMessage])(status);
  Release<at::ReleaseStatus>(status);
  throw std::runtime_error(message);
}

OrtStatus* Ort::Failure(const std::string& sentence) const { return Call<at::CreateStatus>(kFail, sentence.c_str()); }

Shape Ort::ShapeOf(const OrtTensorInfo* info) const {
  Shape shape{};
  size_t rank = 0;
  Check(Call<at::GetTensorElementType>(info, &shape.type));
  Check(Call<at::GetDimensionsCount>(info, &rank));
  shape.dims.resize(rank);
  Check(Call<at::GetDimensions>(info, shape.dims.data(), rank));
  return shape;
}

Shape Ort::ShapeOf(const OrtValue* value) const {
  OrtTensorInfo* info = nullptr;
  Check(Call<at::GetTensorTypeAndShape>(value, &info));
  try {
    const Shape shape = ShapeOf(info);
    Release<at::ReleaseTensorInfo>(info);
    return shape;
  } catch (...) {
    Release<at::ReleaseTensorInfo>(info);
    throw;
  }
}

size_t SizeOf(Type type) {
  switch (type) {
    case Type::kUint8:
    case Type::kInt8:
    case Type::kBool:
      return 1;
    case Type::kUint16:
    case Type::kInt16:
    case Type::kFloat16:
    case Type::kBfloat16:
      return 2;
    case Type::kFloat32:
    case Type::kInt32:
    case Type::kUint32:
      return 4;
    case Type::kInt64:
    case Type::kFloat64:
    case Type::kUint64:
      return 8;
    default:
      return 0;
  }
}

}  // namespace tp
