// onnxruntime's C interface, as far as it is used here. The library returns one table of functions; a function's slot in it
// never changes, and new ones are added at the end (onnxruntime, docs/ABI_Versioning). So the slots below hold for the version
// that is requested and for every later one, and building needs no file of onnxruntime.
#pragma once

#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

namespace tp {

struct OrtStatus;
struct OrtSessionOptions;
struct OrtValue;
struct OrtTensorInfo;
struct OrtCustomOpDomain;
struct OrtKernelInfo;
struct OrtKernelContext;
struct OrtApiTable;

/// The interface's version that the operators need: onnxruntime 1.17 has it, and so has every later one.
constexpr uint32_t kOrtApiVersion = 17;

/// All that a library of onnxruntime exports.
struct OrtApiBase {
  void* const* (*GetApi)(uint32_t version);
  const char* (*GetVersionString)();
};

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

/// Type and sizes of a tensor.
struct Shape {
  Type type;
  std::vector<int64_t> dims;
};

/// What onnxruntime calls of an operator that it does not know itself. Versions before 1.18 do not read the last four fields.
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

/// One onnxruntime, by its table of functions. Several may be in one process, so nothing here is of the process.
class Ort {
 public:
  Ort() = default;
  explicit Ort(void* const* table) : table_(table) {}
  /// @throws std::runtime_error where it does not have the interface of this version
  Ort(const OrtApiBase* base, uint32_t version);

  void* const* Table() const { return table_; }

  /// Calls the function at `slot`, whose failure is the caller's to check.
  template <int slot, typename... Arguments>
  OrtStatus* Call(Arguments... arguments) const {
    using Function = OrtStatus* (*)(Arguments...);
    return reinterpret_cast<Function>(table_[slot])(arguments...);
  }
  template <int slot, typename... Arguments>
  void Release(Arguments... arguments) const {
    using Function = void (*)(Arguments...);
    reinterpret_cast<Function>(table_[slot])(arguments...);
  }
  /// @throws std::runtime_error with onnxruntime's sentence if a call failed
  void Check(OrtStatus* status) const;
  OrtStatus* Failure(const std::string& sentence) const;

  Shape ShapeOf(const OrtValue* value) const;
  Shape ShapeOf(const OrtTensorInfo* info) const;

 private:
  void* const* table_ = nullptr;
};

// Places in the table.
namespace at {
constexpr int CreateStatus = 0, GetErrorMessage = 2;
constexpr int CreateCustomOpDomain = 26, CustomOpDomainAdd = 27, AddCustomOpDomain = 28;
constexpr int GetTensorMutableData = 51;
constexpr int GetTensorElementType = 60, GetDimensionsCount = 61, GetDimensions = 62, GetTensorTypeAndShape = 65;
constexpr int KernelInfoGetAttributeFloat = 85, KernelInfoGetAttributeInt64 = 86, KernelInfoGetAttributeInt64s = 163;
constexpr int KernelContextGetInputCount = 88, KernelContextGetOutputCount = 89;
constexpr int KernelContextGetInput = 90, KernelContextGetOutput = 91;
constexpr int ReleaseStatus = 93, ReleaseTensorInfo = 99;
constexpr int KernelInfoGetNodeName = 244, KernelContextParallelFor = 274;
}  // namespace at

}  // namespace tp
