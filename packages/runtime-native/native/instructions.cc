// The choice between the forms of attention and rounding.
#include <atomic>
#include <stdexcept>
#include <vector>

#include "attention.h"
#include "rounding.h"

namespace tp {
namespace {

struct Form {
  const char* name;
  Attend attend;
  Rounding rounding;
};

/// Those that this processor can run, fastest first.
std::vector<Form> Forms() {
  std::vector<Form> forms;
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512f")) forms.push_back({"avx512", AttendAvx512, kRoundingAvx512});
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) forms.push_back({"avx2", AttendAvx2, kRoundingAvx2});
#endif
  forms.push_back({"baseline", AttendBaseline, kRoundingBaseline});
  return forms;
}

const std::vector<Form>& Available() {
  static const auto* const forms = new std::vector<Form>(Forms());
  return *forms;
}

std::atomic<const Form*> chosen = nullptr;

}  // namespace

void ChooseInstructions(const std::string& name) {
  std::string names;
  for (const Form& form : Available()) {
    if (name.empty() || name == form.name) {
      chosen = &form;
      return;
    }
    names += (names.empty() ? "" : ", ") + std::string(form.name);
  }
  throw std::runtime_error("this processor has " + names + ", not " + name);
}

const char* ChosenInstructions() { return chosen == nullptr ? "" : chosen.load()->name; }
Attend ChosenAttend() { return chosen.load()->attend; }
Rounding ChosenRounding() { return chosen.load()->rounding; }

}  // namespace tp
