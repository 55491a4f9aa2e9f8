// The onnxruntime that this process runs models with.
#pragma once

#include <utility>

#include "ort.h"

namespace tp {

struct OrtEnv;
struct OrtSession;
struct OrtRunOptions;
struct OrtAllocator;
struct OrtTypeInfo;

/// Takes the interface from the library at `path`, once for the whole process. @throws std::runtime_error
void OpenLibrary(const std::string& path);
const Ort& Library();
const char* LibraryVersion();

/// @throws std::runtime_error with onnxruntime's sentence if the call fails
template <int slot, typename... Arguments>
void Call(Arguments... arguments) {
  Library().Check(Library().Call<slot>(arguments...));
}

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
    if (value_ != nullptr) Library().Release<slot>(value_);
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

namespace at {
constexpr int CreateEnv = 3, CreateSession = 7, CreateSessionFromArray = 8, Run = 9, CreateSessionOptions = 10;
constexpr int SetSessionExecutionMode = 13, EnableProfiling = 14, DisableMemPattern = 17, SetSessionLogSeverityLevel = 22;
constexpr int SetIntraOpNumThreads = 24, SetInterOpNumThreads = 25;
constexpr int SessionGetInputCount = 30, SessionGetOutputCount = 31;
constexpr int SessionGetInputTypeInfo = 33, SessionGetOutputTypeInfo = 34;
constexpr int SessionGetInputName = 36, SessionGetOutputName = 37;
constexpr int CreateRunOptions = 39, RunOptionsSetTerminate = 46;
constexpr int CreateTensorAsOrtValue = 48, FillStringTensor = 52;
constexpr int GetStringTensorDataLength = 53, GetStringTensorContent = 54;
constexpr int CastTypeInfoToTensorInfo = 55, GetSymbolicDimensions = 63;
constexpr int AllocatorFree = 76, GetAllocatorWithDefaultOptions = 78;
constexpr int ReleaseSession = 95, ReleaseValue = 96, ReleaseRunOptions = 97, ReleaseTypeInfo = 98, ReleaseSessionOptions = 100;
constexpr int SessionEndProfiling = 110;
constexpr int AddExternalInitializersFromFilesInMemory = 279;
}  // namespace at

using Value = Owned<OrtValue, at::ReleaseValue>;
using Session = Owned<OrtSession, at::ReleaseSession>;
using SessionOptions = Owned<OrtSessionOptions, at::ReleaseSessionOptions>;
using RunOptions = Owned<OrtRunOptions, at::ReleaseRunOptions>;
using TypeInfo = Owned<OrtTypeInfo, at::ReleaseTypeInfo>;

}  // namespace tp
