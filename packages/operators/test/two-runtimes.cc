// Two onnxruntimes in one process, each of which runs a model with the library's operators: two-runtimes OPERATORS FIRST SECOND MODEL
//
// MODEL has one operator with one input "x" float [2,3] and the outputs "rounded" and "scale". FIRST and SECOND are libraries of onnxruntime, whose
// functions are counted by tables of their own. Ends with 0 and a line, or with 1 and what is wrong.
#include <dlfcn.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <thread>
#include <vector>

#include "../native/ort.h"

namespace tp {
struct OrtEnv;
struct OrtSession;
struct OrtAllocator;
}  // namespace tp

namespace {

using tp::Ort;

[[noreturn]] void Fail(const std::string& sentence) {
  std::printf("%s\n", sentence.c_str());
  std::exit(1);
}

void* Symbol(const char* path, const char* name) {
  void* library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) Fail(dlerror());
  void* symbol = dlsym(library, name);
  if (symbol == nullptr) Fail(std::string(path) + " has no " + name);
  return symbol;
}

/// One onnxruntime whose table counts how often an operator has requested an output.
template <int which>
struct Counted {
  static inline const tp::OrtApiBase* base = nullptr;
  static inline std::vector<void*> functions;
  static inline std::atomic<int> outputs = 0;

  static tp::OrtStatus* GetOutput(tp::OrtKernelContext* context, size_t index, const int64_t* dims, size_t rank, tp::OrtValue** out) {
    outputs++;
    return Ort(base->GetApi(1)).Call<tp::at::KernelContextGetOutput>(context, index, dims, rank, out);
  }
  static void* const* GetApi(uint32_t) { return functions.data(); }

  static tp::OrtApiBase Open(const char* path) {
    base = reinterpret_cast<const tp::OrtApiBase* (*)()>(Symbol(path, "OrtGetApiBase"))();
    void* const* table = base->GetApi(tp::kOrtApiVersion);
    functions.assign(table, table + tp::at::KernelContextParallelFor + 1);
    functions[tp::at::KernelContextGetOutput] = reinterpret_cast<void*>(GetOutput);
    return {GetApi, base->GetVersionString};
  }
};

using Register = tp::OrtStatus* (*)(void*, const tp::OrtApiBase*);

/// Registers the operators and runs the model.
void Run(Register registerOperators, const tp::OrtApiBase& counted, const tp::OrtApiBase* base, const char* model, int times) {
  const Ort ort(base, tp::kOrtApiVersion);
  tp::OrtEnv* env = nullptr;
  tp::OrtSessionOptions* options = nullptr;
  tp::OrtSession* session = nullptr;
  tp::OrtAllocator* allocator = nullptr;
  ort.Check(ort.Call<3>(3, "two-runtimes", &env));
  ort.Check(ort.Call<10>(&options));
  ort.Check(registerOperators(options, &counted));
  ort.Check(ort.Call<7>(static_cast<const tp::OrtEnv*>(env), model, static_cast<const tp::OrtSessionOptions*>(options), &session));
  ort.Check(ort.Call<78>(&allocator));
  for (int i = 0; i < times; i++) {
    const int64_t dims[] = {2, 3};
    const float numbers[] = {1, -2, 0.5F, 0, 3, 4};
    tp::OrtValue* x = nullptr;
    void* data = nullptr;
    ort.Check(ort.Call<48>(allocator, &dims[0], static_cast<size_t>(2), tp::Type::kFloat32, &x));
    ort.Check(ort.Call<tp::at::GetTensorMutableData>(x, &data));
    std::memcpy(data, numbers, sizeof numbers);
    const char* inputs[] = {"x"};
    const char* outputs[] = {"rounded", "scale"};
    const tp::OrtValue* feeds[] = {x};
    tp::OrtValue* results[] = {nullptr, nullptr};
    ort.Check(ort.Call<9>(session, static_cast<const void*>(nullptr), &inputs[0], &feeds[0], static_cast<size_t>(1), &outputs[0],
                          static_cast<size_t>(2), &results[0]));
    ort.Check(ort.Call<tp::at::GetTensorMutableData>(results[1], &data));
    if (static_cast<float*>(data)[0] != 2 || static_cast<float*>(data)[1] != 4) Fail("a scale is wrong");
    for (tp::OrtValue* result : results) ort.Release<96>(result);
    ort.Release<96>(x);
  }
}

}  // namespace

int main(int count, char** arguments) {
  if (count != 5) return 2;
  const auto registerOperators = reinterpret_cast<Register>(Symbol(arguments[1], "RegisterCustomOps"));
  using First = Counted<1>;
  using Second = Counted<2>;
  const tp::OrtApiBase first = First::Open(arguments[2]), second = Second::Open(arguments[3]);
  if (First::base == Second::base) Fail("both are the same onnxruntime");
  constexpr int times = 20;
  try {
    std::thread other([&] { Run(registerOperators, second, Second::base, arguments[4], 2 * times); });
    Run(registerOperators, first, First::base, arguments[4], times);
    other.join();
    // Of an onnxruntime that is too old, the operators take the first interface, to say so.
    const tp::OrtApiBase old{[](uint32_t version) { return version == 1 ? First::base->GetApi(1) : nullptr; }, [] { return "1.16.3"; }};
    Ort(First::base->GetApi(1)).Check(registerOperators(nullptr, &old));
    Fail("an old onnxruntime is taken");
  } catch (const std::exception& error) {
    std::printf("%d and %d outputs; %s\n", First::outputs.load(), Second::outputs.load(), error.what());
  }
  return 0;
}
