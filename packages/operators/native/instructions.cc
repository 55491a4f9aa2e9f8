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
  Attend attendIntegers;
  Rounding rounding;
};

/// Those that this processor can run, fastest first.
std::vector<Form> Forms() {
  std::vector<Form> forms;
#if defined(__x86_64__)
  const bool hasAvx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  const bool hasVnni = __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vnni");
  if (__builtin_cpu_supports("avx512f") && (hasVnni || hasAvx2)) {
    forms.push_back({"avx512", AttendAvx512, hasVnni ? AttendIntegersVnni : AttendIntegersAvx2, kRoundingAvx512});
  }
  if (hasAvx2) forms.push_back({"avx2", AttendAvx2, AttendIntegersAvx2, kRoundingAvx2});
#endif
  forms.push_back({"baseline", AttendBaseline, AttendIntegersBaseline, kRoundingBaseline});
  return forms;
}

const std::vector<Form>& Available() {
  static const auto* const forms = new std::vector<Form>(Forms());
  return *forms;
}

std::atomic<const Form*> named = nullptr;

const Form& Chosen() {
  const Form* form = named;
  return form == nullptr ? Available().front() : *form;
}

}  // namespace

void ChooseInstructions(const std::string& name) {
  std::string names;
  for (const Form& form : Available()) {
    if (name.empty() || name == form.name) {
      named = &form;
      return;
    }
    names += (names.empty() ? "" : ", ") + std::string(form.name);
  }
  throw std::runtime_error("this processor has " + names + ", not " + name);
}

const char* Compiler() {
#ifdef __clang__
  return __VERSION__;
#else
  return "GCC " __VERSION__;
#endif
}

const char* ChosenInstructions() { return Chosen().name; }
Attend ChosenAttend(bool byIntegers) { return byIntegers ? Chosen().attendIntegers : Chosen().attend; }
Rounding ChosenRounding() { return Chosen().rounding; }

}  // namespace tp
