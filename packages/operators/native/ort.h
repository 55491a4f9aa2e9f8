// onnxruntime's C interface, as far as it is used here. The library returns one table of functions; a function's slot in it
// never changes, and new ones are added at the end (onnxruntime, docs/ABI_Versioning). So the slots below hold for the version
// that is asked for and for every later one, and building needs no file of onnxruntime.
#pragma once

#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace tp {

struct OrtEnv;
struct OrtStatus;
struct OrtSession;
struct OrtSessionOptions;
struct OrtRunOptions;
struct OrtValue;
struct OrtAllocator;
struct OrtTypeInfo;
struct OrtTensorInfo;
struct OrtCustomOpDomain;
struct OrtKernelInfo;
struct OrtKernelContext;
struct OrtApiTable;

/// The interface's version that the slots below were read from: onnxruntime 1.18 has it, and so has every later one.
constexpr uint32_t kOrtApiVersion = 18;

/// Element types by their number in the interface.
enum class Type : int {
  kUndefined = 0,
  kFloat32 = 1,
  kUint8 = 2,
  kInt8 = 3,
  kUint16 = 4,
  kInt16 = 5,
  kInt32 = 6,
  kInt64 = 7,
  kString = 8,
  kBool = 9,
  kFloat16 = 10,
  kFloat64 = 11,
  kUint32 = 12,
  kUint64 = 13,
  kBfloat16 = 16,
};

/// Bytes of one element; 0 for strings and for types that are not known here.
size_t SizeOf(Type type);

/// What onnxruntime calls of an operator that it does not know itself. All fields of the interface's version have to be there.
struct OrtCustomOp {
  uint32_t version;
  void* (*CreateKernel)(const OrtCustomOp*, const OrtApiTable*, const OrtKernelInfo*);
  const char* (*GetName)(const OrtCustomOp*);
  const char* (*GetExecutionProviderType)(const OrtCustomOp*);
  Type (*GetInputType)(const OrtCustomOp*, size_t);
  size_t (*GetInputTypeCount)(const OrtCustomOp*);
  Type (*GetOutputType)(const OrtCustomOp*, size_t);
  size_t (*GetOutputTypeCount)(const OrtCustomOp*);
  void (*KernelCompute)(void*, OrtKernelContext*);
  void (*KernelDestroy)(void*);
  int (*GetInputCharacteristic)(const OrtCustomOp*, size_t);
  int (*GetOutputCharacteristic)(const OrtCustomOp*, size_t);
  int (*GetInputMemoryType)(const OrtCustomOp*, size_t);
  int (*GetVariadicInputMinArity)(const OrtCustomOp*);
  int (*GetVariadicInputHomogeneity)(const OrtCustomOp*);
  int (*GetVariadicOutputMinArity)(const OrtCustomOp*);
  int (*GetVariadicOutputHomogeneity)(const OrtCustomOp*);
  OrtStatus* (*CreateKernelV2)(const OrtCustomOp*, const OrtApiTable*, const OrtKernelInfo*, void** kernel);
  OrtStatus* (*KernelComputeV2)(void* kernel, OrtKernelContext*);
  OrtStatus* (*InferOutputShape)(const OrtCustomOp*, void*);
  int (*GetStartVersion)(const OrtCustomOp*);
  int (*GetEndVersion)(const OrtCustomOp*);
  size_t (*GetMayInplace)(int**, int**);
  void (*ReleaseMayInplace)(int*, int*);
  size_t (*GetAliasMap)(int**, int**);
  void (*ReleaseAliasMap)(int*, int*);
};

constexpr int kRequired = 0;
constexpr int kOptional = 1;

/// The table itself; each member is one function at its slot.
class Ort {
 public:
  /// Takes the interface from the library at `path`, once for the whole process. @throws std::runtime_error
  static void Load(const std::string& path);
  static const char* Version();

  template <int slot, typename... Arguments>
  static auto Call(Arguments... arguments) {
    using Function = OrtStatus* (*)(Arguments...);
    return reinterpret_cast<Function>(Table()[slot])(arguments...);
  }
  template <int slot, typename... Arguments>
  static void Release(Arguments... arguments) {
    using Function = void (*)(Arguments...);
    reinterpret_cast<Function>(Table()[slot])(arguments...);
  }

 private:
  static void* const* Table();
};

/// @throws std::runtime_error with onnxruntime's sentence if a call failed
void Check(OrtStatus* status);
OrtStatus* Failure(const std::string& sentence);

/// Owns one thing of onnxruntime's, which the function at `slot` gives back.
template <typename T, int slot>
class Owned {
 public:
  explicit Owned(T* value = nullptr) : value_(value) {}
  Owned(const Owned&) = delete;
  Owned& operator=(const Owned&) = delete;
  Owned(Owned&& other) noexcept : value_(other.value_) { other.value_ = nullptr; }
  Owned& operator=(Owned&& other) noexcept {
    std::swap(value_, other.value_);
    return *this;
  }
  ~Owned() {
    if (value_ != nullptr) Ort::Release<slot>(value_);
  }
  T* get() const { return value_; }
  T** out() { return &value_; }
  T* release() {
    T* value = value_;
    value_ = nullptr;
    return value;
  }

 private:
  T* value_;
};

// Places in the table.
namespace at {
constexpr int CreateStatus = 0, GetErrorMessage = 2, CreateEnv = 3;
constexpr int CreateSession = 7, CreateSessionFromArray = 8, Run = 9, CreateSessionOptions = 10;
constexpr int SetSessionExecutionMode = 13, EnableProfiling = 14, DisableMemPattern = 17, SetSessionLogSeverityLevel = 22;
constexpr int SetIntraOpNumThreads = 24, SetInterOpNumThreads = 25;
constexpr int CreateCustomOpDomain = 26, CustomOpDomainAdd = 27, AddCustomOpDomain = 28;
constexpr int SessionGetInputCount = 30, SessionGetOutputCount = 31;
constexpr int SessionGetInputTypeInfo = 33, SessionGetOutputTypeInfo = 34;
constexpr int SessionGetInputName = 36, SessionGetOutputName = 37;
constexpr int CreateRunOptions = 39, RunOptionsSetTerminate = 46;
constexpr int CreateTensorAsOrtValue = 48;
constexpr int GetTensorMutableData = 51, FillStringTensor = 52;
constexpr int GetStringTensorDataLength = 53, GetStringTensorContent = 54;
constexpr int CastTypeInfoToTensorInfo = 55, GetTensorElementType = 60, GetDimensionsCount = 61, GetDimensions = 62;
constexpr int GetSymbolicDimensions = 63, GetTensorTypeAndShape = 65;
constexpr int AllocatorFree = 76, GetAllocatorWithDefaultOptions = 78;
constexpr int KernelInfoGetAttributeFloat = 85, KernelInfoGetAttributeInt64 = 86, KernelInfoGetAttributeInt64s = 163;
constexpr int KernelContextGetInputCount = 88, KernelContextGetOutputCount = 89;
constexpr int KernelContextGetInput = 90, KernelContextGetOutput = 91;
constexpr int ReleaseStatus = 93, ReleaseSession = 95, ReleaseValue = 96;
constexpr int ReleaseRunOptions = 97, ReleaseTypeInfo = 98, ReleaseTensorInfo = 99, ReleaseSessionOptions = 100;
constexpr int SessionEndProfiling = 110;
constexpr int KernelInfoGetNodeName = 244, KernelContextParallelFor = 274, AddExternalInitializersFromFilesInMemory = 279;
}  // namespace at

using Value = Owned<OrtValue, at::ReleaseValue>;
using Session = Owned<OrtSession, at::ReleaseSession>;
using SessionOptions = Owned<OrtSessionOptions, at::ReleaseSessionOptions>;
using RunOptions = Owned<OrtRunOptions, at::ReleaseRunOptions>;
using TypeInfo = Owned<OrtTypeInfo, at::ReleaseTypeInfo>;

/// Type and sizes of a tensor.
struct Shape {
  Type type;
  std::vector<int64_t> dims;
};

Shape ShapeOf(const OrtValue* value);
Shape ShapeOf(const OrtTensorInfo* info);

}  // namespace tp
