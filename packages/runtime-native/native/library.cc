#include "library.h"

#ifdef _WIN32
#include <windows.h>
#else
#include <dlfcn.h>
#endif

#include <mutex>
#include <stdexcept>

namespace tp {
namespace {

/// The first interface that adds external weights from memory.
constexpr uint32_t kVersion = 18;

std::mutex loading;
Ort ort;
const OrtApiBase* base = nullptr;

void* Open(const std::string& path) {
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

}  // namespace

void OpenLibrary(const std::string& path) {
  std::lock_guard<std::mutex> lock(loading);
  if (base != nullptr) return;
  void* library = Open(path);
  if (library == nullptr) throw std::runtime_error("the library cannot be opened: " + path);
  auto getBase = reinterpret_cast<const OrtApiBase* (*)()>(FindSymbol(library, "OrtGetApiBase"));
  if (getBase == nullptr) throw std::runtime_error("it is not onnxruntime: it has no OrtGetApiBase");
  const OrtApiBase* found = getBase();
  ort = Ort(found, kVersion);
  base = found;
}

const Ort& Library() { return ort; }
const char* LibraryVersion() { return base->GetVersionString(); }

}  // namespace tp
