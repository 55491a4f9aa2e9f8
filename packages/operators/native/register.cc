// The library's one export, which every onnxruntime calls once it has opened it: RegisterCustomOps(options, base).
#include "operators.h"

#ifdef _WIN32
#define TP_EXPORT __declspec(dllexport)
#else
#define TP_EXPORT __attribute__((visibility("default")))
#endif

extern "C" TP_EXPORT tp::OrtStatus* RegisterCustomOps(tp::OrtSessionOptions* options, const tp::OrtApiBase* base) {
  // Every onnxruntime has the first interface: a newer one may be missing, and that has to be reported, too.
  const tp::Ort first(base->GetApi(1));
  try {
    tp::AddOperators(tp::Ort(base, tp::kOrtApiVersion), options);
    return nullptr;
  } catch (const std::exception& error) {
    return first.Failure(std::string("the operators of packed models cannot be added: ") + error.what());
  }
}
