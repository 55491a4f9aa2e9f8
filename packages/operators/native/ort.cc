#include "ort.h"

#ifdef _WIN32
#include <windows.h>
#else
#include <dlfcn.h>
#endif

#include <mutex>

namespace tp {
namespace {

struct OrtApiBase {
  void* const* (*GetApi)(uint32_t version);
  const char* (*GetVersionString)();
};

std::mutex loading;
void* const* table = nullptr;
const OrtApiBase* base = nullptr;

void* OpenLibrary(const std::string& path) {
#ifdef _WIN32
  return reinterpret_cast<void*>(LoadLibraryA(path.c_str()));
#else
  void* library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) throw std::runtime_error(dlerror());
  return library;
#endif
}

void* FindSymbol(void* library, const char* name) {
#ifdef _WIN32
  return reinterpret_cast<void*>(GetProcAddress(reinterpret_cast<HMODULE>(library), name));
#else
  return dlsym(library, name);
#endif
}

constexpr int kFail = 1;

}  // namespace

void Ort::Load(const std::string& path) {
  std::lock_guard<std::mutex> lock(loading);
  if (table != nullptr) return;
  void* library = OpenLibrary(path);
  if (library == nullptr) throw std::runtime_error("the library cannot be opened: " + path);
  auto getBase = reinterpret_cast<const OrtApiBase* (*)()>(FindSymbol(library, "OrtGetApiBase"));
  if (getBase == nullptr) throw std::runtime_error("it is not onnxruntime: it has no OrtGetApiBase");
  const OrtApiBase* found = getBase();
  void* const* api = found->GetApi(kOrtApiVersion);
  if (api == nullptr) {
    throw std::runtime_error(std::string("it is onnxruntime ") + found->GetVersionString() + "; 1.18 or newer is needed");
  }
  base = found;
  table = api;
}

const char* Ort::Version() { return base->GetVersionString(); }
void* const* Ort::Table() { return table; }

void Check(OrtStatus* status) {
  if (status == nullptr) return;
  using GetMessage = const char* (*)(const OrtStatus*);
  std::string message = reinterpret_cast<GetMessage>(table[at::GetErrorMessage])(status);
  Ort::Release<at::ReleaseStatus>(status);
  throw std::runtime_error(message);
}

OrtStatus* Failure(const std::string& sentence) { return Ort::Call<at::CreateStatus>(kFail, sentence.c_str()); }

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

Shape ShapeOf(const OrtTensorInfo* info) {
  Shape shape{};
  size_t rank = 0;
  Check(Ort::Call<at::GetTensorElementType>(info, &shape.type));
  Check(Ort::Call<at::GetDimensionsCount>(info, &rank));
  shape.dims.resize(rank);
  Check(Ort::Call<at::GetDimensions>(info, shape.dims.data(), rank));
  return shape;
}

Shape ShapeOf(const OrtValue* value) {
  Owned<OrtTensorInfo, at::ReleaseTensorInfo> info;
  Check(Ort::Call<at::GetTensorTypeAndShape>(value, info.out()));
  return ShapeOf(info.get());
}

}  // namespace tp
